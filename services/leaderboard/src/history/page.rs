//! `GET /boards/{challenge}/{track}/{phase}/history`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::metric::Metric;
use molar_figures::{Figure, responsive};
use molar_web_kit::{ApiError, Caller, Kit, layout, names};

use super::choice::{Asked, Wrong};
use super::draw::{self, Kind};
use super::links;
use super::see::{Seen, TeamHistory, see};
use super::steps::Step;
use crate::boards::{self, Board};
use crate::error::Error;
use crate::kept::Which;
use crate::pages::numbers::{moment, number};
use crate::rows::phases::Phase;

const NOBODY: &str = "Nobody is on this board yet, so there is no history to tell.";

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage<'a> {
    /// Of the board.
    path: String,
    board: &'a Board,
    /// Empty where it does not stand still.
    frozen_at: String,
    /// In place of everything.
    closed: Option<&'static str>,
    wrong: Option<Wrong>,
    entries: Vec<Entry<'a>>,
    asked: Asked,
    told: Option<Told>,
}

/// What may be chosen: text alone stands in a list.
struct Entry<'a> {
    /// As it is asked for.
    team: &'a str,
    shown: String,
}

struct Told {
    team: String,
    metric: String,
    unit: Option<&'static str>,
    version: i32,
    figures: Vec<FigureView>,
    changes: usize,
    /// The newest first.
    steps: Vec<StepView>,
    json: String,
}

struct FigureView {
    title: String,
    note: &'static str,
    drawn: String,
    svg: String,
    png: String,
}

struct StepView {
    version: i32,
    at: String,
    is_there: bool,
    /// Out of competition there is none.
    rank: Option<i32>,
    value: String,
}

#[tracing::instrument(name = "pages.history", skip_all)]
pub async fn page(
    kit: web::Data<Kit>,
    path: web::Path<(String, String, String)>,
    asked: web::Query<Asked>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let (challenge, track, slug) = path.into_inner();
    let phase = Which::Path(challenge, track, slug).find(&kit.db).await?;
    let board = boards::see(&kit, &phase, caller.as_ref(), &boards::Asked::default()).await?;
    let asked = asked.into_inner();
    let seen = see(&kit, &phase, &board, &asked).await?;
    let body = HistoryPage::empty(&phase, &board);
    let (status, body) = match seen {
        // Nothing that was asked is told.
        Seen::Hidden(why) => (StatusCode::OK, body.closed(why)),
        Seen::Nobody => (StatusCode::OK, body.closed(NOBODY)),
        Seen::Wrong(wrong) => (StatusCode::NOT_FOUND, body.wrong(wrong, asked)),
        Seen::Told(history) => {
            let told = Told::of(&phase, &board, &history, kit.clock.now())?;
            (StatusCode::OK, body.told(told, &history))
        }
    };
    let title = format!("{}, history of a team", board.title);
    Ok(layout::Page::new(title, body.render()?)
        .crumb(
            phase.challenge_title.clone(),
            format!("/challenges/{}", phase.challenge_slug),
        )
        .crumb("Leaderboards", "/boards")
        .crumb(board.title.clone(), phase.path())
        .caller(caller.as_ref())
        .status(status)
        .respond())
}

fn zone(phase: &Phase) -> Tz {
    phase.zone.parse().unwrap_or(Tz::UTC)
}

impl<'a> HistoryPage<'a> {
    fn empty(phase: &Phase, board: &'a Board) -> Self {
        let frozen_at = board.frozen_at.map(|at| moment(at, zone(phase)));
        Self {
            path: phase.path(),
            board,
            frozen_at: frozen_at.unwrap_or_default(),
            closed: None,
            wrong: None,
            entries: Vec::new(),
            asked: Asked::default(),
            told: None,
        }
    }

    fn closed(self, why: &'static str) -> Self {
        Self {
            closed: Some(why),
            ..self
        }
    }

    fn wrong(self, wrong: Wrong, asked: Asked) -> Self {
        Self {
            wrong: Some(wrong),
            ..self.asked(asked)
        }
    }

    fn told(self, told: Told, history: &TeamHistory) -> Self {
        let asked = Asked {
            team: history.team.clone(),
            metric: history.metric.clone(),
        };
        Self {
            told: Some(told),
            ..self.asked(asked)
        }
    }

    /// With the form.
    fn asked(self, asked: Asked) -> Self {
        let entries = self.board.told_rows().map(|row| Entry {
            team: &row.team,
            shown: names::plain(&row.team),
        });
        Self {
            entries: entries.collect(),
            asked,
            ..self
        }
    }
}

impl Told {
    fn of(
        phase: &Phase,
        board: &Board,
        history: &TeamHistory,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let metric: Metric = history.metric.parse()?;
        let until = draw::until(board, history, now);
        let mut figures = Vec::new();
        for kind in Kind::ALL {
            let id = format!("history-{}", kind.name());
            let show = |figure: &dyn Figure| responsive(figure, &id);
            if let Some(drawn) = draw::draw(kind, history, until, show)? {
                figures.push(FigureView::of(phase, history, kind, &metric, drawn));
            }
        }
        let zone = zone(phase);
        let steps = history.steps.iter().rev();
        Ok(Self {
            team: history.team.clone(),
            metric: metric.title(),
            unit: metric.unit(),
            version: history.version,
            figures,
            changes: history.changes,
            steps: steps
                .map(|step| StepView::of(step, &history.metric, zone))
                .collect(),
            json: links::of_json(phase.id, &history.team, &history.metric),
        })
    }
}

impl FigureView {
    fn of(
        phase: &Phase,
        history: &TeamHistory,
        kind: Kind,
        metric: &Metric,
        drawn: String,
    ) -> Self {
        let file = |ending: &str| {
            let file = format!("{}.{ending}", kind.name());
            links::of_file(phase.id, &file, &history.team, &history.metric)
        };
        Self {
            title: kind.title(&metric.title()),
            note: match kind {
                Kind::Rank => {
                    "A step where the rank changed, a gap where there was none. Times are in UTC."
                }
                Kind::Value => {
                    "The mean over all cases of the entry that counted. Times are in UTC."
                }
            },
            drawn,
            svg: file("svg"),
            png: file("png"),
        }
    }
}

impl StepView {
    fn of(step: &Step, metric: &str, zone: Tz) -> Self {
        Self {
            version: step.version,
            at: moment(step.at, zone),
            is_there: step.is_there,
            rank: step.rank,
            value: number(step.value, metric),
        }
    }
}
