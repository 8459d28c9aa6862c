//! `GET /boards/{challenge}/{track}/{phase}/history`

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::metric::Metric;
use molar_figures::{Figure, responsive};
use molar_web_kit::{ApiError, Caller, Kit, layout};

use super::choice::Asked;
use super::draw::{self, Kind};
use super::links;
use super::see::{Seen, TeamHistory, see};
use super::steps::Step;
use crate::boards::{self, Board};
use crate::chosen::{Form, List};
use crate::error::Error;
use crate::kept::Which;
use crate::pages::numbers::{moment, number};
use crate::rows::phases::Phase;

const NOBODY: &str = "Nobody is on this board yet, so there is no history to tell.";

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage<'a> {
    form: Form<'a>,
    /// Of the board.
    path: String,
    /// Empty where it does not stand still.
    frozen_at: String,
    told: Option<Told>,
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
    let mut form = Form::new(phase.path(), "history", "Show");
    let mut told = None;
    match seen {
        // Nothing that was asked is told.
        Seen::Hidden(why) => form.closed = Some(why),
        Seen::Nobody => form.closed = Some(NOBODY),
        Seen::Wrong(wrong) => {
            form.lists = lists(&board, &asked.team, &asked.metric);
            form.wrong = Some(wrong);
        }
        Seen::Told(history) => {
            form.lists = lists(&board, &history.team, &history.metric);
            told = Some(Told::of(&phase, &board, &history, kit.clock.now())?);
        }
    }
    let status = form.status();
    let frozen_at = board.frozen_at.map(|at| moment(at, zone(&phase)));
    let body = HistoryPage {
        form,
        path: phase.path(),
        frozen_at: frozen_at.unwrap_or_default(),
        told,
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

fn lists<'a>(board: &'a Board, team: &str, metric: &str) -> Vec<List<'a>> {
    vec![
        List::of_teams(board, ("team", "Team"), team),
        List::of_metrics(board, metric),
    ]
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
