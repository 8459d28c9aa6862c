//! What a table tells of an entry beside its metrics, in both its shapes.

use chrono::SecondsFormat;

use super::csv_cells::{text, unarmed};
use super::view::{Board, Row};

type Cell = fn(&Row) -> String;

pub struct Detail {
    pub name: &'static str,
    /// What is none has a column of its own in the long table, so that one can be read as numbers.
    pub is_number: bool,
    pub cell: Cell,
}

/// Nothing that the board does not show is among them.
pub fn of(board: &Board) -> Vec<Detail> {
    let sight = &board.sight;
    let mut details = Vec::new();
    if sight.has_cases() {
        // Those of another version would stand beside ranks that they are not of.
        let is_of_it = board.intervals.map(|of| of.version) == board.version;
        let told = |cell: Cell| -> Cell { if is_of_it { cell } else { nothing } };
        details.push(number("rank_from", told(rank_from)));
        details.push(number("rank_to", told(rank_to)));
    }
    details.push(words("is_eligible", |row| {
        row.out_reason.is_none().to_string()
    }));
    details.push(words("out_reason", |row| {
        unarmed(row.out_reason.as_deref().unwrap_or_default())
    }));
    if sight.has_names() {
        details.push(words("code_url", |row| {
            unarmed(row.code_url.as_deref().unwrap_or_default())
        }));
    }
    if sight.has_details() {
        details.push(number("submissions", |row| text(row.submissions)));
        details.push(words("submitted_at", |row| {
            let at = row.submitted_at;
            text(at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)))
        }));
    }
    details
}

fn number(name: &'static str, cell: Cell) -> Detail {
    Detail {
        name,
        is_number: true,
        cell,
    }
}

fn words(name: &'static str, cell: Cell) -> Detail {
    Detail {
        name,
        is_number: false,
        cell,
    }
}

fn rank_from(row: &Row) -> String {
    text(row.interval.map(|of| of.from))
}

fn rank_to(row: &Row) -> String {
    text(row.interval.map(|of| of.to))
}

fn nothing(_: &Row) -> String {
    String::new()
}
