//! A wrong reference, from its replacement to the board.

use anyhow::{Context as _, ensure};
use molar_tests::api::{Api, id, text};
use molar_tests::challenge::{self, Track};
use molar_tests::people::Organizer;
use molar_tests::predictions::{mean, measure, predict};
use molar_tests::system::binary;
use molar_tests::until;
use molar_volumes::prediction_name;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::stage::{Handed, PATIENCE, Stage, ranking_of, rows_of};

const TRACK: Track = Track::Opg;

pub async fn a_wrong_reference_is_replaced_previewed_and_published_by_two_or_dropped(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let careful = challenge::file().replace(
        "note = \"Test limits\"",
        "note = \"Test limits\"\nsecond_organizer = [\"rescore\"]",
    );
    stage.organizer.apply(&careful).await?;
    let second = Organizer::another(&stage.system, "second@test.invalid").await?;
    let better = stage.hand_in_zip(&stage.ridge, TRACK, 1).await?;
    let worse = stage.hand_in_zip(&stage.arch, TRACK, 2).await?;
    stage
        .ends_scored_once(&stage.ridge, &better, PATIENCE)
        .await?;
    stage
        .ends_scored_once(&stage.arch, &worse, PATIENCE)
        .await?;
    let before = stage
        .board_with(&stage.public(), &[&better, &worse])
        .await?;

    let right = correct(stage).await?;
    // Dropped: nothing changes. By then everything is measured by the new reference: had it counted by itself, it would.
    let dropped = ready(stage).await?;
    same_board(stage, &before).await?;
    let moves = moves(&stage.organizer.api, &dropped).await?;
    is_why(&moves, &stage.arch.name)?;
    stage
        .organizer
        .api
        .post(
            &format!("{dropped}/drop"),
            &json!({"reason": "it was right"}),
        )
        .await?
        .ok()?;

    // Published by two: one new version, with exactly what the new reference is worth.
    let path = ready(stage).await?;
    same_board(stage, &before).await?;
    let publish = format!("{path}/publish");
    let olga = &stage.organizer.api;
    let asked = olga
        .post(&publish, &json!({"reason": "the old one was drawn wrong"}))
        .await?;
    ensure!(asked.status == 202, "{} {}", asked.status, asked.text);
    let confirms = json!({"confirms": asked.body["request_id"]});
    olga.post(&publish, &confirms).await?.problem(&[409])?;
    same_board(stage, &before).await?;
    second.post(&publish, &confirms).await?.ok()?;
    let after = until("the new board", PATIENCE, async || {
        let board = board(stage).await?;
        Ok((board["version"] != before["version"]).then_some(board))
    })
    .await?;
    let version = before["version"].as_i64().context("no version")?;
    ensure!(after["version"] == version + 1, "{after}");
    is_worth(&after, &stage.arch.name, stage, &worse, &right)?;

    // Others hand in against what counts now.
    let cases = stage.drawn.get_mut(&TRACK).context("no track")?;
    let cases = cases.get_mut("validation").context("no split")?;
    cases[0].reference = right;
    stage.organizer.apply(&challenge::file()).await
}

/// Sends the prediction of the worse team for the first case as its new reference.
async fn correct(stage: &Stage) -> anyhow::Result<Vec<u8>> {
    let case = &stage.cases(TRACK, "validation")[..1];
    let (name, right) = predict(TRACK, case, 2)?.pop_first().context("no file")?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join(name), &right)?;
    let output = Command::new(binary().context("no binary")?)
        .args([
            "correct",
            "trial/opg/validation",
            "--reason",
            "two teeth were swapped",
            "--json",
            "--from",
        ])
        .arg(folder.path())
        .envs(stage.organizer.api.environment())
        .output()
        .await?;
    ensure!(
        output.status.success(),
        "molar correct: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let accepted: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(
        text(&accepted, "state") == "accepted" && accepted["version"] == 2,
        "{accepted}"
    );
    Ok(right)
}

/// Drafts, computes and waits; returns the path.
async fn ready(stage: &Stage) -> anyhow::Result<String> {
    let api = &stage.organizer.api;
    let phase_id = stage.organizer.phase_id(TRACK, "validation")?;
    let body = json!({"phase_id": phase_id, "reason": "a reference was wrong"});
    let made = api.post("/api/v1/rescorings", &body).await?.ok()?;
    let path = format!("/api/v1/rescorings/{}", id(&made)?);
    api.post(&format!("{path}/compute"), &json!({}))
        .await?
        .ok()?;
    until("the re-scoring to be ready", PATIENCE, async || {
        let seen = api.get(&path).await?.ok()?;
        Ok((text(&seen, "state") == "ready").then_some(()))
    })
    .await?;
    let seen = api.get(&path).await?.ok()?;
    let (cases, copied) = (seen["cases"].as_i64(), seen["copied_cases"].as_i64());
    // Of each submission one case of three is measured again.
    ensure!(
        cases.map(|n| n * 2) == copied.map(|n| n * 3) && cases > Some(0),
        "{seen}"
    );
    Ok(path)
}

async fn moves(api: &Api, path: &str) -> anyhow::Result<Value> {
    api.get(&format!("{path}/moves")).await?.ok()
}

fn is_why(moves: &Value, team: &str) -> anyhow::Result<()> {
    let teams = moves["teams"].as_array().context("no teams")?;
    let row = teams.iter().find(|row| text(row, "team") == team);
    let cases = &row.context("the team is missing")?["cases"];
    ensure!(
        cases.as_array().map(Vec::len) == Some(1) && text(&cases[0], "case") == "Val_01",
        "{moves}"
    );
    Ok(())
}

async fn board(stage: &Stage) -> anyhow::Result<Value> {
    let phase_id = stage.organizer.phase_id(TRACK, "validation")?;
    let path = format!("/api/v1/boards/{phase_id}");
    stage.public().get(&path).await?.ok()
}

async fn same_board(stage: &Stage, before: &Value) -> anyhow::Result<()> {
    let now = board(stage).await?;
    ensure!(
        ranking_of(&now) == ranking_of(before),
        "the board changed from {before} to {now}"
    );
    Ok(())
}

fn is_worth(
    board: &Value,
    team: &str,
    stage: &Stage,
    handed: &Handed,
    right: &[u8],
) -> anyhow::Result<()> {
    let case = &stage.cases(TRACK, "validation")[..1];
    let files = predict(TRACK, case, 2)?;
    let file = &files[&prediction_name(&case[0].name, TRACK.format())];
    let mut truth = handed.truth.clone();
    truth.insert(case[0].name.clone(), measure(TRACK, right, file)?);
    let row = rows_of(board).iter().find(|row| text(row, "team") == team);
    let row = row.context("the team is missing")?;
    for (metric, value) in mean(&truth) {
        let shown = row["values"][metric].as_f64().context("no value")?;
        ensure!(
            (shown - value).abs() < 1e-12,
            "{metric}: {shown}, measured here: {value}"
        );
    }
    Ok(())
}
