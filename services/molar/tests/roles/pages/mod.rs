//! Every page in a real browser, as each kind of caller that it is for: wide and narrow, light and dark, by keyboard,
//! without scripts; a report and a certificate on paper, too. Pictures of all of them are kept in `target/pages`.
//!
//! The list is made from the routes: a page that is new is looked at without anybody's doing. With
//! `MOLAR_TEST_ROUTES` set to a part of a path, those pages only.

mod by_keyboard;
mod examine;
mod furnish;
mod imported;
mod moments;
mod print;

use std::path::{Path, PathBuf};

use futures_util::future::try_join_all;
use molar_tests::browser::Browser;
use molar_tests::{axe, skip};
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE};
use sqlx::PgPool;
use uuid::Uuid;

use self::examine::Examiner;
use crate::requests::{Served, path};
use crate::system::System;
use crate::world::{Credential, Kind, World};
use crate::{client, matrix, routes};

/// Two processors are busy with two of them.
const BROWSERS: usize = 2;

/// A page for one caller.
pub struct Visit {
    /// Of its pictures.
    pub name: String,
    pub url: String,
    pub session: Option<String>,
    /// Others have looked at its frame and forms: only what differs is looked at.
    pub is_first: bool,
}

fn target() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_molar"));
    built.ancestors().nth(2).unwrap().to_owned()
}

/// The public first, then those whose pages say more. Who is refused sees the page of a problem, which is looked at once.
fn callers(served: &Served, cells: &[String]) -> Vec<Kind> {
    let is_let_in = |kind: &Kind| {
        let column = Kind::ALL.iter().position(|(known, _)| known == kind);
        cells[column.unwrap()] == "ok"
    };
    let mut kinds = vec![Kind::Anonymous, Kind::Captain, Kind::Organizer, Kind::Admin];
    kinds.retain(is_let_in);
    let is_about_something = served.info.path.contains('{');
    let is_for_all = kinds.contains(&Kind::Captain);
    kinds.retain(|kind| match kind {
        Kind::Organizer => !is_for_all || is_about_something,
        Kind::Admin => !is_for_all && cells[7] != "ok",
        _ => true,
    });
    kinds
}

/// All that is HTML for somebody; what is not is no page, whatever its path.
async fn visits(system: &System, world: &World) -> Vec<Visit> {
    let (client, written) = (client(), matrix::read());
    let wanted = std::env::var("MOLAR_TEST_ROUTES").unwrap_or_default();
    let mut visits = Vec::new();
    for served in routes() {
        let is_document = served.info.path == "/api/docs";
        let is_style = served.info.path.ends_with(".css");
        let is_page = served.is_safe() && (served.is_page() && !is_style || is_document);
        if !is_page || !served.info.path.contains(&wanted) {
            continue;
        }
        let cells = written
            .get(&served.name())
            .unwrap_or_else(|| panic!("{} is not in the matrix", served.name()));
        let kinds = callers(&served, cells);
        assert!(!kinds.is_empty(), "{} is for nobody", served.name());
        let before = visits.len();
        for kind in kinds {
            let url = system.url(served.listener, &path(world, served.info.path));
            let session = session(world, kind);
            let mut request = client.get(&url).header(ACCEPT, "text/html");
            if let Some(session) = &session {
                request = request.header(COOKIE, format!("molar_session={session}"));
            }
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status(), answer.headers());
            // To whom it has nothing to say it shows the way.
            if status == 303 {
                continue;
            }
            let content = headers.get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap());
            assert!(
                status == 200 && content == Some("text/html; charset=utf-8"),
                "{} as {kind:?}: {status} {content:?} is no page to look at",
                served.name()
            );
            visits.push(Visit {
                name: picture(served.info.path, kind),
                url,
                session,
                is_first: visits.len() == before,
            });
        }
        assert!(visits.len() > before, "nobody sees {}", served.name());
    }
    visits
}

fn session(world: &World, kind: Kind) -> Option<String> {
    match world.credential(kind) {
        Credential::Person(person) => Some(person.session.clone()),
        Credential::Nothing | Credential::Key(_) => None,
    }
}

fn picture(path: &str, kind: Kind) -> String {
    let words: Vec<_> = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let page = match words.is_empty() {
        true => "home".to_owned(),
        false => words.join("-"),
    };
    format!("{page}-{kind:?}").to_lowercase()
}

/// What nobody has a route for.
fn lost(system: &System, world: &World) -> Vec<Visit> {
    let lost = |name: &str, kind, role, path: &str| Visit {
        name: format!("problem-{name}"),
        url: system.url(role, path),
        session: session(world, kind),
        is_first: true,
    };
    vec![
        lost("not-found", Kind::Anonymous, "tracks", "/nothing/is/here"),
        lost("forbidden", Kind::NoTeam, "tracks", "/organize/challenges"),
    ]
}

/// What is wrong where an address is not enough: forms that are filled in, and paper.
async fn played(
    examiner: &Examiner<'_>,
    system: &System,
    world: &World,
    finalist: Uuid,
) -> anyhow::Result<Vec<String>> {
    let (browser, folder) = (examiner.browser, examiner.folder);
    // Before others leave something in the console.
    let mut wrong = imported::plays(examiner, system, world).await?;
    wrong.extend(by_keyboard::plays(browser, system, world).await?);
    wrong.extend(print::prints(browser, folder, system, world, finalist).await?);
    Ok(wrong)
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn every_page_can_be_read_by_everybody_on_every_screen(owner: PgPool) {
    let mut browsers = Vec::new();
    for _ in 0..BROWSERS {
        let Some(browser) = Browser::start().await.unwrap() else {
            let name = "pages::every_page_can_be_read_by_everybody_on_every_screen";
            return skip::skipped("chromium", name);
        };
        browsers.push(browser);
    }
    let axe = axe::script(&target().join("axe")).await.unwrap();
    let folder = target().join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    let system = System::start(&owner).await;
    let world = World::new(&owner, &system.store, 1).await;
    let finalist = furnish::furnish(&owner, &system, &world).await;

    let mut visits = visits(&system, &world).await;
    visits.extend(lost(&system, &world));
    if std::env::var_os("MOLAR_TEST_ROUTES").is_none() {
        visits.extend(moments::all(&owner, &system, &world, finalist).await);
    }
    let visits = std::sync::Mutex::new(visits.into_iter());
    let take = || visits.lock().unwrap().next();
    let examiners = browsers.iter().map(|browser| Examiner {
        browser,
        axe: &axe,
        folder: &folder,
    });
    let examiners: Vec<_> = examiners.collect();
    let shifts = examiners.iter().map(|examiner| {
        let take = &take;
        async move {
            let mut wrong = Vec::new();
            while let Some(visit) = take() {
                let found = examiner.examine(&visit).await?;
                let told = |what: String| format!("{}: {what}", visit.name);
                wrong.extend(found.into_iter().map(told));
            }
            anyhow::Ok(wrong)
        }
    });
    let mut wrong = try_join_all(shifts).await.unwrap().concat();
    let played = played(&examiners[0], &system, &world, finalist).await;
    wrong.extend(played.unwrap());
    for browser in browsers {
        browser.quit().await;
    }
    assert!(
        wrong.is_empty(),
        "{} things are wrong with pages; their pictures are in {}:\n{}",
        wrong.len(),
        folder.display(),
        wrong.join("\n")
    );
}
