//! The data of STS 2024 in their full number, drawn small: uploaded by the organizers' own command, which is
//! killed on the way, then counted, read and held against what the challenge file announces.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use molar_phantom::{CbctOptions, ImageFormat, OpgOptions, cbct, opg};
use molar_tests::api::{id, items, text};
use molar_tests::challenge::Track;
use molar_tests::people::sha256;
use molar_tests::system::binary;
use molar_tests::until;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::stage::Stage;

const SLUG: &str = "sts-in-number";

struct Split {
    track: Track,
    slug: &'static str,
    cases: u64,
    is_labelled: bool,
}

const fn split(track: Track, slug: &'static str, cases: u64, is_labelled: bool) -> Split {
    Split {
        track,
        slug,
        cases,
        is_labelled,
    }
}

/// 2,380 panoramic X-rays and 330 scans, of which few are labelled.
const SPLITS: [Split; 8] = [
    split(Track::Opg, "training-labelled", 30, true),
    split(Track::Opg, "training-unlabelled", 2270, false),
    split(Track::Opg, "validation", 30, true),
    split(Track::Opg, "test", 50, true),
    split(Track::Cbct, "training-labelled", 30, true),
    split(Track::Cbct, "training-unlabelled", 220, false),
    split(Track::Cbct, "validation", 30, true),
    split(Track::Cbct, "test", 50, true),
];

/// Voxels along each axis, and so slices of each scan.
const SIDE: usize = 64;

/// With two cores that do other things, too.
const PATIENCE: Duration = Duration::from_secs(300);

fn file(cases_of_test: u64) -> String {
    let mut text = format!(
        "[challenge]\nslug = \"{SLUG}\"\ntitle = \"In number\"\nsummary = \"All cases, small.\"\nzone = \"America/Los_Angeles\"\n\
         [agreement]\nversion = \"1\"\ntext = \"They are drawn.\"\n"
    );
    let labels: Vec<u8> = (1..=8)
        .flat_map(|q| (1..=8).map(move |n| q * 10 + n))
        .collect();
    for track in [Track::Opg, Track::Cbct] {
        let format = match track {
            Track::Opg => "labelme",
            Track::Cbct => "nifti",
        };
        let slug = track.slug();
        text.push_str(&format!(
            "[[tracks]]\nslug = \"{slug}\"\ntitle = \"{slug}\"\nformat = \"{format}\"\nlabels = {labels:?}\n"
        ));
        for split in SPLITS.iter().filter(|split| split.track == track) {
            let cases = match split.slug {
                "test" => cases_of_test,
                _ => split.cases,
            };
            text.push_str(&format!(
                "[[tracks.splits]]\nslug = \"{}\"\nis_public = {}\nhas_references = {}\npublic_references = {}\nannounced_cases = {cases}\n",
                split.slug,
                split.slug != "test",
                split.is_labelled,
                split.slug == "training-labelled",
            ));
            if split.is_labelled {
                text.push_str(&format!("announced_labelled = {cases}\n"));
            }
            if track == Track::Cbct {
                text.push_str(&format!("announced_slices = {}\n", cases * SIDE as u64));
            }
        }
        for phase in ["validation", "test"] {
            text.push_str(&format!(
                "[[tracks.phases]]\nslug = \"{phase}\"\ntitle = \"{phase}\"\nkind = \"predictions\"\nsplit = \"{phase}\"\n\
                 opens_at = \"2090-01-01T00:00:00\"\ncloses_at = \"2091-01-01T00:00:00\"\nmetrics = [\"IA\"]\nkeep = \"latest\"\n"
            ));
        }
    }
    text
}

