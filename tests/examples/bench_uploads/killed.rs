//! A large file over a line that breaks: the sender is stopped until its URLs have run out, and killed.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use comfy_table::Table;
use molar_tests::api::{items, text};
use molar_tests::processes::Process;
use molar_tests::submit::ended;
use molar_tests::until;
use rustix::process::Signal;
use tokio::process::Child;

use crate::stage::{Stage, table};
use crate::{file, setting};

const PATIENCE: Duration = Duration::from_secs(1800);
const URL_LIFE: Duration = Duration::from_secs(2);

pub async fn measure() -> anyhow::Result<Table> {
    let mib = setting("MOLAR_BENCH_KILLED_MIB", 5 * 1024);
    let life = URL_LIFE.as_secs().to_string();
    let mut stage = Stage::set(&["--fast", "--part-url-s", &life]).await?;
    let measured = play(&stage, mib).await;
    stage.system.stop().await?;
    measured
}

async fn play(stage: &Stage, mib: u64) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file.zip");
    let hash = file::write(&path, mib, 7)?;
    let said = folder.path().join("said");
    let begun = Instant::now();
    let mut table = table(&["a file whose sender is killed", "measured"]);
    let mut peak = 0;
    for percent in [40, 80] {
        let mut sender = start(stage, &path, &said)?;
        let process = Process::of(i32::try_from(sender.id().context("no pid")?)?);
        let process = process.context("it ended by itself")?;
        until_present(stage, &mut sender, mib, percent - 20).await?;
        process.signal(Signal::STOP)?;
        tokio::time::sleep(URL_LIFE + Duration::from_secs(2)).await;
        process.signal(Signal::CONT)?;
        let here = until_present(stage, &mut sender, mib, percent).await?;
        peak = peak.max(process.memory("VmHWM").unwrap_or_default() >> 20);
        process.signal(Signal::KILL)?;
        sender.wait().await?;
        table.add_row([
            format!("kill -9 at {percent} %"),
            format!("{here} MiB had arrived"),
        ]);
    }
    let mut sender = start(stage, &path, &said)?;
    let status = sender.wait().await?;
    ensure!(
        status.success(),
        "molar submit: {status}: {}",
        std::fs::read_to_string(&said)?
    );
    let took = begun.elapsed();
    let all = stage.team.api.get("/api/v1/submissions").await?.ok()?;
    let [only] = items(&all) else {
        bail!("one submission was wanted: {all}");
    };
    let end = ended(&stage.team, text(only, "id"), PATIENCE).await?;
    ensure!(text(&end, "sha256") == hash, "another file arrived: {end}");
    let said = std::fs::read_to_string(&said)?;
    let ran_out = said
        .lines()
        .filter(|line| line.contains("answered 403"))
        .count();
    let gone_on = said
        .lines()
        .filter(|line| line.starts_with("Going on"))
        .count();
    ensure!(gone_on == 2, "it did not go on twice: {said}");
    ensure!(ran_out > 0, "no URL ran out: {said}");
    for (what, measured) in [
        ("size", format!("{mib} MiB")),
        ("time of all of it", format!("{:.0} s", took.as_secs_f64())),
        ("SHA-256", "that of the file".to_owned()),
        (
            "URLs that had run out and were signed again",
            ran_out.to_string(),
        ),
        ("peak memory of the sender", format!("{peak} MiB")),
        (
            "peak memory of submission",
            format!("{} MiB", stage.peak_mib("submission")),
        ),
        ("peak memory of s3", format!("{} MiB", stage.peak_mib("s3"))),
    ] {
        table.add_row([what, &measured]);
    }
    Ok(table)
}

fn start(stage: &Stage, path: &Path, said: &Path) -> anyhow::Result<Child> {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(said)?;
    Ok(stage
        .submit(path, &[])?
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?)
}

/// Waits until so much has arrived; returns how many MiB it was then.
async fn until_present(
    stage: &Stage,
    sender: &mut Child,
    mib: u64,
    percent: u64,
) -> anyhow::Result<u64> {
    until(&format!("{percent} % to arrive"), PATIENCE, async || {
        if let Some(status) = sender.try_wait()? {
            bail!("molar submit ended: {status}");
        }
        let open = stage
            .team
            .api
            .get("/api/v1/submissions/unfinished")
            .await?
            .ok()?;
        let Some(one) = items(&open).first() else {
            return Ok(None);
        };
        let path = format!("/api/v1/submissions/{}/upload", text(one, "submission_id"));
        let upload = stage.team.api.get(&path).await?.ok()?;
        let present = upload["present"].as_array().context("no parts")?;
        let bytes: u64 = present
            .iter()
            .filter_map(|part| part["size_bytes"].as_u64())
            .sum();
        Ok((bytes >> 20 >= mib * percent / 100).then_some(bytes >> 20))
    })
    .await
}
