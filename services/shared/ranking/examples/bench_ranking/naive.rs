//! The definitions, draw by draw, as one would write them down.

use molar_ranking::{Aggregate, Draws, Scheme, wilcoxon};
use rayon::prelude::*;

/// By metric, team and case; more is better and nothing is missing.
pub type Values = Vec<Vec<Vec<f64>>>;

/// The final ranks of the first `count` draws.
pub fn ranks(scheme: Scheme, values: &Values, draws: &Draws, count: usize) -> Vec<Vec<f64>> {
    let draw = |at: usize| {
        let cases = draws.draw(at);
        let ranks: Vec<Vec<f64>> = values
            .iter()
            .map(|rows| by_metric(scheme, &drawn(rows, &cases)))
            .collect();
        let sums: Vec<f64> = (0..values[0].len())
            .map(|team| -ranks.iter().map(|ranks| ranks[team]).sum::<f64>())
            .collect();
        best_first(&sums)
    };
    (0..count).into_par_iter().map(draw).collect()
}

fn drawn(rows: &[Vec<f64>], cases: &[usize]) -> Vec<Vec<f64>> {
    rows.iter()
        .map(|row| cases.iter().map(|&case| row[case]).collect())
        .collect()
}

fn by_metric(scheme: Scheme, rows: &[Vec<f64>]) -> Vec<f64> {
    let aggregated = |by, rows: &[Vec<f64>]| {
        rows.iter()
            .map(|row| aggregate(by, row))
            .collect::<Vec<_>>()
    };
    match scheme {
        Scheme::AggregateThenRank(by) => best_first(&aggregated(by, rows)),
        Scheme::RankThenAggregate(by) => {
            let mut ranks = rows.to_vec();
            for case in 0..rows[0].len() {
                let column: Vec<f64> = rows.iter().map(|row| row[case]).collect();
                for (row, rank) in ranks.iter_mut().zip(best_first(&column)) {
                    row[case] = -rank;
                }
            }
            best_first(&aggregated(by, &ranks))
        }
        Scheme::TestThenRank(test) => {
            let p = |left: &[f64], right: &[f64]| {
                wilcoxon(left, right, test.method).map_or(1.0, |found| found.p)
            };
            let wins = |left: usize| {
                let others = (0..rows.len()).filter(|&right| right != left);
                others
                    .filter(|&right| p(&rows[left], &rows[right]) <= test.alpha)
                    .count() as f64
            };
            best_first(&(0..rows.len()).map(wins).collect::<Vec<_>>())
        }
    }
}

fn aggregate(by: Aggregate, row: &[f64]) -> f64 {
    match by {
        Aggregate::Mean => row.iter().sum::<f64>() / row.len() as f64,
        Aggregate::Median => {
            let mut sorted = row.to_vec();
            sorted.sort_by(f64::total_cmp);
            sorted[(row.len() - 1) / 2].midpoint(sorted[row.len() / 2])
        }
    }
}

/// 1 + the number strictly better.
fn best_first(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    values
        .iter()
        .map(|value| 1.0 + sorted.partition_point(|other| other > value) as f64)
        .collect()
}
