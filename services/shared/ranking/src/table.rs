//! A whole board: ranks by every metric, their mean, the final rank.

use crate::error::Error;
use crate::rank::{Direction, present, rank};

/// A column of the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricColumn {
    pub name: String,
    pub direction: Direction,
}

impl MetricColumn {
    pub fn new(name: impl Into<String>, direction: Direction) -> Self {
        Self {
            name: name.into(),
            direction,
        }
    }
}

/// What is ranked: one value for each metric, in the metrics' order.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<Id> {
    pub id: Id,
    pub values: Vec<Option<f64>>,
}

/// The ranked entries, best first; equal final ranks stay in the order they were given.
#[derive(Debug, Clone, PartialEq)]
pub struct Table<Id> {
    /// Metrics that no entry has, in the metrics' order: they count in no mean.
    pub left_out: Vec<String>,
    pub rows: Vec<Row<Id>>,
}

/// Where one entry stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<Id> {
    pub id: Id,
    /// One for each metric, `None` where the metric is left out.
    pub ranks: Vec<Option<u32>>,
    /// 1 if every metric is left out: nothing sets the entries apart.
    pub mean_rank: f64,
    pub final_rank: u32,
}

/// Ranks entries by each metric, then by the mean of those ranks, ties allowed.
///
/// A metric that no entry has is left out and reported. Where some have it, an entry without it
/// ranks last in it. Every mean is therefore over the same number of ranks, and means are compared
/// by their integer sums: equal sums tie exactly, whatever the division would round to.
pub fn rank_table<Id: Clone>(
    metrics: &[MetricColumn],
    entries: &[Entry<Id>],
) -> Result<Table<Id>, Error> {
    check(metrics, entries)?;

    let columns: Vec<Option<Vec<u32>>> = metrics
        .iter()
        .enumerate()
        .map(|(at, metric)| {
            let values: Vec<_> = entries.iter().map(|entry| entry.values[at]).collect();
            let is_present = values.iter().any(|&value| present(value).is_some());
            is_present.then(|| rank(&values, metric.direction))
        })
        .collect();
    let sums: Vec<u64> = (0..entries.len())
        .map(|row| {
            columns
                .iter()
                .flatten()
                .map(|ranks| u64::from(ranks[row]))
                .sum()
        })
        .collect();

    let mut rows: Vec<_> = entries
        .iter()
        .enumerate()
        .map(|(row, entry)| Row {
            id: entry.id.clone(),
            ranks: columns
                .iter()
                .map(|ranks| ranks.as_ref().map(|ranks| ranks[row]))
                .collect(),
            mean_rank: mean(sums[row], columns.iter().flatten().count()),
            final_rank: 1 + sums.iter().filter(|&&sum| sum < sums[row]).count() as u32,
        })
        .collect();
    rows.sort_by_key(|row| row.final_rank);

    Ok(Table {
        left_out: left_out(metrics, &columns),
        rows,
    })
}

fn check<Id>(metrics: &[MetricColumn], entries: &[Entry<Id>]) -> Result<(), Error> {
    match entries
        .iter()
        .position(|entry| entry.values.len() != metrics.len())
    {
        None => Ok(()),
        Some(entry) => Err(Error::Values {
            entry,
            values: entries[entry].values.len(),
            metrics: metrics.len(),
        }),
    }
}

fn mean(sum: u64, count: usize) -> f64 {
    if count == 0 {
        1.0
    } else {
        sum as f64 / count as f64
    }
}

