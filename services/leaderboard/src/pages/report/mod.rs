//! `GET /boards/{challenge}/{track}/{phase}/report`
//!
//! Shaped after the guideline BIAS (Maier-Hein et al., *Medical Image Analysis* 66, 2020): what a paper about a challenge
//! has to say, from the tables. What the platform was not told stands there as that, for the authors to fill in.

mod facts;
mod tables;
#[cfg(test)]
mod tests;
mod told;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use molar_web_kit::{ApiError, Caller, Kit, layout};

use self::facts::{Fact, Facts};
use self::tables::{EntryView, MetricView, SchemeView, SplitView};
use self::told::Told;
use super::numbers::moment;
use crate::archive::Edition;
use crate::boards::Board;
use crate::figures::{self, Shown};
use crate::kept::Which;
use crate::rows::disqualified::Disqualified;
use crate::rows::phases::Phase;
use crate::statistics;

const NOT_SHOWN: &str =
    "This board does not show names and values exactly, and its report would tell them.";

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    board: String,
    /// In place of a report.
    empty: &'static str,
    script: &'static str,
    /// Of the archive, where this reader may have it.
    archive: String,
    archive_title: &'static str,
    summary: String,
    note: String,
    is_preliminary: bool,
    closes_at: String,
    version: i32,
    made_at: String,
    organization: Vec<Fact>,
    mission: Vec<Fact>,
    datasets: Vec<Fact>,
    splits: Vec<SplitView>,
    assessment: Vec<Fact>,
    metrics: Vec<MetricView>,
    participation: Vec<Fact>,
    entries: Vec<EntryView>,
    baselines: Vec<EntryView>,
    left_out: String,
    disqualified: Vec<Disqualified>,
    stability: Vec<Fact>,
    schemes: Vec<SchemeView>,
    scheme_teams: Vec<String>,
    figures: Vec<Shown>,
}

#[tracing::instrument(name = "pages.report", skip_all)]
pub async fn report(
    kit: web::Data<Kit>,
    path: web::Path<(String, String, String)>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let (challenge, track, slug) = path.into_inner();
    let phase = Which::Path(challenge, track, slug).find(&kit.db).await?;
    let seen = figures::see(&kit, &phase, caller.as_ref()).await?;
    let board = &seen.board;
    let empty = match board.hidden {
        Some(hidden) => Some(hidden),
        None => (!board.sight.has_cases()).then_some(NOT_SHOWN),
    };
    let page = match empty {
        Some(empty) => ReportPage::empty(&phase, empty),
        None => {
            let made = statistics::see(&kit, &phase, caller.as_ref()).await?;
            let figures = match &seen.drawing {
                // Tables and figures of one page are of one version.
                Some(drawing) if seen.is_current() => {
                    figures::list(&kit.db, phase.id, drawing.version).await?
                }
                _ => Vec::new(),
            };
            let told = Told::read(&kit, &phase, board, made.statistics).await?;
            ReportPage::of(&phase, board, told, figures)
        }
    };
    let title = format!("Report: {}", board.title);
    Ok(layout::Page::new(title, page.render()?)
        .crumb(
            phase.challenge_title.clone(),
            format!("/challenges/{}", phase.challenge_slug),
        )
        .crumb("Leaderboards", "/boards")
        .crumb(board.title.clone(), phase.path())
        .caller(caller.as_ref())
        .respond())
}

impl ReportPage {
    fn empty(phase: &Phase, empty: &'static str) -> Self {
        Self {
            board: phase.path(),
            empty,
            script: layout::print_url(),
            archive: String::new(),
            archive_title: "",
            summary: String::new(),
            note: String::new(),
            is_preliminary: false,
            closes_at: String::new(),
            version: 0,
            made_at: String::new(),
            organization: Vec::new(),
            mission: Vec::new(),
            datasets: Vec::new(),
            splits: Vec::new(),
            assessment: Vec::new(),
            metrics: Vec::new(),
            participation: Vec::new(),
            entries: Vec::new(),
            baselines: Vec::new(),
            left_out: String::new(),
            disqualified: Vec::new(),
            stability: Vec::new(),
            schemes: Vec::new(),
            scheme_teams: Vec::new(),
            figures: Vec::new(),
        }
    }

    fn of(phase: &Phase, board: &Board, told: Told, figures: Vec<Shown>) -> Self {
        let zone: Tz = phase.zone.parse().unwrap_or(Tz::UTC);
        let facts = Facts {
            phase,
            board,
            told: &told,
            zone,
        };
        let made = told.statistics.as_ref();
        Self {
            archive: match told.archive {
                Some(_) => format!("/api/v1/boards/{}/archive", phase.id),
                None => String::new(),
            },
            archive_title: told.archive.map_or("", archive_title),
            summary: told.definition.summary.clone(),
            note: board.note.clone().unwrap_or_default(),
            is_preliminary: board.is_preliminary,
            closes_at: moment(phase.window.closes_at, zone),
            version: board.version.unwrap_or_default(),
            made_at: board.made_at.map_or(String::new(), |at| moment(at, zone)),
            organization: facts.organization(),
            mission: facts.mission(),
            datasets: facts.datasets(),
            splits: tables::splits(&told.splits, told.definition.split_id),
            assessment: facts.assessment(),
            metrics: tables::metrics(board),
            participation: facts.participation(),
            entries: tables::entries(board, made),
            baselines: tables::baselines(board),
            left_out: board.left_out.join(", "),
            disqualified: board.disqualified.clone(),
            stability: facts.stability(),
            schemes: made.map_or(Vec::new(), tables::schemes),
            scheme_teams: made.map_or(Vec::new(), tables::teams),
            figures,
            ..Self::empty(phase, "")
        }
    }
}

fn archive_title(edition: Edition) -> &'static str {
    match edition {
        Edition::Common => "Archive with all scores",
        Edition::Organizers => "Archive with all scores, for organizers and reviewers only",
        Edition::Public => "Archive without what runs used in each case",
    }
}
