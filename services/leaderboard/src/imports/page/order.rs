//! By which column, and which way: all of it in the address, as on the other boards.

use url::form_urlencoded;

use crate::imports::ranked::{Ranked, RankedRow};
use crate::pages::heading::Heading;

pub const RANK: &str = "rank";
pub const TEAM: &str = "team";
pub const MEAN: &str = "mean_rank";

/// By its number: a table may call a metric whatever it likes.
pub fn of_metric(at: usize) -> String {
    format!("metric-{}", at + 1)
}

pub struct Order {
    column: String,
    is_descending: bool,
    /// Of each metric, whether more is better.
    best_first: Vec<bool>,
}

impl Order {
    /// Words that are not known count as if they were not there.
    pub fn of(query: &str, ranked: &Ranked) -> Self {
        let (mut column, mut dir) = (RANK.to_owned(), None);
        let best_first: Vec<_> = ranked.metrics.iter().map(|m| m.is_higher_better).collect();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "sort" if is_known(&value, best_first.len()) => column = value.into_owned(),
                "dir" => dir = Some(value == "desc"),
                _ => {}
            }
        }
        let mut order = Self {
            column,
            is_descending: false,
            best_first,
        };
        order.is_descending = dir.unwrap_or_else(|| order.begins_descending(&order.column));
        order
    }

    /// Each with its number by rank, from 1. A missing value goes last, whichever way; equals stay in the order of
    /// their ranks.
    pub fn rows<'a>(&self, ranked: &'a Ranked) -> Vec<(usize, &'a RankedRow)> {
        let rows = ranked.rows.iter().enumerate();
        let mut rows: Vec<_> = rows.map(|(at, row)| (at + 1, row)).collect();
        match (self.column.as_str(), self.metric()) {
            (TEAM, _) => {
                rows.sort_by_cached_key(|(_, row)| row.team.to_lowercase());
                if self.is_descending {
                    rows.reverse();
                }
            }
            (MEAN, _) => self.sort(&mut rows, |row| Some(row.mean_rank)),
            (_, Some(at)) => self.sort(&mut rows, |row| row.values[at]),
            _ => self.sort(&mut rows, |row| Some(f64::from(row.final_rank))),
        }
        rows
    }

    fn sort(&self, rows: &mut [(usize, &RankedRow)], key: impl Fn(&RankedRow) -> Option<f64>) {
        rows.sort_by(|(_, a), (_, b)| match (key(a), key(b)) {
            (Some(a), Some(b)) if self.is_descending => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        });
    }

    pub fn heading(&self, path: &str, name: &str, title: &str, note: &str) -> Heading {
        let is_here = self.column == name;
        let descending = match is_here {
            true => !self.is_descending,
            false => self.begins_descending(name),
        };
        let dir = if descending { "desc" } else { "asc" };
        let link = format!("{path}?sort={name}&dir={dir}");
        Heading::new(title, note, link, is_here.then_some(self.is_descending))
    }

    fn metric(&self) -> Option<usize> {
        (0..self.best_first.len()).find(|at| of_metric(*at) == self.column)
    }

    /// Which way a column is looked at first: the best on top.
    fn begins_descending(&self, column: &str) -> bool {
        let mut metrics = self.best_first.iter().enumerate();
        metrics.any(|(at, is_higher_better)| *is_higher_better && of_metric(at) == column)
    }
}

fn is_known(name: &str, metrics: usize) -> bool {
    [RANK, TEAM, MEAN].contains(&name) || (0..metrics).any(|at| of_metric(at) == name)
}
