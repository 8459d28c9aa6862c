//! By which column, and which way.

use super::wanted::Wanted;
use crate::boards::{Board, Row};
use crate::pages::heading::Heading;

pub struct Order {
    column: String,
    is_descending: bool,
}

impl Order {
    pub fn of(wanted: &Wanted, board: &Board) -> Self {
        let known = |name: &&String| is_known(name, board);
        let column = wanted.sort.as_ref().filter(known);
        let column = column.cloned().unwrap_or_else(|| "rank".to_owned());
        let is_descending = match wanted.dir.as_deref() {
            Some(dir) => dir == "desc",
            None => best_first(&column, board),
        };
        Self {
            column,
            is_descending,
        }
    }

    /// A missing value goes last, whichever way; equals stay in the order of their ranks.
    pub fn apply(&self, rows: &mut [Row]) {
        match self.column.as_str() {
            "rank" => self.sort(rows, |row| row.rank.map(f64::from)),
            "movement" => self.sort(rows, climbed),
            "mean_rank" => self.sort(rows, |row| row.mean_rank),
            "submissions" => self.sort(rows, |row| row.submissions.map(f64::from)),
            "submitted" => self.sort(rows, |row| {
                row.submitted_at.map(|at| at.timestamp_micros() as f64)
            }),
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

    pub fn heading(
        &self,
        name: &str,
        title: &str,
        note: &str,
        board: &Board,
        link: impl Fn(&str, &str) -> String,
    ) -> Heading {
        let is_here = self.column == name;
        let descending = if is_here {
            !self.is_descending
        } else {
            best_first(name, board)
        };
        let link = link(name, if descending { "desc" } else { "asc" });
        Heading::new(title, note, link, is_here.then_some(self.is_descending))
    }
}

fn is_known(name: &str, board: &Board) -> bool {
    let fixed = [
        "rank",
        "team",
        "movement",
        "mean_rank",
        "submissions",
        "submitted",
    ];
    fixed.contains(&name) || board.shown_metrics().iter().any(|m| m.name == name)
}

/// Which way a column is looked at first: the best on top.
fn best_first(column: &str, board: &Board) -> bool {
    let metrics = board.shown_metrics();
    column == "movement"
        || metrics
            .iter()
            .any(|m| m.name == column && m.is_higher_better)
}

/// By how many ranks it went up; who is new comes after those that stood.
fn climbed(row: &Row) -> Option<f64> {
    use crate::boards::movement::Direction::{Down, New, Same, Up};
    let movement = row.movement?;
    match movement.direction {
        Up => Some(f64::from(movement.by)),
        Down => Some(f64::from(-movement.by)),
        Same => Some(0.0),
        New => None,
    }
}
