//! `GET /organize/submissions/{id}`: one submission's whole life.

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use uuid::Uuid;

use crate::submissions::access::see;
use crate::submissions::cases::{self, CaseView};
use crate::submissions::events::{Event, all};

#[derive(Template)]
#[template(path = "life.html")]
struct Body {
    id: Uuid,
    events: Vec<Event>,
    /// A container of theirs; whether it can be run again is told there.
    can_ask_rerun: bool,
    cases: Vec<CaseView>,
}

impl Body {
    fn took(&self, seconds: &Option<f64>) -> String {
        match seconds {
            None => String::new(),
            Some(s) if *s < 120.0 => format!("{s:.1} s"),
            Some(s) if *s < 7200.0 => format!("{:.1} min", s / 60.0),
            Some(s) => format!("{:.1} h", s / 3600.0),
        }
    }
}

#[tracing::instrument(name = "pages.life", skip_all)]
pub async fn life(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.acquire().await?;
    let events = all(&mut conn, &caller, *id).await?;
    let seen = see(&mut conn, &caller, *id).await?;
    let body = Body {
        id: *id,
        can_ask_rerun: seen.is_organizer && seen.life.kind == "container",
        events,
        cases: cases::list(&mut conn, &seen).await?.items,
    };
    Ok(layout::Page::new("A submission's life", body.render()?)
        .crumb("Organize", "/organize")
        .crumb("Submissions", "/organize/submissions")
        .caller(Some(&caller))
        .respond())
}
