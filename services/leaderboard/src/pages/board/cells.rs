//! Rows of the page, from rows of the board.

use chrono_tz::Tz;

use super::wanted::Wanted;
use crate::boards::movement::{Direction, Movement};
use crate::boards::{Board, Row};
use crate::pages::numbers::{deviation, interval, number};

pub struct RowView {
    pub rank: String,
    pub rank_class: String,
    pub interval: String,
    pub movement: Option<MovementView>,
    pub team: String,
    pub is_mine: bool,
    pub code_url: Option<String>,
    pub submission: Option<String>,
    pub cells: Vec<Cell>,
    /// Behind the metrics: mean rank, submissions, day.
    pub rest: Vec<String>,
    pub failed: String,
    pub out_reason: Option<String>,
}

pub struct MovementView {
    pub sign: String,
    /// For those who hear the page.
    pub words: String,
}

#[derive(Default)]
pub struct Cell {
    pub value: String,
    pub spread: String,
    pub gain: String,
    pub rank: String,
}

pub struct BaselineView {
    pub name: String,
    pub note: String,
    pub cells: Vec<String>,
}

/// Columns behind the metrics, with their titles, as far as the board has and the reader wants them.
pub fn rest(board: &Board, wanted: &Wanted) -> Vec<(&'static str, &'static str)> {
    let all = [
        ("mean_rank", "Mean rank"),
        ("submissions", "Submissions"),
        ("submitted", "Handed in"),
    ];
    let has = board.sight.has_details();
    let shown = all.into_iter().filter(|_| has);
    shown.filter(|(name, _)| wanted.shows(name)).collect()
}

pub fn row(row: &Row, board: &Board, wanted: &Wanted, zone: Tz) -> RowView {
    let metrics = board.shown_metrics().iter();
    let metrics = metrics.filter(|metric| wanted.shows(&metric.name));
    RowView {
        rank: row.rank.map_or("–".to_owned(), |rank| rank.to_string()),
        rank_class: row
            .rank
            .filter(|rank| *rank <= 3)
            .map(|rank| format!("rank-{rank}"))
            .unwrap_or_default(),
        interval: row
            .interval
            .filter(|_| wanted.shows("interval"))
            .map_or(String::new(), interval),
        movement: row
            .movement
            .filter(|_| wanted.shows("movement"))
            .map(movement),
        team: row.team.clone(),
        is_mine: row.is_mine,
        code_url: row
            .code_url
            .clone()
            .filter(|url| url.starts_with("https://")),
        submission: row.submission_id.map(|id| format!("/submissions/{id}")),
        cells: metrics
            .map(|metric| cell(row, &metric.name, board, wanted))
            .collect(),
        rest: rest(board, wanted)
            .into_iter()
            .map(|(name, _)| plain(row, name, zone))
            .collect(),
        failed: match (row.failed_cases, row.cases) {
            (Some(failed), Some(cases)) if failed > 0 => {
                format!("{failed} of {cases} cases failed")
            }
            _ => String::new(),
        },
        out_reason: row.out_reason.clone(),
    }
}

fn cell(row: &Row, name: &str, board: &Board, wanted: &Wanted) -> Cell {
    let around = |sd: f64| match board.sight.rules.decimals {
        Some(_) => format!("± {}", written(Some(sd), name, board)),
        None => deviation(sd, name, board.sight.is_reviewer),
    };
    let spread = row.spreads.get(name).filter(|_| wanted.shows("spread"));
    let rank = row.ranks.get(name).copied().flatten();
    Cell {
        value: written(row.values.get(name).copied().flatten(), name, board),
        spread: spread.map_or(String::new(), |spread| around(spread.sd)),
        gain: row
            .gains
            .get(name)
            .map_or(String::new(), |gain| format!("{gain:+.2} pp")),
        rank: rank.map_or(String::new(), |rank| rank.to_string()),
    }
}

/// Of rounded values no digit more than they have.
fn written(value: Option<f64>, name: &str, board: &Board) -> String {
    match (value, board.sight.rules.decimals) {
        (Some(value), Some(decimals)) => format!("{value:.*}", usize::from(decimals)),
        (value, _) => number(value, name),
    }
}

fn plain(row: &Row, column: &str, zone: Tz) -> String {
    match column {
        "mean_rank" => row.mean_rank.map(|mean| format!("{mean:.2}")),
        "submissions" => row.submissions.map(|count| count.to_string()),
        _ => row
            .submitted_at
            .map(|at| at.with_timezone(&zone).format("%-d %b %Y").to_string()),
    }
    .unwrap_or_default()
}

fn movement(of: Movement) -> MovementView {
    let (sign, words) = match of.direction {
        Direction::Up => (format!("↑{}", of.by), format!("up by {}", of.by)),
        Direction::Down => (format!("↓{}", of.by), format!("down by {}", of.by)),
        Direction::Same => ("=".to_owned(), "as the day before".to_owned()),
        Direction::New => ("new".to_owned(), "since the day before".to_owned()),
    };
    MovementView { sign, words }
}

pub fn baselines(board: &Board, wanted: &Wanted) -> Vec<BaselineView> {
    let metrics = || {
        let shown = board.shown_metrics().iter();
        shown.filter(|metric| wanted.shows(&metric.name))
    };
    let baselines = board.baselines.iter().map(|baseline| BaselineView {
        name: baseline.team.clone(),
        note: baseline.note.clone().unwrap_or_default(),
        cells: metrics()
            .map(|m| number(baseline.values.get(&m.name).copied().flatten(), &m.name))
            .collect(),
    });
    baselines.collect()
}
