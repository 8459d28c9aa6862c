//! The steps of importing a board. Their pages are answers to a form: no address leads to them.

use anyhow::{Context as _, ensure};
use molar_tests::browser::Browser;
use molar_tests::until;

use super::by_keyboard::{ENTER, PATIENCE};
use super::examine::Examiner;
use super::furnish::{LONGEST, TURNING};
use super::session;
use crate::system::System;
use crate::world::{Kind, World};

const SEND: &str = "main form button";

/// A table with a mistake, what is said of it, the same table mended, what comes out of it, and the yes to that: what is
/// wrong with the pages in between.
pub async fn plays(
    examiner: &Examiner<'_>,
    system: &System,
    world: &World,
) -> anyhow::Result<Vec<String>> {
    let browser = examiner.browser;
    let slug = &world.challenge.slug;
    let organizer = session(world, Kind::Organizer).context("no session")?;
    browser
        .only_cookie(Some(("molar_session", &organizer)))
        .await?;
    let form = format!("/organize/boards/{slug}/import");
    browser.goto(&system.url("leaderboard", &form)).await?;
    fill_in(browser).await?;
    let folder = tempfile::tempdir()?;
    let mut wrong = Vec::new();
    for (name, second, says) in [
        ("import-complaints", "many", "`many` is no number"),
        ("import-plan", "0.8", "Nothing is written yet"),
    ] {
        // It has to be chosen anew; what else was filled in stays.
        let file = folder.path().join(format!("{name}.csv"));
        std::fs::write(&file, table(second))?;
        let file = file.to_str().context("a plain path")?;
        browser.type_into("[name=table]", file).await?;
        browser.type_into(SEND, ENTER).await?;
        until_shown(browser, says).await?;
        let found = examiner.shown(name, true).await?;
        wrong.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    browser.type_into(SEND, ENTER).await?;
    until_shown(browser, "ranked anew from a published table").await?;
    let path = browser.path().await?;
    ensure!(
        path == format!("/boards/{slug}/final"),
        "an import leads to {path}"
    );
    // A page of complaints is an error to the console.
    let of_console = browser.console_errors().await?.into_iter();
    let of_console = of_console.filter(|error| !error.contains("status of 422"));
    wrong.extend(of_console.map(|error| format!("import: the console says {error}")));
    Ok(wrong)
}

async fn fill_in(browser: &Browser) -> anyhow::Result<()> {
    for (field, text) in [
        ("slug", "final"),
        ("title", LONGEST),
        ("source", "https://example.test/final"),
        ("note", "As it was published."),
        ("lower", "seconds"),
    ] {
        browser.type_into(&format!("[name={field}]"), text).await?;
    }
    Ok(())
}

/// With names that are hard on a page, and ranks that come out otherwise.
fn table(second: &str) -> String {
    format!("team,IA,IA_rank,seconds,final_rank\n{TURNING},0.9,2,3,1\n{LONGEST},{second},1,1,2\n")
}

async fn until_shown(browser: &Browser, what: &str) -> anyhow::Result<()> {
    until(what, PATIENCE, async || {
        let page = browser.text_of("main").await?;
        Ok(page.contains(what).then_some(()))
    })
    .await
}
