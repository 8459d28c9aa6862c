//! `molar submit` over a line that breaks: stopped, killed, and gone on with.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use molar_tests::api::{items, text};
use molar_tests::people::sha256;
use molar_tests::processes::Process;
use molar_tests::submit::ended;
use molar_tests::system::binary;
use molar_tests::until;
use rustix::process::Signal;
use tokio::process::{Child, Command};

use crate::stage::{PATIENCE, Stage};

/// Six parts; no zip, which its check says.
const SIZE: usize = 48 << 20;

pub async fn a_submit_that_was_stopped_and_killed_goes_on_where_it_was(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("predictions.zip");
    let content: Vec<u8> = (0..SIZE / 4)
        .flat_map(|n: usize| (n as u32).to_le_bytes())
        .collect();
    std::fs::write(&path, &content)?;
    let said = folder.path().join("said");

    let mut stopped = submit(stage, &path, &said, &["--limit-rate", "16M"])?;
    let id = until_present(stage, 1).await?;
    signal(&stopped, Signal::INT)?;
    let status = stopped.wait().await?;
    ensure!(status.code() == Some(130), "after Ctrl-C: {status}");
    let told = std::fs::read_to_string(&said)?;
    ensure!(
        told.contains("goes on where it stopped") && told.contains("--phase trial/opg/validation"),
        "Ctrl-C does not say how to go on: {told}"
    );

    let mut killed = submit(stage, &path, &said, &["--limit-rate", "16M"])?;
    ensure!(
        until_present(stage, 3).await? == id,
        "a second one was begun"
    );
    signal(&killed, Signal::KILL)?;
    killed.wait().await?;

    let mut last = submit(stage, &path, &said, &["--parallel", "2"])?;
    let status = last.wait().await?;
    let told = std::fs::read_to_string(&said)?;
    ensure!(status.success(), "molar submit ended with {status}: {told}");
    let gone_on = format!("Going on with submission {id}: ");
    ensure!(told.matches(&gone_on).count() == 2, "{told}");
    ensure!(
        !told.contains(&format!("{gone_on}0 of")),
        "nothing was kept: {told}"
    );
    let end = ended(&stage.ridge, &id, PATIENCE).await?;
    ensure!(text(&end, "sha256") == sha256(&content), "{end}");
    ensure!(text(&end, "failure") == "bad-archive", "{end}");
    stage.rows.settled(&id, "returned").await
}

fn submit(stage: &Stage, path: &Path, said: &Path, more: &[&str]) -> anyhow::Result<Child> {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(said)?;
    let child = Command::new(binary().context("no binary")?)
        .args(["submit", "--phase", "trial/opg/validation"])
        .args(more)
        .arg(path)
        .envs(stage.ridge.api.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

fn signal(child: &Child, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(child.id().context("it ended by itself")?)?;
    Process::of(pid)
        .context("it ended by itself")?
        .signal(signal)
}

/// Waits until so many parts have arrived; returns the submission's id.
async fn until_present(stage: &Stage, parts: usize) -> anyhow::Result<String> {
    until("parts to arrive", PATIENCE, async || {
        let open = stage
            .ridge
            .api
            .get("/api/v1/submissions/unfinished")
            .await?
            .ok()?;
        let Some(one) = items(&open).iter().find(|one| one["size_bytes"] == SIZE) else {
            return Ok(None);
        };
        let id = text(one, "submission_id").to_owned();
        let path = format!("/api/v1/submissions/{id}/upload");
        let upload = stage.ridge.api.get(&path).await?.ok()?;
        let present = upload["present"].as_array().map_or(0, Vec::len);
        Ok((present >= parts).then_some(id))
    })
    .await
}
