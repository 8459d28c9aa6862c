//! `molar submit` beside plain multipart, in turns, so that a busy machine is busy for both.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use comfy_table::Table;
use molar_tests::api::{id, text};
use molar_tests::submit::ended;
use serde_json::Value;

use crate::plain::Plain;
use crate::stage::{Stage, table};
use crate::{file, setting};

const PATIENCE: Duration = Duration::from_secs(600);

pub async fn measure() -> anyhow::Result<Table> {
    let (mib, pairs) = (
        setting("MOLAR_BENCH_UPLOAD_MIB", 1024),
        setting("MOLAR_BENCH_PAIRS", 5),
    );
    let mut stage = Stage::set(&["--fast"]).await?;
    let measured = pairs_of(&stage, mib, pairs).await;
    stage.system.stop().await?;
    measured
}

async fn pairs_of(stage: &Stage, mib: u64, pairs: u64) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file.zip");
    let plain = Plain::of(&stage.system)?;
    let mut table = table(&[
        "upload of a file",
        "molar submit",
        "plain multipart",
        "ratio",
    ]);
    let rate = |time: Duration| format!("{:.0} MiB/s", mib as f64 / time.as_secs_f64());
    let mut ratios = Vec::new();
    for pair in 0..pairs {
        let hash = file::write(&path, mib, pair)?;
        let (ours, theirs) = match pair % 2 {
            0 => {
                let ours = submit(stage, &path, &hash).await?;
                (ours, plain.put(&path).await?)
            }
            _ => {
                let theirs = plain.put(&path).await?;
                (submit(stage, &path, &hash).await?, theirs)
            }
        };
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
        ratios.push(ratio);
        let what = format!("{mib} MiB, pair {}", pair + 1);
        table.add_row([what, rate(ours), rate(theirs), format!("{ratio:.2}")]);
    }
    ratios.sort_by(f64::total_cmp);
    let median = format!("{:.2}; the goal is 0.90", ratios[ratios.len() / 2]);
    table.add_row(["median of the ratios", "", "", &median]);
    for name in ["s3", "submission"] {
        let peak = format!("{} MiB", stage.peak_mib(name));
        table.add_row([
            format!("peak memory of {name}"),
            peak,
            String::new(),
            String::new(),
        ]);
    }
    Ok(table)
}

async fn submit(stage: &Stage, path: &std::path::Path, hash: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let output = stage
        .submit(path, &["--json", "--new"])?
        .stderr(Stdio::inherit())
        .output()
        .await?;
    let took = begun.elapsed();
    ensure!(output.status.success(), "molar submit: {}", output.status);
    let answer: Value = serde_json::from_slice(&output.stdout).context("no JSON")?;
    // The check reads the file as well: not while the next one goes up.
    let end = ended(&stage.team, &id(&answer)?, PATIENCE).await?;
    ensure!(text(&end, "sha256") == hash, "another file arrived: {end}");
    Ok(took)
}