pub async fn all_cases_of_the_challenge_are_uploaded_counted_and_checked(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let folder = tempfile::tempdir()?;
    let drawn = folder.path().to_owned();
    tokio::task::spawn_blocking(move || draw_all(&drawn)).await??;
    let drawing_s = begun.elapsed().as_secs_f64();

    apply(stage, 50).await?;
    let mut killed = 0;
    for split in &SPLITS {
        let place = split.folder(folder.path());
        if split.cases > 2000 {
            killed = kill_midway(stage, split, &place).await?;
        }
        let told = upload(stage, split, &place, &[]).await?;
        let files = split.cases * if split.is_labelled { 2 } else { 1 };
        let (sent, skipped) = (&told["uploaded_files"], &told["skipped_files"]);
        let (sent, skipped) = (sent.as_u64().unwrap_or(0), skipped.as_u64().unwrap_or(0));
        ensure!(sent + skipped == files, "{} {told}", split.slug);
        if split.cases > 2000 {
            ensure!(
                skipped >= killed && sent > 0,
                "{killed} were stored: {told}"
            );
        }
    }
    let uploaded_s = begun.elapsed().as_secs_f64() - drawing_s;
    for split in &SPLITS {
        manifest_is_what_was_drawn(stage, split, &split.folder(folder.path())).await?;
    }
    all_is_ready(stage).await?;
    println!(
        "    2,710 cases: drawn in {drawing_s:.1} s, uploaded in {uploaded_s:.1} s (killed after {killed}), all in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    a_promise_that_is_not_kept_closes_the_phase(stage).await?;
    a_wrong_image_is_replaced_before_the_phase_opens(stage, &folder).await
}

impl Split {
    fn folder(&self, root: &Path) -> PathBuf {
        root.join(self.track.slug()).join(self.slug)
    }

    fn path(&self) -> String {
        format!("{SLUG}/{}/{}", self.track.slug(), self.slug)
    }
}

/// Of each track so many pictures; every file has bytes of its own all the same.
const DRAWINGS: u64 = 12;

struct Drawing {
    image: Vec<u8>,
    reference: Vec<u8>,
}

fn draw_all(root: &Path) -> anyhow::Result<()> {
    let drawings: Vec<_> = (0..DRAWINGS).map(|seed| draw(Track::Opg, seed)).collect();
    let opg = drawings.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let drawings: Vec<_> = (0..DRAWINGS).map(|seed| draw(Track::Cbct, seed)).collect();
    let cbct = drawings.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    for split in &SPLITS {
        let drawings = match split.track {
            Track::Opg => &opg,
            Track::Cbct => &cbct,
        };
        let place = split.folder(root);
        for part in ["images", "references"] {
            fs::create_dir_all(place.join(part))?;
        }
        for (number, drawing) in (0..split.cases).zip(drawings.iter().cycle()) {
            write(&place, split, number, drawing)?;
        }
    }
    Ok(())
}

fn draw(track: Track, seed: u64) -> anyhow::Result<Drawing> {
    match track {
        Track::Opg => {
            let options = OpgOptions {
                width: 256,
                height: 160,
                format: ImageFormat::Png,
                ..OpgOptions::default()
            };
            let case = opg(seed, &options)?;
            Ok(Drawing {
                image: case.image_bytes,
                reference: case.labelme_json.into_bytes(),
            })
        }
        Track::Cbct => {
            let options = CbctOptions {
                dims: [SIDE; 3],
                spacing_mm: 1.2,
                ..CbctOptions::default()
            };
            let case = cbct(seed, &options)?;
            Ok(Drawing {
                image: case.image_nii_gz,
                reference: case.labels_nii_gz,
            })
        }
    }
}

fn write(place: &Path, split: &Split, number: u64, drawing: &Drawing) -> anyhow::Result<()> {
    let name = format!("Case_{number:04}");
    let mark = format!("{} {name}", split.slug);
    let (mut image, mut reference) = (drawing.image.clone(), drawing.reference.clone());
    let (ending, mask) = match split.track {
        Track::Opg => {
            // Behind the last chunk of a PNG, and as spaces behind JSON.
            image.extend_from_slice(mark.as_bytes());
            let spaces = 1 + number + split.slug.len() as u64 * 100;
            reference.resize(reference.len() + usize::try_from(spaces)?, b' ');
            ("png", "json")
        }
        Track::Cbct => {
            // When it was compressed, as the header of gzip has it.
            let at = u32::try_from(number + split.slug.len() as u64 * 1000)?.to_le_bytes();
            image[4..8].copy_from_slice(&at);
            reference[4..8].copy_from_slice(&at);
            ("nii.gz", "nii.gz")
        }
    };
    fs::write(place.join("images").join(format!("{name}.{ending}")), image)?;
    if split.is_labelled {
        let file = format!("{name}_Mask.{mask}");
        fs::write(place.join("references").join(file), reference)?;
    }
    Ok(())
}

async fn apply(stage: &Stage, cases_of_test: u64) -> anyhow::Result<()> {
    let body = json!({"file": file(cases_of_test), "reason": "a test"});
    let api = &stage.organizer.api;
    api.put("/api/v1/challenges", &body).await?.ok()?;
    Ok(())
}

fn command(stage: &Stage, split: &Split, folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(binary().context("no binary")?);
    command
        .args(["upload-cases", "--json", &split.path()])
        .arg(folder)
        .envs(stage.organizer.api.environment())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

async fn upload(
    stage: &Stage,
    split: &Split,
    folder: &Path,
    more: &[&str],
) -> anyhow::Result<Value> {
    let output = command(stage, split, folder)?.args(more).output().await?;
    ensure!(
        output.status.success(),
        "upload-cases {}: {}",
        split.path(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Kills the client once some hundred cases are stored; returns how many are.
async fn kill_midway(stage: &Stage, split: &Split, folder: &Path) -> anyhow::Result<u64> {
    let mut client = command(stage, split, folder)?
        .stdout(Stdio::null())
        .spawn()?;
    until("some hundred stored cases", PATIENCE, async || {
        let stored = stored(stage, split).await?;
        Ok((stored >= 300).then_some(()))
    })
    .await?;
    client.kill().await?;
    let stored = stored(stage, split).await?;
    ensure!(
        stored < split.cases,
        "the client was too quick to be killed"
    );
    Ok(stored)
}

async fn complaints(stage: &Stage) -> anyhow::Result<Value> {
    let path = format!("/api/v1/challenges/{SLUG}/complaints");
    stage.organizer.api.get(&path).await?.ok()
}

async fn stored(stage: &Stage, split: &Split) -> anyhow::Result<u64> {
    let list = complaints(stage).await?;
    let name = format!("{}/{}", split.track.slug(), split.slug);
    let mut splits = list["splits"].as_array().into_iter().flatten();
    let found = splits.find(|one| text(one, "split") == name);
    let found = found.with_context(|| format!("no {name} in {list}"))?;
    found["stored_cases"].as_u64().context("no count")
}

async fn split_id(stage: &Stage, split: &Split) -> anyhow::Result<String> {
    let path = format!("/api/v1/challenges/{SLUG}");
    let challenge = stage.organizer.api.get(&path).await?.ok()?;
    let named = |list: &Value, slug: &str| {
        let all = list.as_array().into_iter().flatten();
        let found = all.clone().find(|one| text(one, "slug") == slug).cloned();
        found.with_context(|| format!("no {slug}"))
    };
    id(&named(
        &named(&challenge["tracks"], split.track.slug())?["splits"],
        split.slug,
    )?)
}

/// Every file is there once, with its size and its SHA-256.
async fn manifest_is_what_was_drawn(
    stage: &Stage,
    split: &Split,
    folder: &Path,
) -> anyhow::Result<()> {
    let mut drawn = BTreeMap::new();
    for entry in fs::read_dir(folder.join("images"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        drawn.insert(name, sha256(&fs::read(entry.path())?));
    }
    let base = format!(
        "/api/v1/splits/{}/manifest?limit=100",
        split_id(stage, split).await?
    );
    let mut path = base.clone();
    loop {
        let page = stage.organizer.api.get(&path).await?.ok()?;
        for item in items(&page) {
            let name = text(item, "image_name");
            let hash = drawn
                .remove(name)
                .with_context(|| format!("{name} was not drawn, or is there twice"))?;
            ensure!(text(item, "sha256") == hash, "{item}");
            ensure!(
                item["reference"].is_object() == (split.slug == "training-labelled"),
                "{item}"
            );
        }
        match page["next"].as_str() {
            Some(next) => path = format!("{base}&cursor={next}"),
            None => break,
        }
    }
    ensure!(
        drawn.is_empty(),
        "{} of {} are missing",
        drawn.len(),
        split.cases
    );
    Ok(())
}

async fn all_is_ready(stage: &Stage) -> anyhow::Result<()> {
    until("every reference to be read", PATIENCE, async || {
        let list = complaints(stage).await?;
        ensure!(items(&list).is_empty(), "{}", list["items"]);
        let splits = list["splits"].as_array().context("no splits")?;
        for (split, told) in SPLITS.iter().zip(splits) {
            let labelled = if split.is_labelled { split.cases } else { 0 };
            ensure!(told["stored_cases"] == split.cases, "{told}");
            ensure!(told["good_references"] == labelled, "{told}");
        }
        Ok(Some(()))
    })
    .await?;
    readiness(stage, true).await
}

async fn readiness(stage: &Stage, is_ready: bool) -> anyhow::Result<()> {
    for track in ["opg", "cbct"] {
        let path = format!("/api/v1/phases?challenge={SLUG}&track={track}&phase=test");
        let phase = stage.organizer.api.get(&path).await?.ok()?;
        ensure!(
            phase["readiness"]["is_ready"] == is_ready,
            "{}",
            phase["readiness"]
        );
    }
    Ok(())
}

async fn a_promise_that_is_not_kept_closes_the_phase(stage: &Stage) -> anyhow::Result<()> {
    apply(stage, 51).await?;
    readiness(stage, false).await?;
    let list = complaints(stage).await?;
    let told: Vec<_> = items(&list).iter().map(|item| text(item, "what")).collect();
    ensure!(
        told.contains(&"50 cases are stored, the challenge file announces 51")
            && told.contains(&"3200 slices are stored, the challenge file announces 3264"),
        "{told:?}"
    );
    apply(stage, 50).await?;
    readiness(stage, true).await
}

async fn a_wrong_image_is_replaced_before_the_phase_opens(
    stage: &Stage,
    folder: &TempDir,
) -> anyhow::Result<()> {
    let split = &SPLITS[3];
    let place = split.folder(folder.path());
    // Of another size, so that its reference does not fit any more.
    let options = OpgOptions {
        width: 320,
        height: 160,
        format: ImageFormat::Png,
        ..OpgOptions::default()
    };
    let image = place.join("images/Case_0007.png");
    let (before, other) = (fs::read(&image)?, opg(1, &options)?.image_bytes);
    fs::write(&image, other)?;
    let refused = command(stage, split, &place)?.output().await?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        !refused.status.success() && said.contains("is stored with another image"),
        "{said}"
    );
    let told = upload(stage, split, &place, &["--replace"]).await?;
    ensure!(told["uploaded_files"] == 1, "{told}");
    until("the complaint about it", PATIENCE, async || {
        let list = complaints(stage).await?;
        let mut all = items(&list).iter();
        let found = all.find(|item| text(item, "file") == "Case_0007_Mask.json");
        let what = found.map(|item| text(item, "what").to_owned());
        Ok(what.filter(|what| what.starts_with("the reference is 160 × 256")))
    })
    .await?;
    fs::write(&image, before)?;
    upload(stage, split, &place, &["--replace"]).await?;
    all_is_ready(stage).await
}
