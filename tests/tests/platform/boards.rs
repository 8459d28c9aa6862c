//! From upload to board.

use anyhow::{Context as _, ensure};
use molar_tests::api::text;
use molar_tests::challenge::{ACCURACY, TRACKS};
use molar_tests::people::Team;
use molar_tests::predictions::mean;
use serde_json::Value;

use crate::stage::{Handed, PATIENCE, Stage, rows_of};

pub async fn both_kinds_on_both_tracks_reach_their_boards_with_exact_scores(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let teams = [(&stage.ridge, 1), (&stage.arch, 2)];
    let mut handed = Vec::new();
    for track in TRACKS {
        for (team, fault) in teams {
            handed.push((team, stage.hand_in_zip(team, track, fault).await?));
            handed.push((team, stage.hand_in_image(team, track, fault, 0).await?));
        }
    }
    for (team, one) in &handed {
        stage.ends_scored_once(team, one, PATIENCE).await?;
    }
    for track in TRACKS {
        for phase in ["validation", "final"] {
            let of_board: Vec<_> = handed
                .iter()
                .filter(|(_, one)| one.track == track && one.phase == phase)
                .collect();
            let submissions: Vec<&Handed> = of_board.iter().map(|(_, one)| one).collect();
            // A final board is the organizers' until it is published.
            let seen_by = if phase == "final" {
                stage.organizer.api.clone()
            } else {
                stage.public()
            };
            let board = stage.board_with(&seen_by, &submissions).await?;
            for (team, one) in of_board {
                is_on(&board, team, one)?;
            }
            is_ordered(&board, &stage.ridge, &stage.arch)?;
        }
    }
    is_a_page(stage).await
}

/// The team's row holds the means of what was measured here.
fn is_on(board: &Value, team: &Team, handed: &Handed) -> anyhow::Result<()> {
    let rows: Vec<&Value> = rows_of(board)
        .iter()
        .filter(|row| text(row, "team") == team.name)
        .collect();
    ensure!(
        rows.len() == 1,
        "{} stands {} times on {board}",
        team.name,
        rows.len()
    );
    let row = rows[0];
    for (metric, value) in mean(&handed.truth) {
        let shown = row["values"][metric]
            .as_f64()
            .with_context(|| format!("no {metric} in {row}"))?;
        ensure!(
            (shown - value).abs() < 1e-12,
            "{metric} of {}: {shown}, measured here: {value}",
            team.name
        );
    }
    ensure!(
        row["cases"] == handed.truth.len() && row["failed_cases"] == 0,
        "{row}"
    );
    if handed.phase == "final" {
        ensure!(
            row["values"]["running_time_s"]
                .as_f64()
                .is_some_and(|s| s >= 0.0),
            "no time in {row}"
        );
        ensure!(
            row["values"]["gpu_memory_area_mib_s"].is_null(),
            "an area without a GPU in {row}"
        );
        let left_out = board["left_out"].to_string();
        ensure!(
            left_out.contains("gpu_memory_area_mib_s"),
            "the board should say what it leaves out: {left_out}"
        );
    }
    Ok(())
}

/// The better team comes first in every accuracy metric.
fn is_ordered(board: &Value, better: &Team, worse: &Team) -> anyhow::Result<()> {
    let row = |team: &Team| {
        rows_of(board)
            .iter()
            .find(|row| text(row, "team") == team.name)
    };
    let (better, worse) = row(better).zip(row(worse)).context("a team is missing")?;
    for metric in ACCURACY {
        let value = |row: &Value| row["values"][metric].as_f64().unwrap_or(-1.0);
        let rank = |row: &Value| row["ranks"][metric].as_u64();
        let (first, second) = (
            rank(better).context("no rank")?,
            rank(worse).context("no rank")?,
        );
        let is_right = if value(better) > value(worse) {
            first < second
        } else {
            first == second
        };
        ensure!(
            value(better) >= value(worse) && is_right,
            "{metric}: {better} {worse}"
        );
    }
    ensure!(better["rank"] == 1 && worse["rank"] == 2, "{board}");
    Ok(())
}

async fn is_a_page(stage: &Stage) -> anyhow::Result<()> {
    let public = stage.public();
    for path in [
        "/",
        "/boards",
        "/boards/trial/opg/validation",
        "/challenges/trial",
        "/login",
    ] {
        let page = public.get(path).await?;
        ensure!(
            page.status == 200 && page.content_type.starts_with("text/html"),
            "{path}: {} {}",
            page.status,
            page.text
        );
    }
    let board = public.get("/boards/trial/opg/validation").await?.text;
    ensure!(
        board.contains(&stage.ridge.name) && board.contains("Test limits"),
        "{board}"
    );
    let openapi = public.get("/api/openapi.json").await?.ok()?;
    ensure!(
        openapi["paths"]["/api/v1/submissions"]["post"].is_object(),
        "the API's document lacks submissions"
    );
    Ok(())
}

pub async fn a_final_board_is_hidden_until_it_is_published(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let track = TRACKS[0];
    let handed = stage.hand_in_image(&stage.ridge, track, 1, 0).await?;
    stage
        .ends_scored_once(&stage.ridge, &handed, PATIENCE)
        .await?;
    let phase_id = stage.organizer.phase_id(track, "final")?;
    for api in [&stage.public(), &stage.ridge.api, &stage.arch.api] {
        let board = stage.board_with(api, &[&handed]).await?;
        ensure!(
            rows_of(&board).is_empty() && !text(&board, "hidden").is_empty(),
            "a hidden board shows {board}"
        );
        let csv = api.get(&format!("/api/v1/boards/{phase_id}.csv")).await?;
        ensure!(
            !csv.text.contains(&stage.ridge.name),
            "a hidden board as CSV: {}",
            csv.text
        );
    }
    let page = stage.public().get("/boards/trial/opg/final").await?.text;
    ensure!(
        !page.contains(&stage.ridge.name),
        "a hidden board as a page shows the team"
    );
    let cases = stage
        .ridge
        .api
        .get(&format!("/api/v1/submissions/{}/cases", handed.id))
        .await?
        .ok()?;
    let told = cases.to_string();
    ensure!(
        !told.contains("image_DSC") && !told.contains("Test_0"),
        "a team is told of hidden cases: {told}"
    );

    stage.organizer.publish(track, "final").await?;
    let board = molar_tests::until("the published board", PATIENCE, async || {
        let board = stage
            .public()
            .get(&format!("/api/v1/boards/{phase_id}"))
            .await?
            .ok()?;
        Ok((!rows_of(&board).is_empty()).then_some(board))
    })
    .await?;
    is_on(&board, &stage.ridge, &handed)
}
