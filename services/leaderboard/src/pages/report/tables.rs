//! Tables of a report.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::ReportPage;
use crate::boards::{Board, Column, Row};
use crate::pages::numbers::{deviation, interval, number};
use crate::rows::reports::Split;
use crate::statistics::Made;

pub struct SplitView {
    pub slug: String,
    pub cases: String,
    pub labelled: String,
    pub images: &'static str,
    pub references: &'static str,
    /// The one on which entries are scored.
    pub is_scored: bool,
}

pub fn splits(splits: &[Split], scored: Uuid) -> Vec<SplitView> {
    let count = |count: Option<i32>| count.map_or("–".to_owned(), |count| count.to_string());
    let view = |split: &Split| SplitView {
        slug: split.slug.clone(),
        cases: match split.announced_cases {
            Some(announced) if i64::from(announced) != split.cases => {
                format!("{} of {announced} announced", split.cases)
            }
            _ => split.cases.to_string(),
        },
        labelled: match split.has_references {
            true => count(split.announced_labelled),
            false => "none".to_owned(),
        },
        images: if split.is_public {
            "for signed members"
        } else {
            "hidden"
        },
        references: match (split.has_references, split.are_references_public) {
            (false, _) => "none",
            (true, true) => "for signed members",
            (true, false) => "hidden",
        },
        is_scored: split.split_id == scored,
    };
    splits.iter().map(view).collect()
}

pub struct MetricView {
    pub name: String,
    pub title: String,
    pub better: &'static str,
    pub unit: &'static str,
}

pub fn metrics(board: &Board) -> Vec<MetricView> {
    let view = |metric: &Column| MetricView {
        name: metric.name.clone(),
        title: metric.title.clone(),
        better: if metric.is_higher_better {
            "more"
        } else {
            "less"
        },
        unit: metric.unit.unwrap_or("–"),
    };
    board.metrics.iter().map(view).collect()
}

/// What a board says in place of a reason that it does not tell.
const OUT: &str = "out of competition";

pub struct EntryView {
    pub rank: String,
    pub interval: String,
    pub team: String,
    /// Of one that is not in the ranking, and what is noted on that.
    pub kind: &'static str,
    pub note: String,
    pub cells: Vec<Cell>,
    pub mean_rank: String,
}

pub struct Cell {
    pub value: String,
    pub spread: String,
    pub rank: String,
}

impl ReportPage {
    /// Whether one stands under any rank.
    pub(super) fn has_intervals(&self) -> bool {
        self.entries.iter().any(|entry| !entry.interval.is_empty())
    }
}

/// Intervals are of the very ranks that they stand under, or there are none.
pub fn entries(board: &Board, made: Option<&Made>) -> Vec<EntryView> {
    let made = made.filter(|made| made.is_current && made.figures.is_board_ranking);
    let teams = made.map_or(&[][..], |made| &made.teams).iter();
    let intervals: BTreeMap<&String, String> = teams
        .filter_map(|team| {
            let of = team.standing.interval?;
            Some((&team.team, interval(of)))
        })
        .collect();
    let view = |row: &Row| EntryView {
        rank: row.rank.map_or("–".to_owned(), |rank| rank.to_string()),
        interval: intervals.get(&row.team).cloned().unwrap_or_default(),
        team: row.team.clone(),
        kind: match row.out_reason {
            Some(_) => OUT,
            None => "",
        },
        note: row
            .out_reason
            .clone()
            .filter(|reason| reason != OUT)
            .unwrap_or_default(),
        cells: board
            .metrics
            .iter()
            .map(|metric| cell(row, &metric.name, board))
            .collect(),
        mean_rank: row
            .mean_rank
            .map_or("–".to_owned(), |mean| format!("{mean:.2}")),
    };
    board.rows.iter().map(view).collect()
}

fn cell(row: &Row, name: &str, board: &Board) -> Cell {
    let spread = row.spreads.get(name);
    let rank = row.ranks.get(name).copied().flatten();
    Cell {
        value: number(row.values.get(name).copied().flatten(), name),
        spread: spread.map_or(String::new(), |one| {
            deviation(one.sd, name, board.sight.is_reviewer)
        }),
        rank: rank.map_or(String::new(), |rank| rank.to_string()),
    }
}

pub fn baselines(board: &Board) -> Vec<EntryView> {
    let cell = |value: Option<f64>, name: &str| Cell {
        value: number(value, name),
        spread: String::new(),
        rank: String::new(),
    };
    let baselines = board.baselines.iter().map(|baseline| EntryView {
        rank: "–".to_owned(),
        interval: String::new(),
        team: baseline.team.clone(),
        kind: "baseline",
        note: baseline.note.clone().unwrap_or_default(),
        cells: board
            .metrics
            .iter()
            .map(|m| cell(baseline.values.get(&m.name).copied().flatten(), &m.name))
            .collect(),
        mean_rank: "–".to_owned(),
    });
    baselines.collect()
}

/// The ranks of all teams by one scheme.
pub struct SchemeView {
    pub title: String,
    pub ranks: Vec<String>,
    pub tau: String,
}

/// Entries in one table of schemes: nobody reads more columns.
const TEAMS: usize = 12;

pub fn teams(made: &Made) -> Vec<String> {
    made.teams
        .iter()
        .take(TEAMS)
        .map(|team| team.team.clone())
        .collect()
}

pub fn schemes(made: &Made) -> Vec<SchemeView> {
    let rank = |rank: &Option<u32>| rank.map_or("–".to_owned(), |rank| rank.to_string());
    let schemes = made.figures.schemes.iter().map(|scheme| SchemeView {
        title: scheme.title.clone(),
        ranks: scheme.ranks.iter().take(TEAMS).map(rank).collect(),
        tau: scheme.tau.map_or("–".to_owned(), |tau| format!("{tau:.3}")),
    });
    let agreed = SchemeView {
        title: "Consensus of all".to_owned(),
        ranks: made
            .figures
            .consensus
            .iter()
            .take(TEAMS)
            .map(rank)
            .collect(),
        tau: "–".to_owned(),
    };
    schemes
        .chain(Some(agreed).filter(|one| !one.ranks.is_empty()))
        .collect()
}
