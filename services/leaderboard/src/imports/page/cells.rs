//! What stands in the table of the page.

use std::collections::HashMap;

use molar_domain::metric::Metric;

use crate::imports::ranked::{Difference, Ranked, RankedRow};
use crate::imports::table::{self, FINAL_RANK, MEAN_RANK};
use crate::pages::numbers::number;

pub struct Column {
    pub name: String,
    pub title: String,
    pub unit: &'static str,
    pub is_higher_better: bool,
    metric: Option<Metric>,
}

/// Ranks that were published otherwise, by the number of their row and their column.
pub struct Otherwise<'a>(HashMap<(usize, &'a str), &'a str>);

pub struct RowView {
    pub rank: u32,
    pub rank_class: String,
    /// As it was published, where that is another.
    pub published: String,
    pub team: String,
    pub cells: Vec<Cell>,
    pub mean_rank: String,
    pub published_mean: String,
}

pub struct Cell {
    pub value: String,
    pub rank: String,
    pub published: String,
}

impl Column {
    pub fn of(column: &table::Column) -> Self {
        let metric = column.metric();
        let title = metric.as_ref().map(Metric::title);
        Self {
            title: title.unwrap_or_else(|| column.name.clone()),
            unit: metric.as_ref().and_then(Metric::unit).unwrap_or_default(),
            name: column.name.clone(),
            is_higher_better: column.is_higher_better,
            metric,
        }
    }

    fn written(&self, value: Option<f64>) -> String {
        match (value, &self.metric) {
            (Some(value), None) => plain(value),
            // Nobody said that it can be one of ours.
            (Some(value), _) if value.abs() >= 1e9 => plain(value),
            (value, metric) => {
                let name = metric.as_ref().map(ToString::to_string);
                number(value, &name.unwrap_or_default())
            }
        }
    }
}

/// Six digits that count, and never more than fit a column.
fn plain(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{value:.3e}");
    }
    let before_the_point = size.max(1.0).log10().floor();
    let decimals = (5.0 - before_the_point).max(0.0);
    let text = format!("{value:.*}", decimals as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Titles of the metrics that no row has.
pub fn left_out(columns: &[Column], ranked: &Ranked) -> Vec<String> {
    let names = &ranked.left_out;
    titles(columns, |column| names.contains(&column.name))
}

pub fn less_is_better(columns: &[Column]) -> Vec<String> {
    titles(columns, |column| !column.is_higher_better)
}

fn titles(columns: &[Column], is_meant: impl Fn(&Column) -> bool) -> Vec<String> {
    let meant = columns.iter().filter(|column| is_meant(column));
    meant.map(|column| column.title.clone()).collect()
}

impl<'a> Otherwise<'a> {
    pub fn of(differences: &'a [Difference]) -> Self {
        let found = differences.iter();
        let found = found.map(|d| ((d.row, d.column.as_str()), d.published.text()));
        Self(found.collect())
    }
}

/// `number` is by rank, as differences count.
pub fn row(
    number: usize,
    row: &RankedRow,
    columns: &[Column],
    otherwise: &Otherwise<'_>,
) -> RowView {
    let published = |column: &str| {
        let found = otherwise.0.get(&(number, column));
        found.map_or(String::new(), ToString::to_string)
    };
    let cells = columns.iter().zip(row.values.iter().zip(&row.ranks));
    let cells = cells.map(|(column, (value, rank))| Cell {
        value: column.written(*value),
        rank: rank.map_or(String::new(), |rank| rank.to_string()),
        published: published(&format!("{}{}", column.name, table::RANK)),
    });
    RowView {
        rank: row.final_rank,
        rank_class: match row.final_rank {
            rank @ 1..=3 => format!("rank-{rank}"),
            _ => String::new(),
        },
        published: published(FINAL_RANK),
        team: row.team.clone(),
        cells: cells.collect(),
        mean_rank: format!("{:.2}", row.mean_rank),
        published_mean: published(MEAN_RANK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_a_metric_that_is_not_ours_fits_its_column() {
        let written = [
            (0.0, "0"),
            (0.845_125_576_853_75, "0.84513"),
            (-3.0, "-3"),
            (13.290_8, "13.2908"),
            (7341.12, "7341.12"),
            (1_234_567.8, "1234568"),
            (1e300, "1.000e300"),
            (2.5e-7, "2.500e-7"),
        ];
        for (value, text) in written {
            assert_eq!(plain(value), text);
        }
        let column = Column::of(&table::Column {
            name: "image_DSC".to_owned(),
            is_higher_better: true,
        });
        assert_eq!(column.written(Some(0.912_345)), "0.9123");
        assert_eq!(column.written(Some(1e300)), "1.000e300");
        assert_eq!(column.written(None), "–");
    }
}
