//! Every score of every entry, and what the role makes of such scores elsewhere.

use molar_ranking::Direction;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::statistics::scored::{Cell, Ranked, Scored, Values};

/// A metric by which a phase is ranked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    pub name: String,
    pub direction: Direction,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    pub metrics: Vec<Metric>,
    /// How many there are; each entry has its own in their order.
    pub cases: usize,
    /// Of each entry its cases; none where the entry was not scored in the case.
    pub entries: Vec<Vec<Option<Case>>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// It was given the worst values.
    pub is_failed: bool,
    /// One for each metric.
    pub cells: Vec<Cell>,
}

impl Scores {
    /// Whether some entry has a value of this metric in some case.
    pub fn is_measured(&self, name: &str) -> bool {
        let Some(at) = self.place(name) else {
            return false;
        };
        let mut cases = self.entries.iter().flatten().flatten();
        cases.any(|case| matches!(case.cells[at], Cell::Value(_)))
    }

    /// Takes a metric away with all its values, if it is there.
    pub fn remove(&mut self, name: &str) {
        let Some(at) = self.place(name) else {
            return;
        };
        self.metrics.remove(at);
        for case in self.entries.iter_mut().flatten().flatten() {
            case.cells.remove(at);
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.metrics.iter().position(|metric| metric.name == name)
    }

    /// Of an entry, in the form in which they were scored.
    pub fn values(&self, entry: usize) -> Vec<Value> {
        let cases = self.entries[entry].iter().flatten();
        cases.map(|case| self.object(case)).collect()
    }

    fn object(&self, case: &Case) -> Value {
        let cells = self.metrics.iter().zip(&case.cells);
        let members = cells.filter_map(|(metric, cell)| {
            let value = match cell {
                Cell::Value(value) => Value::from(*value),
                Cell::None => Value::Null,
                Cell::Missing => return None,
            };
            Some((metric.name.clone(), value))
        });
        Value::Object(members.collect::<Map<_, _>>())
    }

    /// What statistics are made from: entries that have a rank, each named by its place among all.
    pub fn scored(&self, ranks: &[Option<u32>]) -> Scored {
        let ranked: Vec<(usize, u32)> = (0..)
            .zip(ranks)
            .filter_map(|(at, rank)| Some((at, (*rank)?)))
            .collect();
        let cases = self.cases_of(&ranked);
        // Without anybody there is nothing to have a metric.
        let metrics = (0..).zip(&self.metrics).filter(|_| !ranked.is_empty());
        let rows = |metric: usize| {
            let rows = ranked.iter().map(|&(at, _)| self.row(at, metric, &cases));
            rows.collect()
        };
        Scored {
            metrics: metrics
                .map(|(at, metric)| Values {
                    name: metric.name.clone(),
                    direction: metric.direction,
                    rows: rows(at),
                })
                .collect(),
            teams: ranked
                .iter()
                .map(|&(at, rank)| Ranked {
                    team_id: Uuid::from_u128(at as u128),
                    rank,
                })
                .collect(),
            cases: cases.len(),
        }
    }

    fn row(&self, entry: usize, metric: usize, cases: &[usize]) -> Vec<Cell> {
        let cell = |case: &usize| {
            let case = self.entries[entry][*case].as_ref();
            case.map_or(Cell::Missing, |case| case.cells[metric])
        };
        cases.iter().map(cell).collect()
    }

    /// Those that one of the entries was scored in.
    fn cases_of(&self, ranked: &[(usize, u32)]) -> Vec<usize> {
        let is_scored = |case: &usize| {
            let mut cases = ranked.iter().map(|(at, _)| &self.entries[*at][*case]);
            cases.any(Option::is_some)
        };
        (0..self.cases).filter(is_scored).collect()
    }
}
