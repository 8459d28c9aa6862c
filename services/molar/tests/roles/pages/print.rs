//! Pages that are made for paper, as a browser prints them.

use std::path::Path;

use anyhow::{Context as _, ensure};
use molar_tests::browser::Browser;
use uuid::Uuid;

use super::session;
use crate::system::System;
use crate::world::{Kind, World};

/// In millimetres.
const A4: (u32, u32) = (210, 297);
const A4_ACROSS: (u32, u32) = (297, 210);

/// A report, and the certificate of the finalist's first author, kept beside the pictures; what is wrong with them.
pub async fn prints(
    browser: &Browser,
    folder: &Path,
    system: &System,
    world: &World,
    finalist: Uuid,
) -> anyhow::Result<Vec<String>> {
    let report = format!("/boards/{}/teeth/validation/report", world.challenge.slug);
    let report = system.url("leaderboard", &report);
    let certificate = format!("/finalists/{finalist}/certificates/1");
    let certificate = system.url("tracks", &certificate);
    browser.look_as(1400, 900, false).await?;
    let mut wrong = Vec::new();

    browser.only_cookie(None).await?;
    let file = folder.join("report.pdf");
    let pages = printed(browser, &report, "Report", &file).await?;
    if pages.is_empty() || pages.iter().any(|size| *size != A4) {
        wrong.push(format!("the report is printed on pages of {pages:?} mm"));
    }

    let organizer = session(world, Kind::Organizer).context("no session")?;
    browser
        .only_cookie(Some(("molar_session", &organizer)))
        .await?;
    let file = folder.join("certificate.pdf");
    let pages = printed(browser, &certificate, "Certificate", &file).await?;
    if pages != [A4_ACROSS] {
        wrong.push(format!(
            "the certificate is printed on pages of {pages:?} mm"
        ));
    }
    Ok(wrong)
}

/// The sizes of the pages of paper, of a page with this in its heading.
async fn printed(
    browser: &Browser,
    url: &str,
    heading: &str,
    file: &Path,
) -> anyhow::Result<Vec<(u32, u32)>> {
    browser.goto(url).await?;
    let found = browser.text_of("h1").await?;
    ensure!(found.contains(heading), "{url} is headed `{found}`");
    let pdf = browser.print().await?;
    ensure!(pdf.starts_with(b"%PDF-"), "{url} is printed as no PDF");
    std::fs::write(file, &pdf)?;
    let text = String::from_utf8_lossy(&pdf);
    // Chromium writes each page as an object that is not compressed; `/Type /Pages` is their tree.
    let pages = text.split("/Type /Page").skip(1);
    let pages = pages.filter(|page| !page.starts_with('s'));
    let sizes =
        pages.map(|page| size(page).with_context(|| format!("a page of {url} has no size")));
    sizes.collect()
}

/// In whole millimetres.
fn size(page: &str) -> Option<(u32, u32)> {
    let (_, rest) = page.split_once("/MediaBox [")?;
    let (corners, _) = rest.split_once(']')?;
    let corners = corners.split_whitespace().map(str::parse);
    let corners: Vec<f64> = corners.collect::<Result<_, _>>().ok()?;
    let [left, bottom, right, top] = corners[..] else {
        return None;
    };
    let mm = |points: f64| (points * 25.4 / 72.0).round() as u32;
    Some((mm(right - left), mm(top - bottom)))
}
