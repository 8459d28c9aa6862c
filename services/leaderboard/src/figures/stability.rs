//! How sure the ranks are, from values per case. Plain data in and out; takes seconds where teams are many.

use molar_domain::PhaseId;
use molar_ranking::{
    Aggregate, DRAWS, Direction, Draws, Error, Missing, Rule, Scheme, Scores, Test, bootstrap,
    significance,
};
use sha2::{Digest, Sha256};

/// Teams that are tested against each other: nobody reads a larger map.
const MAPPED: usize = 150;

/// By one metric the value of each team in each case. A case without a value counts for nobody.
#[derive(Debug, Clone)]
pub struct Measured<'a> {
    pub direction: Direction,
    /// Best team first.
    pub rows: &'a [Vec<Option<f64>>],
}

/// Teams are in the order in which they were given.
#[derive(Debug, Clone)]
pub struct Sureness {
    pub teams: Vec<Drawn>,
    /// Of the first teams: `adjusted[row][column]` says how likely `row` is better than `column` by chance, by the first
    /// metric.
    pub adjusted: Vec<Vec<Option<f64>>>,
    /// By each of [`SCHEMES`] the rank of each team.
    pub schemes: Vec<Vec<Option<f64>>>,
}

/// The ranks of one team over all draws.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub counts: Vec<(f64, usize)>,
    pub unranked: usize,
    pub median: Option<f64>,
    pub interval: Option<(f64, f64)>,
}

/// Of the tests.
pub const ALPHA: f64 = 0.05;

/// In which the teams can be ranked; the first is the board's.
pub const SCHEMES: [&str; 5] = [
    "mean, then rank",
    "median, then rank",
    "rank, then mean",
    "rank, then median",
    "test, then rank",
];

/// Draws the cases anew and ranks each time, as the board does. Without two teams, two cases and a metric there is
/// nothing to be sure of.
pub fn sureness(metrics: &[Measured<'_>], seed: u64) -> Result<Option<Sureness>, Error> {
    let Some(first) = metrics.first() else {
        return Ok(None);
    };
    let cases = first.rows.first().map_or(0, Vec::len);
    if first.rows.len() < 2 || cases < 2 {
        return Ok(None);
    }
    let scores = metrics.iter().map(|metric| scores(metric, metric.rows));
    let scores = scores.collect::<Result<Vec<_>, _>>()?;
    let found = bootstrap(
        &Rule::default(),
        &scores,
        &Draws::seeded(seed, DRAWS, cases)?,
    )?;
    let teams = (0..first.rows.len()).map(|team| {
        let ranks = found.distribution(team);
        Drawn {
            counts: ranks.counts(),
            unranked: ranks.unranked(),
            median: ranks.median(),
            interval: ranks.interval(0.95),
        }
    });
    Ok(Some(Sureness {
        teams: teams.collect(),
        adjusted: adjusted(first)?,
        schemes: schemes(&scores)?,
    }))
}

fn scores(metric: &Measured<'_>, rows: &[Vec<Option<f64>>]) -> Result<Scores, Error> {
    Scores::new(metric.direction, Missing::Excluded, rows)
}

fn test() -> Test {
    Test {
        alpha: ALPHA,
        ..Test::default()
    }
}

fn adjusted(metric: &Measured<'_>) -> Result<Vec<Vec<Option<f64>>>, Error> {
    let mapped = &metric.rows[..metric.rows.len().min(MAPPED)];
    let map = significance(&test(), &scores(metric, mapped)?)?;
    let teams = 0..map.entries();
    let row = |row: usize| {
        let columns = teams.clone();
        columns.map(|column| map.adjusted(row, column)).collect()
    };
    Ok(teams.clone().map(row).collect())
}

fn schemes(scores: &[Scores]) -> Result<Vec<Vec<Option<f64>>>, Error> {
    let all: [Scheme; SCHEMES.len()] = [
        Scheme::AggregateThenRank(Aggregate::Mean),
        Scheme::AggregateThenRank(Aggregate::Median),
        Scheme::RankThenAggregate(Aggregate::Mean),
        Scheme::RankThenAggregate(Aggregate::Median),
        Scheme::TestThenRank(test()),
    ];
    let ranks = all.into_iter().map(|scheme| {
        let rule = Rule {
            scheme,
            ..Rule::default()
        };
        Ok(rule.rank(scores)?.ranks)
    });
    ranks.collect()
}

/// Of the draws for a version of a phase's ranking, so that whoever draws again sees the same: the first 13 hexadecimal
/// digits of the SHA-256 of `PHASE_ID/VERSION`.
pub fn seed(phase_id: PhaseId, version: i32) -> u64 {
    let digest = Sha256::digest(format!("{phase_id}/{version}"));
    let first = digest.iter().take(7);
    first.fold(0, |seed, byte| (seed << 8) | u64::from(*byte)) >> 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_what_the_shell_makes_of_phase_and_version() {
        let phase: PhaseId = "0192f3a0-0000-7000-8000-000000000001".parse().unwrap();
        assert_eq!(seed(phase, 7), 0x2_0fba_0b7f_f66f);
    }

    #[test]
    fn who_is_better_in_every_case_is_first_in_every_draw_and_one_team_is_not_drawn() {
        let better: Vec<_> = (0..8)
            .map(|case| Some(0.9 + f64::from(case) / 100.0))
            .collect();
        let worse: Vec<_> = (0..8)
            .map(|case| Some(0.5 + f64::from(case) / 90.0))
            .collect();
        let rows = [better, worse];
        let metric = |rows| Measured {
            direction: Direction::HigherIsBetter,
            rows,
        };
        let found = sureness(&[metric(&rows)], 1).unwrap().unwrap();
        assert_eq!(found.teams[0].counts, [(1.0, DRAWS)]);
        assert_eq!(found.teams[1].interval, Some((2.0, 2.0)));
        assert!(found.adjusted[0][1].unwrap() < ALPHA && found.adjusted[0][0].is_none());
        assert_eq!(found.schemes, [[Some(1.0), Some(2.0)]; 5]);
        assert!(sureness(&[metric(&rows[..1])], 1).unwrap().is_none());
        assert!(
            sureness(&[metric(&[vec![Some(1.0)], vec![None]])], 1)
                .unwrap()
                .is_none()
        );
        assert!(sureness(&[], 1).unwrap().is_none());
    }
}
