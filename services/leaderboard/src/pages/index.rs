//! `GET /boards`

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use molar_web_kit::{ApiError, Caller, Kit, layout};

use crate::boards::is_listed;
use crate::imports::rows as imports;
use crate::pages::numbers::moment;
use crate::rows::phases;

#[derive(Default, Template)]
#[template(path = "index.html")]
struct Index {
    challenges: Vec<Challenge>,
}

struct Challenge {
    slug: String,
    title: String,
    boards: Vec<Item>,
    imported: Vec<Imported>,
}

struct Item {
    path: String,
    track: String,
    phase: String,
    state: String,
}

struct Imported {
    path: String,
    title: String,
    imported_at: String,
}

#[tracing::instrument(name = "pages.boards", skip_all)]
pub async fn index(kit: web::Data<Kit>, caller: Option<Caller>) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut index = Index::default();
    for phase in phases::list(&kit.db).await? {
        if !is_listed(&phase, caller.as_ref()) {
            continue;
        }
        let item = Item {
            path: phase.path(),
            state: phases::state(&kit.db, &phase, now).await?.to_string(),
            track: phase.track_title,
            phase: phase.title,
        };
        let challenge = index.challenge(phase.challenge_slug, phase.challenge_title);
        challenge.boards.push(item);
    }
    for import in imports::list(&kit.db, imports::Asked::default()).await? {
        let item = Imported {
            path: import.path(),
            imported_at: moment(import.imported_at, import.zone.parse().unwrap_or(Tz::UTC)),
            title: import.title,
        };
        let challenge = index.challenge(import.challenge_slug, import.challenge_title);
        challenge.imported.push(item);
    }
    let body = index.render()?;
    Ok(layout::Page::new("Leaderboards", body)
        .caller(caller.as_ref())
        .respond())
}

impl Index {
    fn challenge(&mut self, slug: String, title: String) -> &mut Challenge {
        let known = self.challenges.iter().position(|one| one.slug == slug);
        let at = known.unwrap_or(self.challenges.len());
        if known.is_none() {
            self.challenges.push(Challenge {
                slug,
                title,
                boards: Vec::new(),
                imported: Vec::new(),
            });
        }
        &mut self.challenges[at]
    }
}
