//! The same once more, from nothing but the scores per case.

use std::collections::BTreeMap;

use molar_ranking::{MetricColumn, Table, rank_table};
use uuid::Uuid;

use super::content::Found;
use super::scores::{Metric, Scores};
use crate::entries::{means, spreads};
use crate::spread::Spread;
use crate::statistics::compute;

/// By metric.
type By<T> = BTreeMap<String, T>;

/// What an entry's cases come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub values: By<Option<f64>>,
    pub spreads: By<Spread>,
    pub cases: usize,
    pub failed_cases: usize,
}

pub fn measured(scores: &Scores, entry: usize) -> Measured {
    let names: Vec<String> = scores
        .metrics
        .iter()
        .map(|metric| metric.name.clone())
        .collect();
    let cases = scores.values(entry);
    let spreads = spreads(&names, &cases).into_iter();
    let scored = scores.entries[entry].iter().flatten();
    Measured {
        values: means(&names, &cases),
        spreads: spreads
            .filter_map(|(name, spread)| Some((name, spread?)))
            .collect(),
        cases: cases.len(),
        failed_cases: scored.filter(|case| case.is_failed).count(),
    }
}

/// Where an entry stands among those that compete.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Place {
    pub rank: Option<u32>,
    pub mean_rank: Option<f64>,
    pub ranks: By<Option<u32>>,
}

pub struct Places {
    /// One for each entry; of those that do not compete none has a rank.
    pub places: Vec<Place>,
    pub left_out: Vec<String>,
}

/// By these metrics, in their order.
pub fn places(
    metrics: &[Metric],
    measured: &[Measured],
    competes: &[bool],
) -> Result<Places, molar_ranking::Error> {
    let columns: Vec<MetricColumn> = metrics
        .iter()
        .map(|metric| MetricColumn::new(metric.name.clone(), metric.direction))
        .collect();
    let values = |at: usize| {
        metrics
            .iter()
            .map(|metric| measured[at].values.get(&metric.name).copied().flatten())
            .collect()
    };
    let competing = (0..measured.len()).filter(|&at| competes[at]);
    let entries: Vec<_> = competing
        .map(|at| molar_ranking::Entry {
            id: at,
            values: values(at),
        })
        .collect();
    let table = rank_table(&columns, &entries)?;
    Ok(Places {
        places: placed(&table, metrics, measured.len()),
        left_out: table.left_out,
    })
}

fn placed(table: &Table<usize>, metrics: &[Metric], entries: usize) -> Vec<Place> {
    let mut places = vec![Place::default(); entries];
    for row in &table.rows {
        let names = metrics.iter().map(|metric| metric.name.clone());
        places[row.id] = Place {
            rank: Some(row.final_rank),
            mean_rank: Some(row.mean_rank),
            ranks: names.zip(row.ranks.iter().copied()).collect(),
        };
    }
    places
}

/// Statistics of entries with these ranks.
pub fn found(
    scores: &Scores,
    ranks: &[Option<u32>],
    seed: u64,
    draws: usize,
) -> Result<Found, molar_ranking::Error> {
    let document = compute(&scores.scored(ranks), seed, draws)?;
    let teams = ranks.iter().enumerate().filter(|(_, rank)| rank.is_some());
    let teams: Vec<(Uuid, usize)> = teams
        .map(|(at, _)| (Uuid::from_u128(at as u128), at + 1))
        .collect();
    Ok(Found::of(&document, &teams))
}
