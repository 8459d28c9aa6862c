//! `GET /boards`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit, layout};

use crate::boards::is_listed;
use crate::rows::phases;

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    challenges: Vec<Challenge>,
}

struct Challenge {
    title: String,
    boards: Vec<Item>,
}

struct Item {
    path: String,
    track: String,
    phase: String,
    state: String,
}

#[tracing::instrument(name = "pages.boards", skip_all)]
pub async fn index(kit: web::Data<Kit>, caller: Option<Caller>) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut challenges: Vec<Challenge> = Vec::new();
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
        match challenges.last_mut() {
            Some(last) if last.title == phase.challenge_title => last.boards.push(item),
            _ => challenges.push(Challenge {
                title: phase.challenge_title,
                boards: vec![item],
            }),
        }
    }
    let body = Index { challenges }.render()?;
    Ok(layout::Page::new("Leaderboards", body)
        .caller(caller.as_ref())
        .respond())
}
