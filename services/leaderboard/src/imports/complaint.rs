//! What is wrong with a table, and where.

use std::fmt;

use molar_domain::printable::printable;

use super::table::TEAM;

/// More than any that is right.
const LONGEST_PART: usize = 500;

/// Rows are counted from 1, the heading apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Complaint {
    row: Option<(usize, u64)>,
    column: Option<String>,
    what: String,
}

impl Complaint {
    pub fn of_table(what: impl Into<String>) -> Self {
        Self {
            row: None,
            column: None,
            what: what.into(),
        }
    }

    pub fn of_column(column: &str, what: impl Into<String>) -> Self {
        Self {
            column: Some(column.to_owned()),
            ..Self::of_table(what)
        }
    }

    pub fn of_row(row: (usize, u64), what: impl Into<String>) -> Self {
        Self {
            row: Some(row),
            ..Self::of_table(what)
        }
    }

    pub fn of_cell(row: (usize, u64), column: &str, what: impl Into<String>) -> Self {
        Self {
            row: Some(row),
            ..Self::of_column(column, what)
        }
    }

    pub fn of_csv(error: &csv::Error) -> Self {
        let row = error.position().map(|at| (at.record() as usize, at.line()));
        Self {
            row: row.filter(|(row, _)| *row > 0),
            ..Self::of_table(format!("cannot be read as CSV in UTF-8: {error}"))
        }
    }

    pub fn twice(row: (usize, u64), team: &str, first: usize) -> Self {
        let what = format!("the team `{team}` is already in row {first}");
        Self::of_cell(row, TEAM, what)
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((row, line)) = self.row {
            write!(f, "row {row} (line {line})")?;
        }
        if let Some(column) = &self.column {
            let comma = if self.row.is_some() { ", " } else { "" };
            write!(f, "{comma}column `{}`", shown(column))?;
        }
        if self.row.is_some() || self.column.is_some() {
            f.write_str(": ")?;
        }
        f.write_str(&shown(&self.what))
    }
}

/// On one line, and without what could do something to a terminal: the table is a stranger's.
fn shown(text: &str) -> String {
    let mut part: String = text.chars().take(LONGEST_PART).collect();
    if part.len() < text.len() {
        part.push('…');
    }
    printable(&part).replace(['\n', '\t'], " ")
}

/// One a line, and of very many the first.
pub fn lines(complaints: &[Complaint]) -> Vec<String> {
    const SHOWN: usize = 20;
    let shown = complaints.iter().take(SHOWN);
    let mut lines: Vec<_> = shown.map(ToString::to_string).collect();
    if complaints.len() > SHOWN {
        lines.push(format!("and {} more", complaints.len() - SHOWN));
    }
    lines
}
