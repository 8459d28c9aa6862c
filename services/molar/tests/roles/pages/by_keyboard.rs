//! Forms, filled in by keyboard in a browser that runs no script.

use std::time::Duration;

use molar_tests::browser::Browser;
use molar_tests::until;
use serde_json::json;

use crate::system::System;
use crate::world::{Kind, World};

pub const ENTER: &str = "\u{e007}";
pub const PATIENCE: Duration = Duration::from_secs(20);

/// All that did not go as it should.
pub async fn plays(
    browser: &Browser,
    system: &System,
    world: &World,
) -> anyhow::Result<Vec<String>> {
    browser.let_scripts_run(false).await?;
    let mut wrong = Vec::new();
    for (what, played) in [
        ("an account is made", register(browser, system).await),
        ("a question is asked", ask(browser, system, world).await),
        ("a board is filtered", filter(browser, system, world).await),
    ] {
        if let Err(error) = played {
            wrong.push(format!("{what} by keyboard, without scripts: {error:#}"));
        }
    }
    browser.let_scripts_run(true).await?;
    Ok(wrong)
}

async fn register(browser: &Browser, system: &System) -> anyhow::Result<()> {
    browser.only_cookie(None).await?;
    browser
        .goto(&system.url("registration", "/register"))
        .await?;
    browser.type_into("[name=name]", "Kim Keyboard").await?;
    browser
        .type_into(
            "[name=email]",
            &format!("{}@molar.test", uuid::Uuid::new_v4()),
        )
        .await?;
    let password = format!("correct horse battery{ENTER}");
    browser.type_into("[name=password]", &password).await?;
    until("the page after it", PATIENCE, async || {
        Ok((browser.path().await? != "/register").then_some(()))
    })
    .await?;
    browser
        .goto(&system.url("registration", "/account"))
        .await?;
    shows(browser, "Kim Keyboard").await
}

async fn ask(browser: &Browser, system: &System, world: &World) -> anyhow::Result<()> {
    let session = super::session(world, Kind::Captain);
    let session = session.as_deref().unwrap_or_default();
    browser
        .only_cookie(Some(("molar_session", session)))
        .await?;
    let page = format!("/questions/new?challenge={}", world.challenge.slug);
    browser.goto(&system.url("registration", &page)).await?;
    browser
        .type_into("[name=text]", "May we ask without a mouse?\t")
        .await?;
    // From the text the next stop is the button.
    browser.press(ENTER).await?;
    until("the page after it", PATIENCE, async || {
        Ok((browser.path().await? != "/questions/new").then_some(()))
    })
    .await?;
    shows(browser, "May we ask without a mouse?").await
}

async fn filter(browser: &Browser, system: &System, world: &World) -> anyhow::Result<()> {
    browser.only_cookie(None).await?;
    let page = format!("/boards/{}/teeth/validation", world.challenge.slug);
    browser.goto(&system.url("leaderboard", &page)).await?;
    browser.click("main summary").await?;
    browser
        .type_into("[name=team]", &format!("ridge{ENTER}"))
        .await?;
    until("the filtered board", PATIENCE, async || {
        let rows = "return document.querySelectorAll('table.board tbody tr:not(.baseline)').length";
        Ok((browser.run(rows, json!([])).await? == 1).then_some(()))
    })
    .await?;
    shows(browser, "Molar Ridge").await
}

async fn shows(browser: &Browser, text: &str) -> anyhow::Result<()> {
    let page = browser.text_of("body").await?;
    anyhow::ensure!(page.contains(text), "`{text}` is not on the page:\n{page}");
    Ok(())
}
