//! The public case: what it decides, and who reads along.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use molar_tests::api::{Answer, text};
use molar_tests::challenge::{CANARY, Track};
use molar_tests::image::Image;
use molar_tests::submit::{Created, create, declaration, ended, find, hand_in};
use molar_tests::system::binary;
use molar_tests::until;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::stage::{PATIENCE, Stage};

/// Of the line of the issue: from the container's end to the attempt's.
const AT_MOST_S: f64 = 10.0;

pub async fn a_canary_that_cannot_be_scored_ends_the_attempt_in_seconds(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let phase_id = stage.organizer.phase_id(Track::Opg, "final")?;
    // Polygons, and exit code 0; of another image's size.
    let script = format!(
        r#"#!/bin/sh
echo '{{"imageHeight": 3, "imageWidth": 3, "shapes": []}}' > /outputs/{CANARY}_Mask.json
echo "I have written it"
busybox date +%s
"#
    );
    let id = hand_in(&stage.ridge, &phase_id, &Image::running(&script).archive()?).await?;
    let end = ended(&stage.ridge, &id, PATIENCE).await?;
    ensure!(text(&end, "failure") == "canary-failed", "{end}");
    let detail = text(&end["complaints"][0], "detail");
    let expected = format!("bad-prediction on {CANARY}: it is 3 × 3 (height × width), the case is");
    ensure!(detail.starts_with(&expected), "{detail}");

    let log = log_of_canary(stage, &id).await?.context("no log")?;
    let (words, ended_s) = log.trim().split_once('\n').context("a line is missing")?;
    ensure!(words == "I have written it", "{log}");
    let took = stage.rows.attempt_ended_s(&id).await? - ended_s.parse::<f64>()?;
    ensure!(
        (0.0..=AT_MOST_S).contains(&took),
        "the attempt ended {took} s later"
    );

    let runs = stage.rows.runs(&id).await?;
    ensure!(
        runs[1..].iter().all(|(_, claims)| *claims == 0),
        "hidden cases: {runs:?}"
    );
    stage.rows.settled(&id, "returned").await
}

async fn log_of_canary(stage: &Stage, id: &str) -> anyhow::Result<Option<String>> {
    let cases = format!("/api/v1/submissions/{id}/cases");
    let cases = stage.ridge.api.get(&cases).await?.ok()?;
    match cases["items"][0]["log"].as_str() {
        Some(path) => Ok(Some(stage.ridge.api.get(path).await?.text)),
        None => Ok(None),
    }
}

pub async fn a_trial_runs_the_public_case_alone_and_is_read_along(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let entries = stage.rows.quota_entries().await?;
    let words = "printf 'loading \\033[2Jweights\\n'\n";
    let id = hand_in_trial(stage, words, "echo done\n").await?;
    let mut reader = follow(stage, &id)?;
    let mut lines = BufReader::new(reader.stdout.take().context("no output")?).lines();

    ensure!(next(&mut lines).await? == "loading ␛[2Jweights");
    let now = find(&stage.ridge, &id).await?;
    ensure!(text(&now, "state") == "running", "not read along: {now}");
    until(
        "its place in the queue",
        Duration::from_secs(5),
        async || {
            let queue = &find(&stage.ridge, &id).await?["queue"];
            Ok((queue["remaining_cases"] == 1 && queue["is_served"] == true).then_some(()))
        },
    )
    .await?;
    ensure!(next(&mut lines).await? == "done");
    let status = tokio::time::timeout(PATIENCE, reader.wait()).await??;
    ensure!(status.success(), "molar logs ended with {status}");

    let end = ended(&stage.ridge, &id, PATIENCE).await?;
    ensure!(
        text(&end, "state") == "tried" && end["is_trial"] == true,
        "{end}"
    );
    ensure!(stage.rows.runs(&id).await? == [("finished".to_owned(), 1)]);
    // It costs nothing and scoring never hears of it.
    ensure!(
        stage.rows.quota_entries().await? == entries,
        "a trial was charged"
    );
    let evaluations = format!("/api/v1/evaluations?submission_id={id}");
    let evaluations = stage.organizer.api.get(&evaluations).await?.ok()?;
    ensure!(evaluations == json!([]), "{evaluations}");
    Ok(())
}

/// What the container says before and after it predicts, as lines of its script.
pub async fn hand_in_trial(stage: &Stage, before: &str, after: &str) -> anyhow::Result<String> {
    let files = stage.predictions(Track::Opg, "trial")?;
    let good = Image::predicting(&files, 6);
    let script = good.script.as_deref().context("no script")?;
    let script = script.replace("set -eu\n", &format!("set -eu\n{before}"));
    let image = Image {
        script: Some(script + after),
        ..good
    };
    let (archive, team) = (image.archive()?, &stage.ridge);
    let phase_id = stage.organizer.phase_id(Track::Opg, "final")?;
    let mut trial: Value = declaration(team, &phase_id, &archive);
    trial["is_trial"] = json!(true);
    let created: Answer = create(team, &trial).await?;
    let created = Created::of(&created.ok()?)?;
    let parts = created.put(team, &archive).await?;
    created.complete(team, &parts).await?.ok()?;
    Ok(created.id)
}

/// `molar logs -f`, as the team.
fn follow(stage: &Stage, id: &str) -> anyhow::Result<Child> {
    let child = Command::new(binary().context("no binary")?)
        .args(["logs", id, "--follow"])
        .envs(stage.ridge.api.environment())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<String> {
    let line = tokio::time::timeout(PATIENCE.max(Duration::from_secs(60)), lines.next_line());
    line.await??.context("the log ended early")
}
