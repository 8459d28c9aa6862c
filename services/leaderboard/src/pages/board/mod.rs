//! `GET /boards/{challenge}/{track}/{phase}`

mod cells;
mod order;
mod part;
mod wanted;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use molar_web_kit::{ApiError, Caller, Kit, layout};

use self::cells::{BaselineView, RowView};
use self::order::Order;
use self::part::Part;
use self::wanted::{Wanted, Who};
use super::heading::Heading;
use super::intervals::why_none;
use super::numbers::moment;
use crate::boards::{Asked, Board, see};
use crate::entries::is_of_run;
use crate::error::Error;
use crate::kept::{Asking, PAGE, Which};
use crate::live;
use crate::rows::phases::Phase;

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage<'a> {
    board: &'a Board,
    wanted: &'a Wanted,
    /// What was asked for and could not be done.
    wrong: Option<String>,
    path: String,
    rank: Heading,
    team: Heading,
    metrics: Vec<Heading>,
    rest: Vec<Heading>,
    choices: Vec<Choice>,
    rows: Vec<RowView>,
    part: Part,
    baselines: Vec<BaselineView>,
    /// Whether there are rows that the filter leaves out.
    has_more: bool,
    left_out: String,
    less_is_better: String,
    kind: &'a str,
    is_timed: bool,
    machines: String,
    zone: Tz,
    made_at: String,
    /// When the intervals were made, where they are shown, and of which version, where that is another.
    intervals: String,
    /// Why they are not.
    no_intervals: String,
    as_of: String,
    frozen_at: String,
    rules: Vec<String>,
    csv: String,
    json: String,
    closes_at: String,
    /// Of what the page shows, where it is the board as it is now.
    seen: Option<u64>,
    say: String,
}

/// A column that may be left out.
struct Choice {
    name: String,
    title: String,
    is_shown: bool,
}

#[tracing::instrument(name = "pages.board", skip_all)]
pub async fn board(
    kit: web::Data<Kit>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let (challenge, track, phase) = path.into_inner();
    let asking = Asking {
        kit: &kit,
        request: &request,
        caller: caller.as_ref(),
        which: Which::Path(challenge, track, phase),
        form: PAGE,
    };
    let wanted = Wanted::of(request.query_string());
    let make = async |phase| render(&kit, &phase, caller.as_ref(), &wanted).await;
    asking.answer(make).await
}

async fn render(
    kit: &Kit,
    phase: &Phase,
    caller: Option<&Caller>,
    wanted: &Wanted,
) -> Result<HttpResponse, ApiError> {
    let found = find(kit, phase, caller, wanted).await?;
    let (mut board, status) = (found.board, found.status);
    let is_now = found.wrong.is_none() && wanted.at.is_empty();
    let seen = is_now.then(|| live::number(kit, &board));
    let no_intervals = match wanted.shows("interval") {
        true => why_none(kit, &board).await?,
        false => String::new(),
    };
    let of_all = board.rows.len();
    wanted.filter(&mut board);
    let order = Order::of(wanted, &board);
    order.apply(&mut board.rows);
    let body = BoardPage {
        wrong: found.wrong,
        has_more: board.rows.len() < of_all,
        no_intervals,
        seen,
        ..page(phase, &board, wanted, &order)
    }
    .render()?;
    let page = layout::Page::new(board.title.clone(), body);
    let page = match seen {
        Some(_) => page.live(),
        None => page,
    };
    Ok(page
        .crumb(
            phase.challenge_title.clone(),
            format!("/challenges/{}", phase.challenge_slug),
        )
        .crumb("Leaderboards", "/boards")
        .caller(caller)
        .status(status)
        .respond())
}

struct Found {
    board: Board,
    status: StatusCode,
    wrong: Option<String>,
}

/// What cannot be shown is told at the form, above the board as it is now.
async fn find(
    kit: &Kit,
    phase: &Phase,
    caller: Option<&Caller>,
    wanted: &Wanted,
) -> Result<Found, ApiError> {
    let asked = |at| Asked {
        at,
        baseline: wanted.baseline.clone(),
    };
    let (status, wrong) = match wanted.moment(zone(phase)) {
        Err(wrong) => (StatusCode::UNPROCESSABLE_ENTITY, wrong),
        Ok(at) => match see(kit, phase, caller, &asked(at)).await {
            Ok(board) => {
                return Ok(Found {
                    board,
                    status: StatusCode::OK,
                    wrong: None,
                });
            }
            Err(Error::NothingStood) => (
                StatusCode::NOT_FOUND,
                "No ranking of this phase had been made by then.".to_owned(),
            ),
            Err(Error::NotFound("baseline")) => (
                StatusCode::NOT_FOUND,
                "This board has no such baseline.".to_owned(),
            ),
            Err(other) => return Err(other.into()),
        },
    };
    let board = see(kit, phase, caller, &Asked::default()).await?;
    Ok(Found {
        board,
        status,
        wrong: Some(format!("{wrong} Below is the board as it is now.")),
    })
}

