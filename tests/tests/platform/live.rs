//! Pages that follow what they show, in a real browser: what is new is put in its place, and nothing of the reader's is lost.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use molar_tests::browser::Browser;
use molar_tests::challenge::Track;
use molar_tests::until;
use serde_json::{Value, json};

use crate::browser::{in_browser, sign_in};
use crate::stage::{Handed, PATIENCE, Stage};

const TRACK: Track = Track::Opg;
const TELEPHONE: (u32, u32) = (360, 780);
const FOLLOWS: &str = "This page follows what happens.";

/// What a reader has done to a board.
const DISTURB: &str = "
    window.isSame = true;
    document.querySelector('main details').open = true;
    document.querySelector('[name=team]').value = 'half a na';
    document.querySelector('[data-part=rows] .scroll').scrollLeft = 60;
    [...document.querySelectorAll('[data-part=rows] a.sort')].at(-1).focus({preventScroll: true});
    window.scrollTo(0, 50);";

const KEPT: &str = "
    const sorted = document.querySelector('[data-part=rows] th[aria-sort]');
    return {
        isSame: window.isSame === true,
        focus: document.activeElement.getAttribute('href'),
        aside: document.querySelector('[data-part=rows] .scroll').scrollLeft,
        down: window.scrollY,
        isOpen: document.querySelector('main details').open,
        typed: document.querySelector('[name=team]').value,
        address: location.search,
        sorted: `${sorted?.innerText} ${sorted?.getAttribute('aria-sort')}`,
    };";

/// What each part says.
const PARTS: &str = "return Object.fromEntries([...document.querySelectorAll('[data-part]')]
    .map((part) => [part.dataset.part, part.innerText]));";

pub async fn an_open_board_shows_a_new_score_and_keeps_what_its_reader_did(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let name = "live::an_open_board_shows_a_new_score_and_keeps_what_its_reader_did";
    in_browser(name, async |driver| {
        score(stage, 2).await?;
        let (width, height) = TELEPHONE;
        driver.look_as(width, height, false).await?;
        let page = board(stage, "?sort=team&dir=desc");
        driver.goto(&page).await?;
        until_said(driver, FOLLOWS).await?;
        driver.run(DISTURB, json!([])).await?;
        let (before, shown) = (kept(driver).await?, parts(driver).await?);
        ensure!(
            before["aside"] == 60 && before["down"] == 50 && before["focus"].is_string(),
            "{before}"
        );

        score(stage, 3).await?;
        until_other(driver, "rows", &shown).await?;
        let after = kept(driver).await?;
        ensure!(after == before, "{before} became {after}");
        let fresh =
            "return [...document.querySelectorAll('tr.fresh')].map((row) => row.innerText).join()";
        let fresh = driver.run(fresh, json!([])).await?;
        let fresh = fresh.as_str().unwrap_or_default();
        ensure!(fresh.contains(&stage.arch.name), "marked as new: {fresh}");
        ensure!(!said(driver).await?.is_empty(), "nothing is said aloud");
        driver.keep_picture("board-with-a-new-score").await?;
        is_as_loaded(driver, &page).await
    })
    .await
}

pub async fn a_submission_is_followed_to_its_end_on_its_page(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let name = "live::a_submission_is_followed_to_its_end_on_its_page";
    in_browser(name, async |driver| {
        sign_in(stage, driver).await?;
        let handed = stage.hand_in_image(&stage.ridge, TRACK, 1, 2).await?;
        let page = format!("{}/submissions/{}", stage.system.url(), handed.id);
        driver.goto(&page).await?;
        let watch = "
            const state = () => document.querySelector('[data-part=state] .badge').innerText;
            window.states = [state()];
            const note = () => { if (window.states.at(-1) !== state()) window.states.push(state()); };
            new MutationObserver(note).observe(document.body, {childList: true, subtree: true});";
        driver.run(watch, json!([])).await?;
        until_said(driver, "That was the last change.").await?;
        let states = driver.run("return window.states", json!([])).await?;
        let states = states.as_array().context("the page was loaded again")?;
        let is_seen = |state: &str| states.iter().any(|seen| seen == state);
        ensure!(
            is_seen("running") && states.last().is_some_and(|last| last == "scored"),
            "{states:?}"
        );
        // Its link stays: forms that came since then are those of the first page.
        let link = driver.text_of("[data-live] a").await?;
        ensure!(link == "Load this page again", "{link}");
        is_as_loaded(driver, &page).await
    })
    .await
}

/// The waits of six tries in a second or two, and all that is opened counted.
const HURRY: &str = "
    const wait = window.setTimeout;
    window.setTimeout = (then, ms, ...more) => wait(then, ms / 100, ...more);
    window.opened = 0;
    window.EventSource = class extends EventSource {
        constructor(...how) { super(...how); window.opened += 1; }
    };";

