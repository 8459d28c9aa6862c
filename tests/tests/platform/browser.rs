//! The page that hands in, in a real browser: parts, hashes, the store of another origin, a reload.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use molar_tests::api::{items, text};
use molar_tests::browser::Browser;
use molar_tests::challenge::Track;
use molar_tests::people::{PASSWORD, sha256};
use molar_tests::predictions::{predict, zip_of};
use molar_tests::submit::{ended, find, scored};
use molar_tests::{skip, until};
use serde_json::json;

use crate::stage::{PATIENCE, Stage};
use crate::trials::hand_in_trial;

/// Parts enough to be interrupted between two.
const LARGE: usize = 192 << 20;
const CHOOSE: &str = "input[type=file]";

pub async fn a_file_goes_up_from_the_page_and_on_after_a_reload(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let name = "browser::a_file_goes_up_from_the_page_and_on_after_a_reload";
    in_browser(name, async |driver| {
        sign_in(stage, driver).await?;
        let phase = stage.organizer.phase_id(Track::Opg, "validation")?;
        let page = format!("{}/submissions/new?phase={phase}", stage.system.url());
        dropped(stage, driver, &page).await?;
        interrupted(stage, driver, &page).await
    })
    .await
}

pub async fn a_log_grows_on_its_page_while_it_is_written(stage: &mut Stage) -> anyhow::Result<()> {
    let name = "browser::a_log_grows_on_its_page_while_it_is_written";
    in_browser(name, async |driver| {
        sign_in(stage, driver).await?;
        read_along(stage, driver).await
    })
    .await
}

/// Plays in a browser, where there is one.
pub async fn in_browser(
    name: &str,
    play: impl AsyncFnOnce(&Browser) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Some(browser) = Browser::start().await? else {
        skip::skipped("chromium", name);
        return Ok(());
    };
    let outcome = play(&browser).await;
    browser.quit().await;
    outcome
}

async fn read_along(stage: &Stage, driver: &Browser) -> anyhow::Result<()> {
    // Seconds enough for a browser to open the page.
    let words = "echo '<b>first</b>'\nsleep 8\necho second\nsleep 4\n";
    let id = hand_in_trial(stage, words, "echo last\n").await?;
    let cases = format!("/api/v1/submissions/{id}/cases");
    let log = until("the log", PATIENCE, async || {
        let cases = stage.ridge.api.get(&cases).await?.ok()?;
        let log = cases["items"][0]["log"].as_str();
        Ok(log.map(|path| path.replacen("/api/v1", "", 1)))
    })
    .await?;
    driver.goto(&format!("{}{log}", stage.system.url())).await?;
    // A page that was loaded again has lost it.
    driver.run("window.isSame = true", json!([])).await?;
    let shows = async |words: &str| {
        until(words, PATIENCE, async || {
            let shown = driver.text_of("pre.log").await?;
            Ok((shown.trim() == words).then_some(()))
        })
        .await
    };
    let is_same = async || driver.run("return window.isSame === true", json!([])).await;
    shows("<b>first</b>").await?;
    driver.keep_picture("log-while-it-is-written").await?;
    shows("<b>first</b>\nsecond").await?;
    ensure!(is_same().await? == true, "the page was loaded again");
    // At its end the page is loaded again, and follows no more.
    shows("<b>first</b>\nsecond\nlast").await?;
    until("the page of a log that is over", PATIENCE, async || {
        let follows = "return document.querySelector('pre[data-events]') !== null";
        Ok((driver.run(follows, json!([])).await? == false).then_some(()))
    })
    .await?;
    ensure!(is_same().await? == false, "the page was not loaded again");
    ensure!(driver.text_of("pre.log").await?.trim() == "<b>first</b>\nsecond\nlast");
    Ok(())
}

/// As the captain of the better team.
pub async fn sign_in(stage: &Stage, driver: &Browser) -> anyhow::Result<()> {
    driver
        .goto(&format!("{}/login", stage.system.url()))
        .await?;
    driver.type_into("[name=email]", &stage.ridge.email).await?;
    driver.type_into("[name=password]", PASSWORD).await?;
    driver.click("main form button").await?;
    until("the page after signing in", PATIENCE, async || {
        Ok((!driver.path().await?.starts_with("/login")).then_some(()))
    })
    .await
}