fn zone(phase: &Phase) -> Tz {
    phase.zone.parse().unwrap_or(Tz::UTC)
}

fn page<'a>(
    phase: &'a Phase,
    board: &'a Board,
    wanted: &'a Wanted,
    order: &Order,
) -> BoardPage<'a> {
    let path = phase.path();
    let zone = zone(phase);
    let link = |sort: &str, dir: &str| wanted.sorted(&path, sort, dir);
    let heading =
        |name: &str, title: &str, note: &str| order.heading(name, title, note, board, link);
    let metrics = board.shown_metrics().iter();
    let metrics = metrics.filter(|metric| wanted.shows(&metric.name));
    let titles = |is_meant: &dyn Fn(&str, bool) -> bool| {
        let meant = board.metrics.iter();
        let meant = meant.filter(|m| is_meant(&m.name, m.is_higher_better));
        meant.map(|m| m.title.clone()).collect::<Vec<_>>()
    };
    let time = |at: Option<_>| at.map(|at| moment(at, zone)).unwrap_or_default();
    let has_intervals =
        wanted.shows("interval") && board.rows.iter().any(|row| row.interval.is_some());
    let part = Part::of(&board.rows, wanted, &path);
    BoardPage {
        wanted,
        wrong: None,
        has_more: false,
        rank: heading("rank", "Rank", ""),
        team: heading("team", "Team", ""),
        metrics: metrics
            .map(|m| heading(&m.name, &m.title, m.unit.unwrap_or_default()))
            .collect(),
        rest: cells::rest(board, wanted)
            .into_iter()
            .map(|(name, title)| heading(name, title, ""))
            .collect(),
        choices: choices(board, wanted),
        rows: board.rows[part.range()]
            .iter()
            .map(|row| cells::row(row, board, wanted, zone))
            .collect(),
        part,
        baselines: cells::baselines(board, wanted),
        left_out: titles(&|name, _| board.left_out.iter().any(|out| out == name)).join(", "),
        less_is_better: titles(&|_, is_higher_better| !is_higher_better).join(" and "),
        kind: phase.kind.as_str(),
        is_timed: board.metrics.iter().any(|m| is_of_run(&m.name)),
        machines: board.machines.join("; "),
        zone,
        made_at: time(board.made_at),
        intervals: match board.intervals.filter(|_| has_intervals) {
            Some(of) if board.version == Some(of.version) => time(Some(of.as_of)),
            Some(of) => format!("of version {}, {}", of.version, time(Some(of.as_of))),
            None => String::new(),
        },
        no_intervals: String::new(),
        as_of: time(
            board
                .as_of
                .filter(|at| !board.sight.is_of_today && board.frozen_at != Some(*at)),
        ),
        frozen_at: time(board.frozen_at),
        rules: match board.sight.is_reviewer {
            true => Vec::new(),
            false => board.rules.sentences(),
        },
        csv: format!("/api/v1/boards/{}.csv", phase.id),
        json: format!("/api/v1/boards/{}", phase.id),
        closes_at: moment(phase.window.closes_at, zone),
        seen: None,
        say: match board.version {
            Some(version) => format!("The board has changed: it is version {version} now."),
            None => "The board has changed.".to_owned(),
        },
        path: path.clone(),
        board,
    }
}

fn choices(board: &Board, wanted: &Wanted) -> Vec<Choice> {
    let metrics = board.shown_metrics();
    let choice = |name: &str, title: &str| Choice {
        is_shown: wanted.shows(name),
        name: name.to_owned(),
        title: title.to_owned(),
    };
    let mut choices: Vec<_> = metrics.iter().map(|m| choice(&m.name, &m.title)).collect();
    if board.rows.iter().any(|row| !row.spreads.is_empty()) {
        choices.push(choice("spread", "Standard deviation"));
    }
    if board.intervals.is_some() {
        choices.push(choice("interval", "Interval of the rank"));
    }
    if board.rows.iter().any(|row| row.movement.is_some()) {
        choices.push(choice("movement", "Movement since the day before"));
    }
    let all = Wanted::default();
    let rest = cells::rest(board, &all).into_iter();
    choices.extend(rest.map(|(name, title)| choice(name, title)));
    choices
}
