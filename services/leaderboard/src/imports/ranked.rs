//! The ranks of a table, made of its values alone, beside those that were published with it.

use std::collections::BTreeMap;

use molar_ranking::{Direction, Entry, MetricColumn, rank_table};
use serde::{Deserialize, Serialize};

use super::table::{Column, FINAL_RANK, MEAN_RANK, Published, RANK, Table};

/// As it is kept: the best first.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    pub metrics: Vec<Column>,
    /// Metrics that no row has; they do not count in the mean rank.
    pub left_out: Vec<String>,
    pub rows: Vec<RankedRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankedRow {
    pub team: String,
    /// In the order of the metrics, as are the ranks.
    pub values: Vec<Option<f64>>,
    pub ranks: Vec<Option<u32>>,
    pub mean_rank: f64,
    pub final_rank: u32,
    /// By the column's name.
    pub published: BTreeMap<String, Published>,
}

/// A rank that was published otherwise than it comes out.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = RankDifference)]
pub struct Difference {
    /// By the rank that comes out, from 1.
    pub row: usize,
    pub team: String,
    /// `METRIC_rank`, `mean_rank` or `final_rank`.
    pub column: String,
    pub published: Published,
    pub computed: f64,
}

impl Ranked {
    pub fn of(table: Table) -> Result<Self, molar_ranking::Error> {
        let columns: Vec<_> = table.metrics.iter().map(ranked_by).collect();
        let entries: Vec<_> = table
            .rows
            .iter()
            .enumerate()
            .map(|(id, row)| Entry {
                id,
                values: row.values.clone(),
            })
            .collect();
        let ranking = rank_table(&columns, &entries)?;
        let rows = ranking.rows.into_iter().map(|row| {
            let given = &table.rows[row.id];
            RankedRow {
                team: given.team.clone(),
                values: given.values.clone(),
                ranks: row.ranks,
                mean_rank: row.mean_rank,
                final_rank: row.final_rank,
                published: given.published.clone(),
            }
        });
        Ok(Self {
            rows: rows.collect(),
            left_out: ranking.left_out,
            metrics: table.metrics,
        })
    }

    pub fn differences(&self) -> Vec<Difference> {
        let rows = self.rows.iter().enumerate();
        rows.flat_map(|(at, row)| self.differences_of(at + 1, row))
            .collect()
    }

    /// How many ranks were published that one of ours can be held against.
    pub fn compared(&self) -> usize {
        let of = |row: &RankedRow| {
            let columns = row.published.keys();
            columns
                .filter(|column| self.computed(row, column).is_some())
                .count()
        };
        self.rows.iter().map(of).sum()
    }

    fn differences_of(&self, number: usize, row: &RankedRow) -> Vec<Difference> {
        let published = row.published.iter();
        let otherwise = published.filter_map(|(column, published)| {
            let computed = self.computed(row, column)?;
            (!published.agrees(computed)).then(|| Difference {
                row: number,
                team: row.team.clone(),
                column: column.clone(),
                published: published.clone(),
                computed,
            })
        });
        otherwise.collect()
    }

    /// None of a metric that is left out.
    fn computed(&self, row: &RankedRow, column: &str) -> Option<f64> {
        match column {
            MEAN_RANK => Some(row.mean_rank),
            FINAL_RANK => Some(f64::from(row.final_rank)),
            _ => {
                let name = column.strip_suffix(RANK)?;
                let at = self.metrics.iter().position(|metric| metric.name == name)?;
                row.ranks[at].map(f64::from)
            }
        }
    }
}

fn ranked_by(column: &Column) -> MetricColumn {
    let direction = match column.is_higher_better {
        true => Direction::HigherIsBetter,
        false => Direction::LowerIsBetter,
    };
    MetricColumn::new(column.name.clone(), direction)
}

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::super::table::Directions;
    use super::*;

    #[test]
    fn ranks_are_made_of_the_values_whatever_was_published() {
        let table = "team,IA,IA_rank,running_time_s,running_time_s_rank,final_rank\n\
                     slow,0.9,2,9.0,2,1\nquick,0.5,1,1.0,1,2\n";
        let table = read(table.as_bytes(), &Directions::default()).unwrap();
        let ranked = Ranked::of(table).unwrap();
        let told: Vec<_> = ranked
            .rows
            .iter()
            .map(|row| (row.team.as_str(), row.ranks.clone(), row.final_rank))
            .collect();
        assert_eq!(
            told,
            [
                ("slow", vec![Some(1), Some(2)], 1),
                ("quick", vec![Some(2), Some(1)], 1),
            ]
        );
        let otherwise: Vec<_> = ranked
            .differences()
            .into_iter()
            .map(|d| (d.row, d.column, d.published.text().to_owned(), d.computed))
            .collect();
        let owned = |row, column: &str, published: &str, computed| {
            (row, column.to_owned(), published.to_owned(), computed)
        };
        assert_eq!(
            otherwise,
            [
                owned(1, "IA_rank", "2", 1.0),
                owned(2, "IA_rank", "1", 2.0),
                owned(2, "final_rank", "2", 1.0),
            ]
        );
        assert_eq!(ranked.compared(), 6);
    }

    #[test]
    fn a_metric_that_nobody_has_is_left_out_with_what_was_published_of_it() {
        let table = "team,IA,IA_rank,image_DSC\nA,,1,0.5\nB,,2,0.4\n";
        let table = read(table.as_bytes(), &Directions::default()).unwrap();
        let ranked = Ranked::of(table).unwrap();
        assert_eq!(ranked.left_out, ["IA"]);
        assert_eq!((ranked.differences(), ranked.compared()), (vec![], 0));
    }
}