/// A zip of predictions that is dropped on the page is scored.
async fn dropped(stage: &Stage, driver: &Browser, page: &str) -> anyhow::Result<()> {
    let zip = zip_of(&predict(
        Track::Opg,
        stage.cases(Track::Opg, "validation"),
        1,
    )?)?;
    driver.goto(page).await?;
    let drop = "const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
        const dropped = new DataTransfer();
        dropped.items.add(new File([bytes], 'predictions.zip'));
        document.querySelector('form[data-upload]').dispatchEvent(
            new DragEvent('drop', {dataTransfer: dropped, cancelable: true, bubbles: true}));";
    driver.run(drop, json!([BASE64.encode(&zip)])).await?;
    let id = on_the_submissions_page(driver).await?;
    let end = scored(&stage.ridge, &id, PATIENCE).await?;
    // The browser declared none: the check found it.
    ensure!(text(&end, "sha256") == sha256(&zip), "{end}");
    Ok(())
}

async fn interrupted(stage: &Stage, driver: &Browser, page: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (path, hash) = large_file(folder.path())?;
    choose(driver, page, &path).await?;
    let id = until("some parts to arrive", PATIENCE, async || {
        let open = unfinished(stage).await?;
        let Some(id) = open.first() else {
            return Ok(None);
        };
        let upload = stage
            .ridge
            .api
            .get(&format!("/api/v1/submissions/{id}/upload"))
            .await?;
        let present = upload.ok()?["present"].as_array().map_or(0, Vec::len);
        Ok((present >= 2).then(|| id.clone()))
    })
    .await?;
    driver.refresh().await?;
    let view = find(&stage.ridge, &id).await?;
    ensure!(
        text(&view, "state") == "uploading",
        "it was too quick to interrupt: {view}"
    );

    choose(driver, page, &path).await?;
    let again = on_the_submissions_page(driver).await?;
    ensure!(
        again == id,
        "a second submission was begun: {again} after {id}"
    );
    let end = ended(&stage.ridge, &id, PATIENCE).await?;
    ensure!(text(&end, "sha256") == hash, "{end}");
    // It is no zip.
    ensure!(text(&end, "failure") == "bad-archive", "{end}");
    stage.rows.settled(&id, "returned").await
}

async fn choose(driver: &Browser, page: &str, path: &Path) -> anyhow::Result<()> {
    driver.goto(page).await?;
    let path = path.to_str().context("a plain path")?;
    driver.type_into(CHOOSE, path).await?;
    driver.click("form[data-upload] button").await?;
    Ok(())
}

async fn unfinished(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let open = stage
        .ridge
        .api
        .get("/api/v1/submissions/unfinished")
        .await?
        .ok()?;
    let large = items(&open).iter().filter(|one| one["size_bytes"] == LARGE);
    Ok(large
        .map(|one| text(one, "submission_id").to_owned())
        .collect())
}

/// Where the script leads when it is done; or what it said instead.
async fn on_the_submissions_page(driver: &Browser) -> anyhow::Result<String> {
    let patience = PATIENCE + Duration::from_secs(60);
    until("the submission's page", patience, async || {
        let path = driver.path().await?;
        let last = path.rsplit('/').next().unwrap_or_default();
        if last.parse::<uuid::Uuid>().is_ok() {
            return Ok(Some(last.to_owned()));
        }
        let said = driver.text_of("[data-said]").await?;
        ensure!(!said.starts_with("Stopped"), "the page says: {said}");
        Ok(None)
    })
    .await
}

fn large_file(folder: &Path) -> anyhow::Result<(PathBuf, String)> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut content = Vec::with_capacity(LARGE);
    while content.len() < LARGE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend(state.to_le_bytes());
    }
    let path = folder.join("large.zip");
    std::fs::write(&path, &content)?;
    Ok((path, sha256(&content)))
}
