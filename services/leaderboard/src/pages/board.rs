//! `GET /boards/{challenge}/{track}/{phase}`

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::metric::Metric;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use serde::Deserialize;

use crate::boards::{Board, Row, see};
use crate::rows::phases::{self, Phase};

#[derive(Debug, Deserialize)]
pub struct Query {
    /// `rank`, `team`, `submitted` or a metric.
    sort: Option<String>,
    /// `asc` or `desc`.
    dir: Option<String>,
}

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage<'a> {
    board: &'a Board,
    headings: Vec<Heading>,
    rows: Vec<RowView>,
    baselines: Vec<BaselineView>,
    left_out: String,
    less_is_better: String,
    kind: &'a str,
    is_timed: bool,
    machines: String,
    made_at: String,
    frozen_at: String,
    csv: String,
    json: String,
    closes_at: String,
}

struct Heading {
    title: String,
    note: String,
    link: String,
    class: &'static str,
    sorted: &'static str,
}

struct RowView {
    rank: String,
    rank_class: String,
    team: String,
    is_mine: bool,
    code_url: Option<String>,
    submission: Option<String>,
    cells: Vec<Cell>,
    mean_rank: String,
    submitted: String,
    failed: String,
    out_reason: Option<String>,
}

struct Cell {
    value: String,
    rank: String,
}

struct BaselineView {
    name: String,
    note: String,
    cells: Vec<Cell>,
}

#[tracing::instrument(name = "pages.board", skip_all)]
pub async fn board(
    kit: web::Data<Kit>,
    path: web::Path<(String, String, String)>,
    query: web::Query<Query>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let (challenge, track, slug) = path.into_inner();
    let phase = phases::list(&kit.db)
        .await?
        .into_iter()
        .find(|phase| {
            phase.challenge_slug == challenge && phase.track_slug == track && phase.slug == slug
        })
        .ok_or(ApiError::NotFound("board"))?;
    let mut board = see(
        &kit.db,
        phase.clone(),
        caller.as_ref(),
        kit.clock.now(),
        None,
    )
    .await?;
    let order = Order::of(&query, &board);
    order.apply(&mut board.rows);
    let body = page(&phase, &board, &order).render()?;
    Ok(layout::Page::new(board.title.clone(), body)
        .crumb(
            phase.challenge_title.clone(),
            format!("/challenges/{challenge}"),
        )
        .crumb("Leaderboards", "/boards")
        .caller(caller.as_ref())
        .respond())
}

/// By which column, and which way.
struct Order {
    column: String,
    is_descending: bool,
}

impl Order {
    fn of(query: &Query, board: &Board) -> Self {
        let known = |name: &&String| {
            ["rank", "team", "submitted"].contains(&name.as_str())
                || board.metrics.iter().any(|m| &m.name == *name)
        };
        let column = query
            .sort
            .as_ref()
            .filter(known)
            .cloned()
            .unwrap_or_else(|| "rank".to_owned());
        let is_descending = match query.dir.as_deref() {
            Some(dir) => dir == "desc",
            None => Self::best_first(&column, board),
        };
        Self {
            column,
            is_descending,
        }
    }

    /// Which way a column is looked at first: the best on top.
    fn best_first(column: &str, board: &Board) -> bool {
        board
            .metrics
            .iter()
            .any(|m| m.name == column && m.is_higher_better)
    }

    /// A missing value goes last, whichever way.
    fn apply(&self, rows: &mut [Row]) {
        match self.column.as_str() {
            "rank" => self.sort(rows, |row| row.rank.map(f64::from)),
            "submitted" => self.sort(rows, |row| Some(row.submitted_at.timestamp() as f64)),
            "team" => {
                rows.sort_by_key(|row| row.team.to_lowercase());
                if self.is_descending {
                    rows.reverse();
                }
            }
            metric => self.sort(rows, |row| row.values.get(metric).copied().flatten()),
        }
    }

    fn sort(&self, rows: &mut [Row], key: impl Fn(&Row) -> Option<f64>) {
        rows.sort_by(|a, b| match (key(a), key(b)) {
            (Some(a), Some(b)) if self.is_descending => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        });
    }

    fn heading(&self, name: &str, title: &str, note: String, board: &Board, path: &str) -> Heading {
        let is_here = self.column == name;
        let descending = if is_here {
            !self.is_descending
        } else {
            Self::best_first(name, board)
        };
        let dir = if descending { "desc" } else { "asc" };
        Heading {
            title: title.to_owned(),
            note,
            link: format!("{path}?sort={name}&dir={dir}"),
            class: match (is_here, self.is_descending) {
                (false, _) => "",
                (true, false) => "asc",
                (true, true) => "desc",
            },
            sorted: match (is_here, self.is_descending) {
                (false, _) => "none",
                (true, false) => "ascending",
                (true, true) => "descending",
            },
        }
    }
}

