//! `GET /boards/{challenge}/{track}/{phase}/figures`

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use molar_web_kit::{ApiError, Caller, Kit, layout};

use super::find::address;
use super::rows::{self, Shown};
use super::view::{Seen, see};
use crate::kept::Which;

#[derive(Template)]
#[template(path = "figures.html")]
struct FiguresPage {
    /// In place of figures.
    empty: &'static str,
    /// Of the board.
    board: String,
    version: i32,
    made_at: String,
    is_current: bool,
    figures: Vec<View>,
}

struct View {
    svg: String,
    png: String,
    drawn: Shown,
}

#[tracing::instrument(name = "pages.figures", skip_all)]
pub async fn page(
    kit: web::Data<Kit>,
    path: web::Path<(String, String, String)>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let (challenge, track, slug) = path.into_inner();
    let phase = Which::Path(challenge, track, slug).find(&kit.db).await?;
    let seen = see(&kit, &phase, caller.as_ref()).await?;
    let figures = match &seen.drawing {
        Some(drawing) => rows::list(&kit.db, phase.id, drawing.version).await?,
        None => Vec::new(),
    };
    let zone: Tz = phase.zone.parse().unwrap_or(Tz::UTC);
    let made_at = seen.drawing.as_ref().map(|drawing| {
        let at = drawing.made_at.with_timezone(&zone);
        at.format("%-d %B %Y, %H:%M:%S %Z").to_string()
    });
    let views = figures.into_iter().map(|drawn| View {
        svg: address(phase.id, &drawn.name, "svg"),
        png: address(phase.id, &drawn.name, "png"),
        drawn,
    });
    let body = FiguresPage {
        empty: empty(&seen),
        board: phase.path(),
        version: seen.drawing.as_ref().map_or(0, |drawing| drawing.version),
        made_at: made_at.unwrap_or_default(),
        is_current: seen.is_current(),
        figures: views.collect(),
    };
    let title = seen.board.title;
    Ok(
        layout::Page::new(format!("{title}, figures"), body.render()?)
            .crumb(
                phase.challenge_title.clone(),
                format!("/challenges/{}", phase.challenge_slug),
            )
            .crumb("Leaderboards", "/boards")
            .crumb(title, phase.path())
            .caller(caller.as_ref())
            .respond(),
    )
}

/// Why there are no figures.
fn empty(seen: &Seen) -> &'static str {
    let board = &seen.board;
    match (board.hidden, &seen.drawing) {
        (Some(hidden), _) => hidden,
        (None, Some(_)) => "Nobody is ranked on this board yet, so there is nothing to draw.",
        (None, None) if board.rows.is_empty() => {
            "Nobody is on this board yet. Its figures come with the first scored submission."
        }
        (None, None) if !board.sight.has_cases() => {
            "Figures show names and the values of each case. This board does not show them, so it has no figures."
        }
        (None, None) => {
            "The figures of this board are being drawn. Load the page again in a minute or two; if they are still not \
             there, tell the organizers."
        }
    }
}
