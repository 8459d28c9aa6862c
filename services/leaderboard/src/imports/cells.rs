//! A line below the heading.

use std::ops::Range;

use csv::StringRecord;

use super::complaint::Complaint;
use super::table::{Column, Published, RANK, Row, TEAM};

const LONGEST_TEAM: usize = 200;
/// Of a number: 17 digits tell every one apart.
const LONGEST_CELL: usize = 40;
/// Written out, one beyond them would have hundreds of digits.
const SIZES: Range<f64> = 1e-15..1e15;

pub struct Cells<'a> {
    /// Its number and its line in the file.
    pub row: (usize, u64),
    pub names: &'a [String],
    pub record: &'a StringRecord,
    pub complaints: &'a mut Vec<Complaint>,
}

impl Cells<'_> {
    pub fn row(&mut self, metrics: &[Column]) -> Row {
        if self.record.len() != self.names.len() {
            let (has, heading) = (self.record.len(), self.names.len());
            let what = format!("has {has} cells, the heading {heading}");
            self.complaints.push(Complaint::of_row(self.row, what));
        }
        let team = self.team();
        let values = metrics
            .iter()
            .map(|metric| self.value(&metric.name))
            .collect();
        let is_rank = |name: &&String| name.ends_with(RANK);
        let ranks = self.names.iter().filter(is_rank);
        let published = ranks
            .filter_map(|name| Some((name.clone(), self.rank(name)?)))
            .collect();
        Row {
            team,
            values,
            published,
        }
    }

    fn team(&mut self) -> String {
        let team = self.cell(TEAM).to_owned();
        let length = team.chars().count();
        if team.is_empty() {
            self.complain(TEAM, "has no name");
        } else if team.chars().any(char::is_control) {
            self.complain(TEAM, "has a control character in its name");
        } else if length > LONGEST_TEAM {
            let what = format!("has a name of {length} characters; {LONGEST_TEAM} is the most");
            self.complain(TEAM, what);
        }
        team
    }

    /// Without the space around it; a cell that the row lacks is empty.
    fn cell(&self, column: &str) -> &str {
        let at = self.names.iter().position(|name| name == column);
        at.and_then(|at| self.record.get(at)).unwrap_or("").trim()
    }

    fn value(&mut self, column: &str) -> Option<f64> {
        let cell = self.cell(column).to_owned();
        if cell.is_empty() {
            return None;
        }
        let length = cell.chars().count();
        if length > LONGEST_CELL {
            let what = format!("has {length} characters; {LONGEST_CELL} is the most for a number");
            self.complain(column, what);
            return None;
        }
        match cell.parse::<f64>() {
            Ok(value) if value == 0.0 || SIZES.contains(&value.abs()) => Some(value),
            Ok(value) if value.is_finite() => {
                self.complain(column, format!("`{cell}` is too large or too small; a number is 0, or from 1e-15 to below 1e15, or that below 0"));
                None
            }
            _ => {
                self.complain(column, format!("`{cell}` is no number; write it like 0.88, or leave the cell empty if it was not measured"));
                None
            }
        }
    }

    fn rank(&mut self, column: &str) -> Option<Published> {
        let cell = self.cell(column).to_owned();
        let value = self.value(column)?;
        if value < 1.0 {
            self.complain(column, format!("`{cell}` is no rank; the best is 1"));
            return None;
        }
        Some(Published::new(cell))
    }

    fn complain(&mut self, column: &str, what: impl Into<String>) {
        self.complaints
            .push(Complaint::of_cell(self.row, column, what));
    }
}
