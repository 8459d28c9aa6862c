//! SIGTERM: of one, of all; and what the next start finds.

use std::time::Duration;

use anyhow::ensure;
use molar_tests::challenge::{TRACKS, Track};
use molar_tests::rows::Rows;
use molar_tests::system::ROLES;
use serde_json::Value;

use crate::stage::{PATIENCE, Stage, ranking_of};

/// What the supervisor grants a role, and a bit.
const GRACE: Duration = Duration::from_secs(50);

pub async fn each_role_ends_in_order_and_loses_nothing(stage: &mut Stage) -> anyhow::Result<()> {
    let image = stage.hand_in_image(&stage.ridge, Track::Opg, 1, 3).await?;
    let zip = stage.hand_in_zip(&stage.arch, Track::Cbct, 2).await?;
    for name in ROLES.into_iter().chain(["worker"]) {
        let end = stage.system.terminate(name, GRACE).await?;
        ensure!(
            end.contains("with status 0"),
            "{name} was asked to end: {end}"
        );
    }
    stage.ends_scored_once(&stage.arch, &zip, PATIENCE).await?;
    stage.ends_scored_once(&stage.ridge, &image, PATIENCE).await
}

pub async fn the_whole_stops_and_comes_back_with_its_data(stage: &mut Stage) -> anyhow::Result<()> {
    let before = boards(stage).await?;
    let image = stage.hand_in_image(&stage.ridge, Track::Opg, 2, 3).await?;
    let seen = stage.system.left_running().len();
    ensure!(
        seen > ROLES.len() + 4,
        "the look at what runs sees {seen} processes only"
    );
    let status = stage.system.stop().await?;
    ensure!(
        status.success(),
        "`molar up` ended with {status}:\n{}",
        stage.system.said()
    );
    let left = stage.system.left_running();
    ensure!(left.is_empty(), "left running: {left:#?}");

    come_back(stage).await?;
    ensure!(
        cbct_boards(&boards(stage).await?) == cbct_boards(&before),
        "a board is another after a restart"
    );
    stage.ends_scored_once(&stage.ridge, &image, PATIENCE).await
}

pub async fn the_whole_is_killed_and_comes_back_with_its_data(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let before = boards(stage).await?;
    let image = stage.hand_in_image(&stage.ridge, Track::Opg, 1, 3).await?;
    let zip = stage.hand_in_zip(&stage.arch, Track::Opg, 1).await?;
    let killed = stage.system.kill_tree()?;
    ensure!(killed > ROLES.len(), "only {killed} processes were killed");

    come_back(stage).await?;
    ensure!(
        cbct_boards(&boards(stage).await?) == cbct_boards(&before),
        "a board is another after a kill"
    );
    // A check, a run or a scoring that was killed is noticed when its lease is over.
    stage
        .ends_scored_once(&stage.arch, &zip, PATIENCE * 3)
        .await?;
    stage
        .ends_scored_once(&stage.ridge, &image, PATIENCE * 3)
        .await
}

async fn come_back(stage: &mut Stage) -> anyhow::Result<()> {
    stage.system.up().await?;
    stage.organizer.api = stage.organizer.api.at(stage.system.url());
    stage.ridge = stage.ridge.at(&stage.system);
    stage.arch = stage.arch.at(&stage.system);
    stage.rows = Rows::open(&stage.system).await?;
    Ok(())
}

/// All boards as the organizer sees them.
async fn boards(stage: &Stage) -> anyhow::Result<Vec<Value>> {
    let mut boards = Vec::new();
    for track in TRACKS {
        for phase in ["validation", "final"] {
            let path = format!("/api/v1/boards/{}", stage.organizer.phase_id(track, phase)?);
            boards.push(stage.organizer.api.get(&path).await?.ok()?);
        }
    }
    Ok(boards)
}

/// Of the track on which nothing is handed in meanwhile.
fn cbct_boards(boards: &[Value]) -> Vec<(&Value, Vec<Value>)> {
    boards[2..].iter().map(ranking_of).collect()
}
