//! Sentences for people, JSON for programs.

use molar_domain::FailureCode;
use molar_sandbox::image::{ArchiveError, ArchiveFacts};
use serde_json::{Value, json};

use super::figures::Figures;
use super::run::{Played, Stage};
use crate::score::Scores;

const MIB: f64 = (1 << 20) as f64;
/// Of what a container wrote, its end.
const TAIL_LINES: usize = 20;

/// The platform would not even run it.
pub fn refused(in_json: bool, code: FailureCode, error: &ArchiveError) -> anyhow::Result<()> {
    if in_json {
        let failure = failure(code, &error.to_string());
        let answer = json!({"image": {"failure": failure}, "cases": [], "scores": null});
        say!("{}", serde_json::to_string_pretty(&answer)?);
    } else {
        say!(
            "the image would be refused: {code}: {error}\n  {}",
            code.advice()
        );
    }
    Ok(())
}

pub fn all(
    in_json: bool,
    facts: &ArchiveFacts,
    stage: &Stage,
    played: &[Played],
    scores: Option<&Scores>,
) -> anyhow::Result<()> {
    if in_json {
        let answer = json!({
            "image": {
                "digest": facts.image_digest,
                "uncompressed_bytes": facts.uncompressed_bytes,
                "user": facts.user,
                "failure": null,
            },
            "limits": stage.limits,
            "gpu": stage.gpu,
            "cases": played.iter().map(case_json).collect::<Vec<_>>(),
            "scores": scores.map(Scores::json),
        });
        say!("{}", serde_json::to_string_pretty(&answer)?);
        return Ok(());
    }
    let mib = facts.uncompressed_bytes as f64 / MIB;
    say!(
        "the image would be accepted: {}, {mib:.0} MiB unpacked",
        facts.image_digest
    );
    if played.iter().any(|played| !played.is_bounded) {
        say!(
            "what the container wrote was looked at twice a second, not bounded by the kernel: that needs root and overlay2"
        );
    }
    for played in played {
        case_text(played);
    }
    if let Some(scores) = scores {
        say!("");
        scores.table();
    }
    Ok(())
}

fn failure(code: FailureCode, detail: &str) -> Value {
    json!({"code": code.as_str(), "detail": detail, "advice": code.advice()})
}

fn case_json(played: &Played) -> Value {
    let finished = &played.finished;
    json!({
        "case": played.name,
        "failure": played.failure.as_ref().map(|(code, detail)| failure(*code, detail)),
        "exit_code": finished.exit_code,
        "used": Figures::of(finished),
        "is_bounded": played.is_bounded,
        "output": played.prediction.as_ref().map(|file| json!({
            "name": played.output_name,
            "size_bytes": file.size,
            "sha256": file.sha256,
        })),
        "notes": played.notes,
        "log_tail": tail(&finished.log.to_text()),
    })
}

fn case_text(played: &Played) {
    say!("\n{}", played.name);
    match &played.failure {
        None => say!("  finished"),
        Some((code, detail)) => {
            say!("  failed: {code}: {}\n  {}", plain(detail), code.advice());
        }
    }
    if let Some(file) = &played.prediction {
        say!("  output      {}, {} bytes", played.output_name, file.size);
    }
    for note in &played.notes {
        say!("  note        {note}");
    }
    used(&Figures::of(&played.finished));
    let tail = tail(&played.finished.log.to_text());
    if !tail.is_empty() {
        say!("  the end of its log:");
        for line in tail {
            say!("  | {line}");
        }
    }
}

fn used(figures: &Figures) {
    say!("  wall time   {:.3} s", figures.wall_ms as f64 / 1000.0);
    if let Some(seconds) = figures.cpu_core_s {
        say!("  CPU         {seconds:.2} core-seconds");
    }
    if let Some((peak, area)) = figures.peak_memory_mib.zip(figures.memory_area_mib_s) {
        say!("  memory      peak {peak:.1} MiB, area {area:.1} MiB·s");
    }
    if let Some((peak, area)) = figures.peak_gpu_mib.zip(figures.gpu_area_mib_s) {
        say!("  GPU memory  peak {peak:.1} MiB, area {area:.1} MiB·s");
    }
}

fn tail(log: &str) -> Vec<String> {
    let lines: Vec<_> = log.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines[from..].iter().map(|line| plain(line)).collect()
}

/// A container's words must not steer a terminal.
fn plain(line: &str) -> String {
    let printable = |c: char| if c.is_control() && c != '\t' { '·' } else { c };
    line.trim_end_matches('\r').chars().map(printable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_cannot_steer_the_terminal_and_only_its_end_is_shown() {
        let log = (0..30).map(|n| format!("{n}\n")).collect::<String>() + "\x1b[2J\x07done\r\n";
        let tail = tail(&log);
        assert_eq!(tail.len(), TAIL_LINES);
        assert_eq!(tail[0], "11");
        assert_eq!(tail[19], "·[2J·done");
    }
}