fn left_out(metrics: &[MetricColumn], columns: &[Option<Vec<u32>>]) -> Vec<String> {
    let pairs = metrics.iter().zip(columns);
    pairs
        .filter(|(_, ranks)| ranks.is_none())
        .map(|(metric, _)| metric.name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Direction::{HigherIsBetter, LowerIsBetter};

    fn metrics() -> Vec<MetricColumn> {
        vec![
            MetricColumn::new("dsc", HigherIsBetter),
            MetricColumn::new("ia", HigherIsBetter),
            MetricColumn::new("time", LowerIsBetter),
        ]
    }

    fn entry(id: &'static str, values: [Option<f64>; 3]) -> Entry<&'static str> {
        Entry {
            id,
            values: values.to_vec(),
        }
    }

    fn summary<'a>(table: &Table<&'a str>) -> Vec<(&'a str, Vec<u32>, f64, u32)> {
        let row = |row: &Row<&'a str>| {
            let ranks = row.ranks.iter().flatten().copied().collect();
            (row.id, ranks, row.mean_rank, row.final_rank)
        };
        table.rows.iter().map(row).collect()
    }

    #[test]
    fn a_board_worked_out_by_hand() {
        let table = rank_table(
            &metrics(),
            &[
                entry("slow", [Some(0.8), Some(0.7), Some(90.0)]),
                entry("best", [Some(0.9), Some(0.7), Some(10.0)]),
                entry("fast", [Some(0.8), Some(0.1), Some(5.0)]),
                entry("none", [Some(0.2), Some(0.6), None]),
            ],
        )
        .unwrap();

        assert!(table.left_out.is_empty());
        assert_eq!(
            summary(&table),
            [
                ("best", vec![1, 1, 2], 4.0 / 3.0, 1),
                ("slow", vec![2, 1, 3], 2.0, 2),
                ("fast", vec![2, 4, 1], 7.0 / 3.0, 3),
                ("none", vec![4, 3, 4], 11.0 / 3.0, 4),
            ]
        );
    }

    #[test]
    fn a_metric_that_nobody_has_is_left_out_and_told() {
        let table = rank_table(
            &metrics(),
            &[
                entry("a", [Some(0.5), Some(0.5), None]),
                entry("b", [Some(0.6), Some(0.6), Some(f64::NAN)]),
            ],
        )
        .unwrap();

        assert_eq!(table.left_out, ["time"]);
        assert_eq!(table.rows[0].ranks, [Some(1), Some(1), None]);
        assert_eq!(summary(&table)[1], ("a", vec![2, 2], 2.0, 2));
    }

    #[test]
    fn equal_means_tie_keep_their_order_and_leave_a_gap() {
        let table = rank_table(
            &metrics(),
            &[
                entry("last", [Some(0.1), Some(0.1), Some(9.0)]),
                entry("x", [Some(0.9), Some(0.8), Some(3.0)]),
                entry("y", [Some(0.8), Some(0.7), Some(1.0)]),
                entry("z", [Some(0.7), Some(0.9), Some(2.0)]),
            ],
        )
        .unwrap();

        let finals: Vec<_> = table
            .rows
            .iter()
            .map(|row| (row.id, row.final_rank))
            .collect();
        assert_eq!(finals, [("x", 1), ("y", 1), ("z", 1), ("last", 4)]);
    }

    #[test]
    fn without_a_metric_all_entries_tie() {
        let table =
            rank_table(&metrics(), &[entry("a", [None; 3]), entry("b", [None; 3])]).unwrap();
        assert_eq!(table.left_out, ["dsc", "ia", "time"]);
        assert_eq!(
            summary(&table),
            [("a", vec![], 1.0, 1), ("b", vec![], 1.0, 1)]
        );

        let empty = rank_table::<&str>(&metrics(), &[]).unwrap();
        assert!(empty.rows.is_empty());
    }

    #[test]
    fn values_that_do_not_line_up_are_refused() {
        let entries = [
            entry("a", [None; 3]),
            Entry {
                id: "b",
                values: vec![Some(1.0)],
            },
        ];
        let error = rank_table(&metrics(), &entries).unwrap_err();
        assert_eq!(
            error,
            Error::Values {
                entry: 1,
                values: 1,
                metrics: 3
            }
        );
    }

    fn board() -> impl Strategy<Value = Vec<Entry<usize>>> {
        let value = prop::option::of((0i8..5).prop_map(f64::from));
        let values = prop::collection::vec(prop::collection::vec(value, 3), 0..10);
        values.prop_map(|rows| {
            rows.into_iter()
                .enumerate()
                .map(|(id, values)| Entry { id, values })
                .collect()
        })
    }

    fn by_id(table: Table<usize>) -> Vec<Row<usize>> {
        let mut rows = table.rows;
        rows.sort_by_key(|row| row.id);
        rows
    }

    proptest! {
        #[test]
        fn the_order_of_the_entries_changes_no_rank(
            (given, shuffled) in board().prop_flat_map(|b| (Just(b.clone()), Just(b).prop_shuffle()))
        ) {
            let given = rank_table(&metrics(), &given).unwrap();
            let shuffled = rank_table(&metrics(), &shuffled).unwrap();
            prop_assert_eq!(by_id(given), by_id(shuffled));
        }

        #[test]
        fn a_monotone_transform_changes_no_row(entries in board()) {
            let mut raised = entries.clone();
            for value in raised.iter_mut().flat_map(|entry| entry.values.iter_mut()) {
                *value = value.map(|v| v.exp() - 3.0);
            }
            let table = rank_table(&metrics(), &entries).unwrap();
            prop_assert_eq!(table, rank_table(&metrics(), &raised).unwrap());
        }

        #[test]
        fn a_lower_mean_is_a_better_final_rank(entries in board()) {
            let rows = rank_table(&metrics(), &entries).unwrap().rows;
            for (a, b) in rows.iter().zip(rows.iter().skip(1)) {
                prop_assert!(a.final_rank <= b.final_rank);
                prop_assert_eq!(a.final_rank == b.final_rank, a.mean_rank == b.mean_rank);
                prop_assert_eq!(a.final_rank < b.final_rank, a.mean_rank < b.mean_rank);
            }
        }
    }
}
