//! A container that an organizer has run again: a real worker, real containers, and the board meanwhile.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use molar_tests::api::text;
use molar_tests::challenge::Track;
use molar_tests::submit::{ended, find};
use molar_tests::system::binary;
use molar_tests::until;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::stage::{Handed, PATIENCE, Stage, rows_of};

/// So long that the board is looked at while it goes on.
const SLEEP_S: u32 = 2;

const WHY: &str = "its machine was slow that day";

pub async fn a_scored_container_is_run_again_and_its_board_follows_when_it_is_scored(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let team = &stage.ridge;
    let handed = stage.hand_in_image(team, Track::Opg, 1, SLEEP_S).await?;
    stage.ends_scored_once(team, &handed, PATIENCE).await?;
    let organizer = stage.organizer.api.clone();
    let before = entry(&stage.board_with(&organizer, &[&handed]).await?, &handed)?;

    // Not to be measured by others' choice, and not without a reason.
    let path = format!("/api/v1/submissions/{}/rerun", handed.id);
    let body = json!({ "reason": WHY });
    team.api.post(&path, &body).await?.problem(&[403])?;
    organizer
        .post(&path, &json!({"reason": " "}))
        .await?
        .problem(&[422])?;
    let made = molar(stage, &["rerun", &handed.id, "--reason", WHY, "--json"]).await?;
    ensure!(made["number"] == 2, "{made}");
    let attempts = stage.rows.attempts(&handed.id).await?;
    ensure!(
        attempts.len() == 2 && !attempts[0].is_rerun && attempts[1].is_rerun,
        "{attempts:?}"
    );
    organizer.post(&path, &body).await?.problem(&[409])?;

    until("the new run", PATIENCE, async || {
        let seen = find(team, &handed.id).await?;
        Ok((text(&seen, "state") == "running").then_some(()))
    })
    .await?;
    let seen = find(team, &handed.id).await?;
    ensure!(
        text(&seen["rerun"], "reason") == WHY && seen["rerun"]["is_going_on"] == true,
        "{seen}"
    );
    let during = stage.board_with(&organizer, &[&handed]).await?;
    // Its place may change beside it.
    ensure!(
        entry(&during, &handed)?["values"] == before["values"],
        "the board changed before the new run was scored: {during}"
    );

    let end = ended(team, &handed.id, PATIENCE).await?;
    ensure!(text(&end, "state") == "scored", "{end}");
    let runs = stage.rows.runs(&handed.id).await?;
    let cases = handed.truth.len() + 1;
    ensure!(
        runs.len() == 2 * cases && runs.iter().all(|run| *run == ("finished".to_owned(), 1)),
        "every case once in each attempt: {runs:?}"
    );
    let evaluations = format!("/api/v1/evaluations?submission_id={}", handed.id);
    let evaluations = organizer.get(&evaluations).await?.ok()?;
    let newest = evaluations[0].clone();
    ensure!(
        evaluations.as_array().is_some_and(|all| all.len() == 2)
            && newest["attempt_id"] == made["attempt_id"]
            && newest["state"] == "finished",
        "{evaluations}"
    );
    let after = until("the new board", Duration::from_secs(20), async || {
        let board = stage.board_with(&organizer, &[&handed]).await?;
        let now = entry(&board, &handed)?;
        Ok((now["values"]["running_time_s"] != before["values"]["running_time_s"]).then_some(now))
    })
    .await?;
    ensure!(
        after["values"]["image_DSC"] == before["values"]["image_DSC"],
        "the same files: {after} {before}"
    );
    // What it had cost it costs once.
    stage.rows.settled(&handed.id, "spent").await?;
    until("the mail", Duration::from_secs(30), async || {
        let told = stage.rows.mails_that_say(WHY).await?;
        Ok((told > 0).then_some(()))
    })
    .await
}

fn entry(board: &Value, handed: &Handed) -> anyhow::Result<Value> {
    let row = rows_of(board)
        .iter()
        .find(|row| text(row, "submission_id") == handed.id);
    Ok(row.context("no entry")?.clone())
}

/// A command of the organizer, and its answer.
pub async fn molar(stage: &Stage, arguments: &[&str]) -> anyhow::Result<Value> {
    let output = Command::new(binary().context("no binary")?)
        .args(arguments)
        .envs(stage.organizer.api.environment())
        .output()
        .await?;
    ensure!(
        output.status.success(),
        "molar {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}