pub async fn a_page_that_lost_its_server_comes_back_or_says_that_it_does_not(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let name = "live::a_page_that_lost_its_server_comes_back_or_says_that_it_does_not";
    in_browser(name, async |driver| {
        score(stage, 2).await?;
        let page = board(stage, "");
        driver.goto(&page).await?;
        until_said(driver, FOLLOWS).await?;
        driver.run("window.isSame = true", json!([])).await?;
        let shown = parts(driver).await?;
        let killed = stage.system.kill("leaderboard")?;
        stage.system.back("leaderboard", &killed).await?;
        score(stage, 3).await?;
        until_other(driver, "rows", &shown).await?;
        let is_same = driver.run("return window.isSame", json!([])).await?;
        ensure!(is_same == true, "the page was loaded again");
        gives_up(driver, &page).await
    })
    .await
}

async fn gives_up(driver: &Browser, page: &str) -> anyhow::Result<()> {
    let hurry = json!({ "source": HURRY });
    let hurry = driver
        .devtools("Page.addScriptToEvaluateOnNewDocument", hurry)
        .await?;
    driver.devtools("Network.enable", json!({})).await?;
    let block = async |urls: Value| {
        let urls = json!({ "urls": urls });
        driver.devtools("Network.setBlockedURLs", urls).await
    };
    block(json!(["*/events"])).await?;
    driver.goto(page).await?;
    until_said(driver, "Load this page again").await?;
    until("the notice", PATIENCE, async || {
        let told = driver.text_of("[data-live].notice a").await?;
        Ok((told == "Load this page again").then_some(()))
    })
    .await?;
    let said = said(driver).await?;
    ensure!(
        said == "This page follows no more: load it again.",
        "{said}"
    );
    let opened = driver.run("return window.opened", json!([])).await?;
    ensure!(
        opened == 7,
        "six tries after the first, and not {opened} in all"
    );
    driver.keep_picture("board-that-follows-no-more").await?;

    block(json!([])).await?;
    driver
        .devtools("Page.removeScriptToEvaluateOnNewDocument", hurry)
        .await?;
    driver.click("[data-live] a").await?;
    until_said(driver, FOLLOWS).await
}

pub async fn without_scripts_a_board_has_a_link_and_a_submission_loads_itself(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let name = "live::without_scripts_a_board_has_a_link_and_a_submission_loads_itself";
    in_browser(name, async |driver| {
        sign_in(stage, driver).await?;
        driver.let_scripts_run(false).await?;
        score(stage, 2).await?;
        driver.goto(&board(stage, "?sort=team")).await?;
        let shown = parts(driver).await?;
        score(stage, 3).await?;
        ensure!(
            parts(driver).await? == shown,
            "without scripts it cannot have changed"
        );
        driver.click("[data-live] a").await?;
        until_other(driver, "rows", &shown).await?;

        let handed = stage.hand_in_image(&stage.ridge, TRACK, 1, 1).await?;
        let page = format!("{}/submissions/{}", stage.system.url(), handed.id);
        driver.goto(&page).await?;
        until("the page of what is scored", PATIENCE, async || {
            let state = driver.text_of("[data-part=state] .badge").await?;
            Ok((state == "scored").then_some(()))
        })
        .await
    })
    .await
}

/// The other team stands on the board with another score.
async fn score(stage: &Stage, fault: usize) -> anyhow::Result<Handed> {
    let handed = stage.hand_in_zip(&stage.arch, TRACK, fault).await?;
    stage
        .ends_scored_once(&stage.arch, &handed, PATIENCE)
        .await?;
    stage.board_with(&stage.public(), &[&handed]).await?;
    Ok(handed)
}

fn board(stage: &Stage, query: &str) -> String {
    format!("{}/boards/trial/opg/validation{query}", stage.system.url())
}

async fn kept(driver: &Browser) -> anyhow::Result<Value> {
    driver.run(KEPT, json!([])).await
}

async fn parts(driver: &Browser) -> anyhow::Result<Value> {
    driver.run(PARTS, json!([])).await
}

/// What who does not see the page is told.
async fn said(driver: &Browser) -> anyhow::Result<String> {
    let said = "return document.querySelector('[data-live] + [role=status]').textContent";
    let said = driver.run(said, json!([])).await?;
    Ok(said.as_str().context("no such line")?.to_owned())
}

/// The line below the page.
async fn until_said(driver: &Browser, what: &str) -> anyhow::Result<()> {
    until(what, PATIENCE, async || {
        let said = driver.text_of("[data-live]").await?;
        Ok(said.contains(what).then_some(()))
    })
    .await
}

async fn until_other(driver: &Browser, part: &str, before: &Value) -> anyhow::Result<()> {
    let patience = Duration::from_secs(60);
    until("another page", patience, async || {
        let now = parts(driver).await?;
        Ok((now[part] != before[part]).then_some(()))
    })
    .await
}

/// What was put together is what a server would send now.
async fn is_as_loaded(driver: &Browser, page: &str) -> anyhow::Result<()> {
    let followed = parts(driver).await?;
    driver.goto(page).await?;
    let loaded = parts(driver).await?;
    ensure!(followed == loaded, "{followed} is not {loaded}");
    Ok(())
}
