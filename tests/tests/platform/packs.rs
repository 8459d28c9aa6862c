//! The participant's pack: made by an organizer, downloaded by a team, and tried from its own folder.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::process::{Output, Stdio};

use anyhow::{Context as _, ensure};
use molar_tests::api::{client, id, text};
use molar_tests::challenge::{CANARY, SLUG, Track, VALIDATION};
use molar_tests::image::Image;
use molar_tests::people::{Team, sha256};
use molar_tests::system::binary;
use serde_json::Value;
use tokio::process::Command;

use crate::stage::Stage;

pub async fn a_pack_is_published_downloaded_and_tried_from_its_own_folder(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    lay_out(stage, place.path())?;
    refuses_what_it_should(stage, place.path()).await?;

    let track = id(stage.organizer.track(Track::Opg)?)?;
    let link = format!("/api/v1/tracks/{track}/pack");
    stage.ridge.api.get(&link).await?.problem(&[404])?;
    let made = pack(stage, place.path(), &whole()).await?;
    let made = answer(&made)?;
    let hash = text(&made, "sha256").to_owned();
    ensure!(made["published"]["sha256"] == hash.as_str(), "{made}");
    // Made again from the same, it is the same, and nothing is put twice.
    let again = answer(&pack(stage, place.path(), &whole()).await?)?;
    ensure!(text(&again, "sha256") == hash, "{again}");

    stage.public().get(&link).await?.problem(&[401])?;
    let stranger = Team::register(&stage.system, &stage.organizer.challenge, "No Track").await?;
    stranger.api.get(&link).await?.problem(&[403])?;
    let page = stage
        .public()
        .get(&format!("/challenges/{SLUG}"))
        .await?
        .text;
    ensure!(page.contains(&hash) && !page.contains(&link), "{page}");
    let page = stage
        .ridge
        .api
        .get(&format!("/challenges/{SLUG}"))
        .await?
        .text;
    ensure!(page.contains(&link), "{page}");

    let zip = download(stage, &link).await?;
    ensure!(sha256(&zip) == hash, "another zip than the published one");
    let home = place.path().join("home");
    zip::ZipArchive::new(Cursor::new(zip))?.extract(&home)?;
    let home = home.join(format!("{SLUG}-opg"));
    let page = std::fs::read_to_string(home.join("README.md"))?;
    for part in [
        "| time of a case | 60 s,",
        "| memory | 256 MiB (268435456 bytes)",
        "| network | none |",
        "/outputs/Trial_01_Mask.json",
    ] {
        ensure!(page.contains(part), "{part} is not in\n{page}");
    }
    for file in [
        "template/Dockerfile",
        "template/Cargo.toml",
        "template/src/main.rs",
    ] {
        ensure!(home.join(file).is_file(), "no {file}");
    }
    tried(stage, &home, &page).await
}

/// Cases as an organizer has them, and an image that knows their truth.
fn lay_out(stage: &Stage, folder: &Path) -> anyhow::Result<()> {
    let mut truth = BTreeMap::new();
    for below in ["images", "references"] {
        std::fs::create_dir_all(folder.join(below))?;
    }
    for split in ["trial", "validation", "test"] {
        for case in stage.cases(Track::Opg, split) {
            let reference = format!("{}_Mask.json", case.name);
            std::fs::write(folder.join("images").join(&case.image_name), &case.image)?;
            std::fs::write(folder.join("references").join(&reference), &case.reference)?;
            truth.insert(reference, case.reference.clone());
        }
    }
    let image = Image::predicting(&truth, 0).archive()?;
    Ok(std::fs::write(folder.join("image.tar.gz"), image)?)
}

fn whole() -> Vec<String> {
    let (canary, other) = (
        format!("trial/{CANARY}"),
        format!("validation/{}", VALIDATION[0]),
    );
    [
        "--case",
        &canary,
        &other,
        "--image",
        "image.tar.gz",
        "--json",
    ]
    .map(str::to_owned)
    .to_vec()
}

async fn pack(stage: &Stage, folder: &Path, more: &[String]) -> anyhow::Result<Output> {
    pack_of(stage, folder, &format!("{SLUG}/opg"), more).await
}

async fn pack_of(
    stage: &Stage,
    folder: &Path,
    track: &str,
    more: &[String],
) -> anyhow::Result<Output> {
    let output = Command::new(binary().context("no binary")?)
        .args(["pack", track, "--data", "."])
        .args(more)
        .current_dir(folder)
        .envs(stage.organizer.api.environment())
        .stdin(Stdio::null())
        .output()
        .await?;
    Ok(output)
}

fn answer(output: &Output) -> anyhow::Result<Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

async fn refuses_what_it_should(stage: &Stage, folder: &Path) -> anyhow::Result<()> {
    let with = |more: &[&str]| more.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let hidden = pack(stage, folder, &with(&["--case", "test/Test_01"])).await?;
    let unknown = pack(stage, folder, &with(&["--case", "trial/Nobody"])).await?;
    // Of another split, where the platform knows no such case.
    let elsewhere = pack(stage, folder, &with(&["--case", "trial/Val_01"])).await?;
    let case = format!("trial/{CANARY}");
    let nowhere = pack_of(
        stage,
        folder,
        &format!("{SLUG}/xray"),
        &with(&["--case", &case]),
    )
    .await?;
    std::fs::write(folder.join("broken.tar.gz"), "no image")?;
    let broken = with(&["--case", &case, "--image", "broken.tar.gz"]);
    let broken = pack(stage, folder, &broken).await?;
    for (output, told) in [
        (hidden, "the split `test` is hidden"),
        (unknown, "there is no images/Nobody.png"),
        (elsewhere, "no case `Val_01` is stored in the split `trial`"),
        (nowhere, "no track `xray`; it has opg, cbct"),
        (broken, "broken.tar.gz would be refused"),
    ] {
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            !output.status.success() && said.contains(told),
            "{told}: {said}"
        );
    }
    Ok(())
}

/// As a browser follows the link.
async fn download(stage: &Stage, link: &str) -> anyhow::Result<Vec<u8>> {
    let token = stage.ridge.api.environment();
    let (_, token) = token.last().context("no token")?;
    let url = format!("{}{link}", stage.system.url());
    let found = client().get(url).bearer_auth(token).send().await?;
    ensure!(found.status().as_u16() == 303, "{}", found.status());
    let location = found.headers().get("location").context("no location")?;
    let zip = client().get(location.to_str()?).send().await?;
    Ok(zip.error_for_status()?.bytes().await?.to_vec())
}

/// The command that the page names, as it stands there.
async fn tried(stage: &Stage, home: &Path, page: &str) -> anyhow::Result<()> {
    let mut lines = page.lines();
    let line =
        lines.find(|line| line.starts_with("molar try") && line.contains("limits/final.toml"));
    let mut words = line
        .context("the page names no command")?
        .split(' ')
        .skip(1);
    let socket = stage.system.told_worker("MOLAR_DOCKER_SOCKET")?;
    let output = Command::new(binary().context("no binary")?)
        .arg(words.next().context("no words")?)
        .arg("--json")
        .args(words)
        .current_dir(home)
        .env(
            "DOCKER_HOST",
            format!("unix://{}", socket.trim_start_matches("unix://")),
        )
        .output()
        .await?;
    let tried = answer(&output)?;
    let cases = tried["scores"]["cases"].as_array().context("no scores")?;
    let is_true = |case: &Value| case["values"]["IA"] == 1.0;
    ensure!(cases.len() == 2 && cases.iter().all(is_true), "{tried:#}");
    Ok(())
}