fn page<'a>(phase: &'a Phase, board: &'a Board, order: &Order) -> BoardPage<'a> {
    let path = phase.path();
    let zone: Tz = phase.zone.parse().unwrap_or(Tz::UTC);
    let mut headings = vec![
        order.heading("rank", "Rank", String::new(), board, &path),
        order.heading("team", "Team", String::new(), board, &path),
    ];
    for metric in &board.metrics {
        let note = metric.unit.unwrap_or_default().to_owned();
        headings.push(order.heading(&metric.name, &metric.title, note, board, &path));
    }
    headings.push(order.heading("rank", "Mean rank", String::new(), board, &path));
    headings.push(order.heading("submitted", "Handed in", String::new(), board, &path));
    let titles: Vec<_> = board
        .metrics
        .iter()
        .filter(|m| board.left_out.contains(&m.name))
        .map(|m| m.title.as_str())
        .collect();
    let less_is_better: Vec<_> = board
        .metrics
        .iter()
        .filter(|m| !m.is_higher_better)
        .map(|m| m.title.as_str())
        .collect();
    BoardPage {
        headings,
        rows: board
            .rows
            .iter()
            .map(|row| row_view(row, board, zone))
            .collect(),
        baselines: board
            .baselines
            .iter()
            .map(|baseline| BaselineView {
                name: baseline.team.clone(),
                note: baseline.note.clone().unwrap_or_default(),
                cells: board
                    .metrics
                    .iter()
                    .map(|m| Cell {
                        value: number(baseline.values.get(&m.name).copied().flatten(), &m.name),
                        rank: String::new(),
                    })
                    .collect(),
            })
            .collect(),
        left_out: titles.join(", "),
        less_is_better: less_is_better.join(" and "),
        kind: phase.kind.as_str(),
        is_timed: board.metrics.iter().any(|m| is_of_run(&m.name)),
        machines: board.machines.join("; "),
        made_at: board.made_at.map(|at| moment(at, zone)).unwrap_or_default(),
        frozen_at: board
            .frozen_at
            .map(|at| moment(at, zone))
            .unwrap_or_default(),
        csv: format!("/api/v1/boards/{}.csv", phase.id),
        json: format!("/api/v1/boards/{}", phase.id),
        closes_at: moment(phase.window.closes_at, zone),
        board,
    }
}

fn row_view(row: &Row, board: &Board, zone: Tz) -> RowView {
    let cell = |name: &String| Cell {
        value: number(row.values.get(name).copied().flatten(), name),
        rank: row
            .ranks
            .get(name)
            .copied()
            .flatten()
            .map(|rank| rank.to_string())
            .unwrap_or_default(),
    };
    RowView {
        rank: row.rank.map_or("–".to_owned(), |rank| rank.to_string()),
        rank_class: row
            .rank
            .filter(|rank| *rank <= 3)
            .map(|rank| format!("rank-{rank}"))
            .unwrap_or_default(),
        team: row.team.clone(),
        is_mine: row.is_mine,
        code_url: row
            .code_url
            .clone()
            .filter(|url| url.starts_with("https://")),
        submission: row.submission_id.map(|id| format!("/submissions/{id}")),
        cells: board
            .metrics
            .iter()
            .map(|metric| cell(&metric.name))
            .collect(),
        mean_rank: row
            .mean_rank
            .map(|mean| format!("{mean:.2}"))
            .unwrap_or_default(),
        submitted: row
            .submitted_at
            .with_timezone(&zone)
            .format("%-d %b %Y")
            .to_string(),
        failed: match row.failed_cases {
            0 => String::new(),
            failed => format!("{failed} of {} cases failed", row.cases),
        },
        out_reason: row.out_reason.clone(),
    }
}

pub fn number(value: Option<f64>, name: &str) -> String {
    let metric = name.parse::<Metric>();
    match (value, metric) {
        (None, _) => "–".to_owned(),
        // Seconds tell apart what a board ranks apart, also where all are quick.
        (Some(value), Ok(Metric::RunningTime)) if value < 10.0 => format!("{value:.2}"),
        (Some(value), Ok(metric)) => format!("{value:.*}", metric.decimals()),
        (Some(value), Err(_)) => value.to_string(),
    }
}

fn is_of_run(name: &str) -> bool {
    name.parse::<Metric>()
        .is_ok_and(|metric| metric.is_of_run())
}

fn moment(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone)
        .format("%-d %B %Y, %H:%M %Z")
        .to_string()
}
