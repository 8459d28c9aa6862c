//! `kill -9` in the middle of the work.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use molar_tests::api::text;
use molar_tests::challenge::{TRACKS, Track};
use molar_tests::until;

use crate::stage::{Handed, PATIENCE, Stage};

/// A lost lease is noticed after the allowance for skewed clocks, then backed off.
const LEASE_LOST: Duration = Duration::from_secs(120);

pub async fn worker_execution_and_scoring_die_in_mid_run(stage: &mut Stage) -> anyhow::Result<()> {
    let mut handed = Vec::new();
    for track in TRACKS {
        handed.push((
            &stage.ridge,
            stage.hand_in_image(&stage.ridge, track, 1, 2).await?,
        ));
        handed.push((&stage.arch, stage.hand_in_zip(&stage.arch, track, 2).await?));
    }
    let running = &handed[0].1;
    in_mid_run(stage, running).await?;
    let worker = stage.system.kill("worker")?;
    stage.system.back("worker", &worker).await?;

    let execution = stage.system.kill("execution")?;
    for track in TRACKS {
        handed.push((&stage.arch, stage.hand_in_zip(&stage.arch, track, 1).await?));
    }
    stage.system.back("execution", &execution).await?;

    // While it has something to do.
    let zip = stage.hand_in_zip(&stage.ridge, Track::Cbct, 2).await?;
    in_mid_scoring(stage, &zip).await?;
    handed.push((&stage.ridge, zip));
    let scoring = stage.system.kill("scoring")?;
    stage.system.back("scoring", &scoring).await?;

    for (team, one) in &handed {
        stage.ends_scored_once(team, one, LEASE_LOST).await?;
    }
    Ok(())
}

async fn in_mid_run(stage: &Stage, handed: &Handed) -> anyhow::Result<()> {
    until("a case to run", PATIENCE, async || {
        let runs = stage.rows.runs(&handed.id).await?;
        Ok(runs
            .iter()
            .any(|(state, _)| state == "running")
            .then_some(()))
    })
    .await
}

async fn in_mid_scoring(stage: &Stage, handed: &Handed) -> anyhow::Result<()> {
    until("a case to be scored", PATIENCE, async || {
        let now = molar_tests::submit::find(&stage.ridge, &handed.id).await?;
        Ok(["scoring", "scored"]
            .contains(&text(&now, "state"))
            .then_some(()))
    })
    .await
}

pub async fn the_broker_dies_and_comes_back_empty(stage: &mut Stage) -> anyhow::Result<()> {
    let image = stage.hand_in_image(&stage.ridge, Track::Opg, 1, 1).await?;
    in_mid_run(stage, &image).await?;
    let broker = stage.system.kill("rabbitmq")?;
    // Faster than the supervisor brings it back; if not, the node is killed a second time below.
    let files = stage.system.servers().join("rabbitmq/mnesia");
    empty(&files)?;
    let mut handed = vec![(&stage.ridge, image)];
    for track in TRACKS {
        handed.push((&stage.arch, stage.hand_in_zip(&stage.arch, track, 2).await?));
        handed.push((
            &stage.ridge,
            stage.hand_in_image(&stage.ridge, track, 2, 0).await?,
        ));
    }
    stage.system.back("rabbitmq", &broker).await?;
    for (team, one) in &handed {
        stage.ends_scored_once(team, one, PATIENCE * 2).await?;
    }
    let (zip, image) = (
        stage.hand_in_zip(&stage.arch, Track::Opg, 1).await?,
        stage.hand_in_image(&stage.arch, Track::Opg, 1, 0).await?,
    );
    stage.ends_scored_once(&stage.arch, &zip, PATIENCE).await?;
    stage.ends_scored_once(&stage.arch, &image, PATIENCE).await
}

fn empty(folder: &std::path::Path) -> anyhow::Result<()> {
    let place = folder.with_extension("lost");
    fs::rename(folder, &place).with_context(|| folder.display().to_string())?;
    fs::remove_dir_all(&place)?;
    ensure!(
        !folder.exists() || fs::read_dir(folder)?.count() < 2,
        "the broker was back before its files were gone"
    );
    Ok(())
}
