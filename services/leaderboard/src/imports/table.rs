//! A board that was published as a table: one line a team, each metric perhaps beside its rank.

use std::collections::BTreeMap;

use molar_domain::metric::Metric;
use serde::{Deserialize, Serialize};

/// Columns that are about the whole row.
pub const TEAM: &str = "team";
pub const MEAN_RANK: &str = "mean_rank";
pub const FINAL_RANK: &str = "final_rank";
/// Ends the name of a column that ranks by another.
pub const RANK: &str = "_rank";

/// A table is kept in one row and shown on one page.
pub const MOST_BYTES: usize = 1 << 20;
pub const MOST_ROWS: usize = 1000;
pub const MOST_METRICS: usize = 32;
/// Each metric may stand beside its rank.
pub const MOST_COLUMNS: usize = 2 * MOST_METRICS + 3;
/// Rows times metrics. A few bytes of the table are hundreds where the board is told.
pub const MOST_VALUES: usize = 10_000;

/// How the challenge of 2024 wrote ours.
const ALIASES: [(&str, &str); 1] = [("gpu_memory_area_mb_s", "gpu_memory_area_mib_s")];

/// What is better in columns that the platform does not know, by their names.
#[derive(Debug, Default)]
pub struct Directions {
    pub higher: Vec<String>,
    pub lower: Vec<String>,
}

impl Directions {
    pub fn count(&self) -> usize {
        self.higher.len() + self.lower.len()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub is_higher_better: bool,
}

impl Column {
    /// Unless it is one of which the file says nothing but its name.
    pub fn metric(&self) -> Option<Metric> {
        metric(&self.name)
    }
}

pub fn metric(name: &str) -> Option<Metric> {
    let alias = ALIASES.iter().find(|(other, _)| *other == name);
    alias.map_or(name, |(_, ours)| ours).parse().ok()
}

/// A rank that somebody else computed, as they wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(as = PublishedRank)]
pub struct Published(String);

impl Published {
    /// Of a text that is a number.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn value(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    /// To the digits that were published.
    pub fn agrees(&self, computed: f64) -> bool {
        let decimals = self.0.split_once('.').map_or(0, |(_, digits)| digits.len());
        let digits = i32::try_from(decimals).unwrap_or(i32::MAX);
        let half = 0.5 * 10f64.powi(-digits) + 1e-12;
        self.value()
            .is_some_and(|value| (value - computed).abs() <= half)
    }
}

#[derive(Debug)]
pub struct Row {
    pub team: String,
    /// In the order of the metrics; an empty cell is missing.
    pub values: Vec<Option<f64>>,
    /// By the column's name.
    pub published: BTreeMap<String, Published>,
}

/// What was read, and nothing that was computed.
#[derive(Debug)]
pub struct Table {
    pub metrics: Vec<Column>,
    pub rows: Vec<Row>,
}
