//! A phase taken out in bulk, from a real store.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use molar_tests::challenge::Track;
use molar_tests::image::sha256;
use serde_json::Value;

use crate::reruns::molar;
use crate::stage::{PATIENCE, Stage};

const TRACK: Track = Track::Opg;

pub async fn a_phase_is_taken_out_in_bulk_and_what_is_there_is_not_fetched_again(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let team = &stage.ridge;
    let zip = stage.hand_in_zip(team, TRACK, 1).await?;
    // Long enough that each run leaves a series.
    let image = stage.hand_in_image(team, TRACK, 1, 1).await?;
    for handed in [&zip, &image] {
        stage.ends_scored_once(team, handed, PATIENCE).await?;
    }

    let to = tempfile::tempdir()?;
    let done = export(
        stage,
        "validation",
        &to.path().join("zips"),
        "predictions,scores",
    )
    .await?;
    let manifest = manifest(&to.path().join("zips"))?;
    ensure!(done["files"] == manifest.len(), "{done} {manifest:?}");
    let place = format!("predictions/{}.zip", zip.id);
    let row = manifest.get(&place).context("no prediction")?;
    ensure!(row[0] == zip.id && row[1] == team.name, "{row:?}");
    let scores = std::fs::read_to_string(to.path().join("zips/scores.csv"))?;
    let of_it = scores.lines().filter(|line| line.starts_with(&zip.id));
    ensure!(of_it.count() == zip.truth.len(), "{scores}");

    containers(stage, &image.id, &to.path().join("runs")).await?;
    let ledger = "/api/v1/challenges/trial/ledger/downloads.csv";
    let ledger = stage.organizer.api.get(ledger).await?.text;
    for what in [
        &place,
        &format!("outputs/{}/1/", image.id),
        &format!("runs/{}/1/", image.id),
    ] {
        ensure!(ledger.contains(what.as_str()), "no {what} in {ledger}");
    }

    // Links are for organizers.
    let phase_id = stage.organizer.phase_id(TRACK, "final")?;
    for path in [
        format!("/api/v1/submissions/files?phase_id={phase_id}&what=runs"),
        format!("/api/v1/evaluations/outputs?phase_id={phase_id}"),
    ] {
        team.api.get(&path).await?.problem(&[403])?;
        stage.public().get(&path).await?.problem(&[401])?;
    }
    Ok(())
}

async fn containers(stage: &Stage, id: &str, to: &Path) -> anyhow::Result<()> {
    let what = "outputs,runs,scores";
    let first = export(stage, "final", to, what).await?;
    ensure!(first["kept"] == 0, "{first}");
    let files = stage.predictions(TRACK, "test")?;
    for (name, bytes) in &files {
        let brought = std::fs::read(to.join(format!("outputs/{id}/1/{name}")))?;
        ensure!(brought == *bytes, "another {name}");
    }
    let rows = manifest(to)?;
    let of_it = |folder: &str| {
        let start = format!("{folder}/{id}/1/");
        rows.keys().filter(|path| path.starts_with(&start)).count()
    };
    // With the public case.
    ensure!(of_it("outputs") == files.len() + 1, "{rows:?}");
    ensure!(of_it("runs") == files.len() + 1, "{rows:?}");

    // As after a kill: one is missing, one has other bytes. The table of scores is always made anew.
    let mut all = rows.keys().filter(|path| path.starts_with("outputs/"));
    let (missing, other) = (all.next().context("none")?, all.next().context("one")?);
    std::fs::remove_file(to.join(missing))?;
    let size = std::fs::metadata(to.join(other))?.len();
    std::fs::write(to.join(other), vec![b'x'; usize::try_from(size)?])?;
    let second = export(stage, "final", to, what).await?;
    ensure!(
        second["fetched"] == 3 && second["files"] == first["files"],
        "{second}"
    );
    ensure!(manifest(to)? == rows, "another manifest");
    Ok(())
}

async fn export(stage: &Stage, phase: &str, to: &Path, what: &str) -> anyhow::Result<Value> {
    let phase = format!("trial/{}/{phase}", TRACK.slug());
    let to = to.to_str().context("no text")?;
    molar(
        stage,
        &["export", &phase, "--what", what, "--to", to, "--json"],
    )
    .await
}

/// By path. Each file is there with the bytes that its row names.
fn manifest(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let text = std::fs::read_to_string(folder.join("manifest.csv"))?;
    let mut lines = text.lines();
    ensure!(
        lines.next() == Some("submission,team,case,path,bytes,sha256"),
        "{text}"
    );
    let mut rows = BTreeMap::new();
    for line in lines {
        // No name of these tests has a comma or a quote.
        let row: Vec<String> = line.split(',').map(str::to_owned).collect();
        let bytes = std::fs::read(folder.join(&row[3])).with_context(|| row[3].clone())?;
        ensure!(
            row[4] == bytes.len().to_string() && row[5] == sha256(&bytes),
            "{row:?}"
        );
        rows.insert(row[3].clone(), row);
    }
    Ok(rows)
}
