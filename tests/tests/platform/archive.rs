//! The archive of a phase that was played: fetched by command, in both editions, computed again from its own scores, and
//! changed.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use molar_tests::api::{Api, text};
use molar_tests::challenge::Track;
use molar_tests::predictions::zip_of;
use molar_tests::system::binary;
use molar_tests::until;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::stage::{PATIENCE, Stage, rows_of};

const TRACK: Track = Track::Cbct;
const PHASE: &str = "trial/cbct/final";
/// Statistics are made at most once a minute, and figures a moment later.
const MADE: Duration = Duration::from_secs(150);
const SCORES: &str = "scores/cases-long.csv";
const TIME: &str = "running_time_s";

pub async fn a_published_phase_is_fetched_and_computed_again_and_a_changed_byte_is_found(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let mut handed = Vec::new();
    for (team, fault) in [(&stage.ridge, 1), (&stage.arch, 2)] {
        handed.push((team, stage.hand_in_image(team, TRACK, fault, 0).await?));
    }
    for (team, one) in &handed {
        stage.ends_scored_once(team, one, PATIENCE).await?;
    }
    let phase_id = stage.organizer.phase_id(TRACK, "final")?;
    let outcome = played(stage, &phase_id).await;
    stage.rows.end_phase(&phase_id, false).await?;
    outcome
}

async fn played(stage: &Stage, phase_id: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("final.zip");
    let organizer = &stage.organizer.api;
    let early = fetch(organizer, &file).await?;
    is_refused(&early, "has not ended")?;
    ensure!(!file.exists(), "a file of nothing");

    stage.rows.end_phase(phase_id, true).await?;
    stage.organizer.publish(TRACK, "final").await?;
    until("the archive", MADE, async || {
        let made = fetch(organizer, &file).await?;
        ensure!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        Ok(Some(()))
    })
    .await?;
    tells_no_times(stage, phase_id, &folder.path().join("public.zip")).await?;
    let again = fetch(organizer, &file).await?;
    is_refused(&again, "is there already")?;
    let same = folder.path().join("same.zip");
    ensure!(fetch(organizer, &same).await?.status.success());
    let bytes = std::fs::read(&file)?;
    ensure!(
        std::fs::read(&same)? == bytes,
        "another archive of the same ranks"
    );

    let (code, report) = verify(&file).await?;
    let is_equal = code == 0 && report["is_equal"] == true;
    ensure!(is_equal && report["notes"] == json!([]), "{report}");
    let members = members(&bytes)?;
    tells_the_board(stage, phase_id, &members).await?;
    is_found(&file, &bytes, members).await
}

/// What everybody gets: of what containers used in hidden cases the means of the board, and no digit more.
async fn tells_no_times(stage: &Stage, phase_id: &str, file: &Path) -> anyhow::Result<()> {
    let fetched = fetch(&stage.public(), file).await?;
    let told = String::from_utf8_lossy(&fetched.stderr);
    ensure!(fetched.status.success(), "{told}");
    let members = members(&std::fs::read(file)?)?;
    for (name, content) in members.iter().filter(|(name, _)| name.ends_with(".csv")) {
        let text = String::from_utf8_lossy(content);
        ensure!(!text.contains(TIME), "{name} has times");
    }
    ensure!(members.contains_key(SCORES), "no scores");
    tells_the_board(stage, phase_id, &members).await?;

    let (code, report) = verify(file).await?;
    ensure!(code == 0 && report["is_equal"] == true, "{report}");
    let notes = report["notes"].as_array().context("no notes")?;
    let is_told = |words: &str| notes.iter().any(|note| note.to_string().contains(words));
    ensure!(
        is_told("taken as given") && is_told("not recomputed"),
        "{report}"
    );
    Ok(())
}

/// Names, ranks and means, as everybody reads them.
async fn tells_the_board(
    stage: &Stage,
    phase_id: &str,
    members: &BTreeMap<String, Vec<u8>>,
) -> anyhow::Result<()> {
    let ranking: Value = serde_json::from_slice(members.get("ranking.json").context("no ranks")?)?;
    let board = format!("/api/v1/boards/{phase_id}");
    let board = stage.public().get(&board).await?.ok()?;
    let told = |rows: &[Value]| -> Vec<(String, Value, Value)> {
        let told = rows.iter().map(|row| {
            let values = json!([row["values"]["image_DSC"], row["values"][TIME]]);
            (text(row, "team").to_owned(), row["rank"].clone(), values)
        });
        told.collect()
    };
    let entries = ranking["entries"].as_array().context("no entries")?;
    ensure!(told(entries).len() >= 2, "{ranking}");
    ensure!(told(entries) == told(rows_of(&board)), "{ranking} {board}");
    Ok(())
}

/// A byte of the file, and a digit of a score in an archive that was written anew.
async fn is_found(
    file: &Path,
    bytes: &[u8],
    mut members: BTreeMap<String, Vec<u8>>,
) -> anyhow::Result<()> {
    let mut broken = bytes.to_vec();
    broken[bytes.len() / 3] ^= 1;
    std::fs::write(file, &broken)?;
    let (code, report) = verify(file).await?;
    ensure!(code != 0 && report["is_equal"] == false, "{code} {report}");

    let scores = members.get_mut(SCORES).context("no scores")?;
    // The first decimal of the last value: its last one may not reach the mean.
    let point = scores.iter().rposition(|&byte| byte == b'.');
    let digit = &mut scores[point.context("no decimal")? + 1];
    *digit = if *digit == b'1' { b'2' } else { b'1' };
    std::fs::write(file, zip_of(&members)?)?;
    let (code, report) = verify(file).await?;
    ensure!(code == 1 && report["is_equal"] == false, "{code} {report}");
    let checks = report["checks"].as_array().context("no checks")?;
    let wrong = checks.iter().filter(|check| check["is_equal"] == false);
    let wrong: Vec<_> = wrong.map(|check| text(check, "what")).collect();
    ensure!(wrong.contains(&"means"), "only {wrong:?} differ");
    Ok(())
}

fn members(archive: &[u8]) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut zip = zip::ZipArchive::new(Cursor::new(archive))?;
    let mut members = BTreeMap::new();
    for at in 0..zip.len() {
        let mut member = zip.by_index(at)?;
        let mut content = Vec::new();
        member.read_to_end(&mut content)?;
        let name = member.name()?.into_owned();
        members.insert(name, content);
    }
    Ok(members)
}

async fn fetch(api: &Api, to: &Path) -> anyhow::Result<Output> {
    let to = to.to_str().context("a plain path")?;
    let mut command = Command::new(binary().context("no binary")?);
    command.args(["archive", "get", PHASE, "--output", to]);
    Ok(command.envs(api.environment()).output().await?)
}

/// The exit code, and what was found. It is told where no server is.
async fn verify(file: &Path) -> anyhow::Result<(i32, Value)> {
    let mut command = Command::new(binary().context("no binary")?);
    command.args(["archive", "verify", "--json"]).arg(file);
    let done = command.env_remove("MOLAR_URL").output().await?;
    let code = done.status.code().context("it was killed")?;
    let report = serde_json::from_slice(&done.stdout);
    Ok((
        code,
        report.with_context(|| String::from_utf8_lossy(&done.stderr).into_owned())?,
    ))
}

fn is_refused(output: &Output, why: &str) -> anyhow::Result<()> {
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && told.contains(why), "{told}");
    Ok(())
}
