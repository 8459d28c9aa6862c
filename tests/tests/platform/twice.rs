//! At-least-once: said twice, counted once.

use std::time::Duration;

use anyhow::ensure;
use molar_tests::challenge::Track;
use molar_tests::twice::Repeater;
use molar_tests::until;

use crate::stage::{PATIENCE, Stage, ranking_of};

/// Longer than a poll, so that whoever would act on a second delivery has.
const SETTLE: Duration = Duration::from_secs(6);

pub async fn a_message_delivered_twice_counts_once(stage: &mut Stage) -> anyhow::Result<()> {
    let seen_before = stage.rows.seen_again().await?;
    let repeater = Repeater::start(&stage.system.broker_url()?, &["worker.cpu"]).await?;
    let zip = stage.hand_in_zip(&stage.ridge, Track::Opg, 1).await?;
    let image = stage.hand_in_image(&stage.arch, Track::Opg, 2, 0).await?;
    stage.ends_scored_once(&stage.ridge, &zip, PATIENCE).await?;
    stage
        .ends_scored_once(&stage.arch, &image, PATIENCE)
        .await?;
    let board = stage.board_with(&stage.organizer.api, &[&zip]).await?;
    stage.board_with(&stage.organizer.api, &[&image]).await?;
    let counts = stage.rows.counts().await?;

    tokio::time::sleep(SETTLE).await;
    let repeated = repeater.stop().await?;
    ensure!(repeated >= 10, "only {repeated} messages were repeated");
    let seen = stage.rows.seen_again().await? - seen_before;
    ensure!(
        seen > 0,
        "{repeated} messages were repeated, and nobody saw one twice"
    );
    let now = stage.rows.counts().await?;
    ensure!(
        now == counts,
        "rows were added by repeated messages: {counts:?} {now:?}"
    );
    let after = stage.board_with(&stage.organizer.api, &[&zip]).await?;
    ensure!(
        ranking_of(&after) == ranking_of(&board),
        "the board changed from {board} to {after}"
    );
    for (row, (_, claims)) in stage.rows.runs(&image.id).await?.into_iter().enumerate() {
        ensure!(claims == 1, "case run {row} was claimed {claims} times");
    }
    Ok(())
}

pub async fn a_relay_killed_between_confirm_and_commit_counts_once(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let zip = stage.hand_in_zip(&stage.ridge, Track::Opg, 1).await?;
    let image = stage.hand_in_image(&stage.arch, Track::Opg, 2, 0).await?;
    stage.ends_scored_once(&stage.ridge, &zip, PATIENCE).await?;
    stage
        .ends_scored_once(&stage.arch, &image, PATIENCE)
        .await?;
    let board = stage.board_with(&stage.organizer.api, &[&zip]).await?;
    stage.board_with(&stage.organizer.api, &[&image]).await?;
    all_published(stage).await?;
    let counts = stage.rows.counts().await?;

    let forgotten = stage.rows.forget_confirms().await?;
    ensure!(
        forgotten >= 10,
        "only {forgotten} announcements were there to forget"
    );
    all_published(stage).await?;
    tokio::time::sleep(SETTLE).await;
    let now = stage.rows.counts().await?;
    ensure!(
        now == counts,
        "rows were added by announcements said again: {counts:?} {now:?}"
    );
    let after = stage.board_with(&stage.organizer.api, &[&zip]).await?;
    ensure!(
        ranking_of(&after) == ranking_of(&board),
        "the board changed from {board} to {after}"
    );
    stage.ends_scored_once(&stage.ridge, &zip, PATIENCE).await?;
    stage.ends_scored_once(&stage.arch, &image, PATIENCE).await
}

async fn all_published(stage: &Stage) -> anyhow::Result<()> {
    until("the relays to catch up", PATIENCE, async || {
        Ok((stage.rows.unpublished().await? == 0).then_some(()))
    })
    .await
}
