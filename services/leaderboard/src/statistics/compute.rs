//! From values per case to how sure the ranks are. Pure numbers; takes seconds where teams are many.

use molar_ranking::{
    Aggregate, Bootstrap, Draws, Error, Missing, RankDistribution, Rule, Scheme, Scores,
    Significance, Test, Ties, bootstrap, consensus, significance,
};

use super::document::{
    Document, Figures, Interval, LeftOut, MetricFigures, RankCount, SchemeFigures, Standing, Team,
};
use super::scored::{Cell, Ranked, Scored, Values};
use crate::entries::is_of_group;

/// Of the intervals.
pub const LEVEL: f64 = 0.95;
/// Of the tests, for all pairs together.
pub const ALPHA: f64 = 0.05;

/// Teams on the significance map: nobody reads a larger one.
const MAPPED: usize = 150;
/// Teams that are tested in pairs, all against all: of 1,000 with nine metrics that takes a minute, all else four seconds.
const TESTED: usize = 300;

/// Draws cases and ranks anew each time, as the board does: by the mean rank over the metrics that some ranked team has in
/// every case; who lacks one of its cases is last in it.
pub fn compute(scored: &Scored, seed: u64, draws: usize) -> Result<Document, Error> {
    let (counted, left_out) = counted(scored);
    let figures = Figures {
        cases: scored.cases,
        left_out,
        ..Figures::default()
    };
    if let Some(why) = undrawn(scored, &counted) {
        return Ok(board_only(scored, figures, why));
    }
    let teams = scored.teams.len();
    let scores = |teams: usize| {
        let each = counted.iter().map(|values| scores(values, teams));
        each.collect::<Result<Vec<_>, _>>()
    };
    let maps = scores(mapped(scored))?;
    let maps = maps.iter().map(|scores| significance(&test(), scores));
    let maps = maps.collect::<Result<Vec<_>, _>>()?;
    let scores = scores(teams)?;
    let draws = Draws::seeded(seed, draws, scored.cases)?;
    let found = bootstrap(&Rule::default(), &scores, &draws)?;
    let (schemes, consensus) = schemes(&scores)?;
    let teams = scored.teams.iter().enumerate();
    let is_same = |(at, team): (usize, &Ranked)| whole(found.full.ranks[at]) == Some(team.rank);
    Ok(Document {
        figures: Figures {
            metrics: metrics(&counted, &maps, &found)?,
            is_board_ranking: teams.clone().all(is_same),
            mean_tau: found.mean_tau(),
            schemes,
            consensus,
            adjusted_p: adjusted_p(&maps[0]),
            ..figures
        },
        teams: teams
            .map(|(at, team)| Team {
                team_id: team.team_id,
                standing: standing(team.rank, found.full.ranks[at], &found.distribution(at)),
            })
            .collect(),
    })
}

fn counted(scored: &Scored) -> (Vec<&Values>, Vec<LeftOut>) {
    let (mut counted, mut left_out) = (Vec::new(), Vec::new());
    for values in &scored.metrics {
        match why_left_out(values) {
            None => counted.push(values),
            Some(reason) => left_out.push(LeftOut {
                metric: values.name.clone(),
                reason: reason.to_owned(),
            }),
        }
    }
    (counted, left_out)
}

/// As on the board: a metric that nobody has in every case does not count, and who lacks it in one is last in it.
fn why_left_out(values: &Values) -> Option<&'static str> {
    if !values.is_measured() {
        Some("no ranked team has it")
    } else if !values.rows.iter().any(|row| is_whole(row)) {
        Some("no ranked team has it in every case")
    } else if is_of_group(&values.name) && !values.rows.iter().all(|row| is_whole(row)) {
        // Its cases without the group are missing as well, and count for nobody: nothing is left to rank such a team last.
        Some("not every ranked team has it in every case")
    } else {
        None
    }
}

/// Whether the board has a mean of it.
fn is_whole(row: &[Cell]) -> bool {
    let has_value = row.iter().any(|cell| matches!(cell, Cell::Value(_)));
    has_value && !row.contains(&Cell::Missing)
}

fn undrawn(scored: &Scored, counted: &[&Values]) -> Option<&'static str> {
    if scored.teams.is_empty() {
        Some("no team is ranked")
    } else if scored.cases == 0 {
        Some("no case is scored")
    } else if counted.is_empty() {
        Some("there is no metric that a ranked team has in every case")
    } else {
        None
    }
}

fn board_only(scored: &Scored, figures: Figures, why: &str) -> Document {
    let teams = scored.teams.iter().map(|team| Team {
        team_id: team.team_id,
        standing: Standing {
            rank: team.rank,
            ..Standing::default()
        },
    });
    Document {
        teams: teams.collect(),
        figures: Figures {
            undrawn: Some(why.to_owned()),
            ..figures
        },
    }
}

/// How many of the best: equals are all on the map or all off it.
fn mapped(scored: &Scored) -> usize {
    let Some(first_off) = scored.teams.get(MAPPED) else {
        return scored.teams.len();
    };
    let is_better = |team: &&Ranked| team.rank < first_off.rank;
    scored.teams.iter().filter(is_better).count()
}

/// Of the first teams. A case that has none of a group's labels counts for nobody. Who lacks a case of another metric has
/// no case of it: with those that are left it would be better off in the draws without that one than on the board.
fn scores(values: &Values, teams: usize) -> Result<Scores, Error> {
    let row = |row: &Vec<Cell>| -> Vec<Option<f64>> {
        let counts = is_whole(row);
        let cells = row.iter().map(|cell| cell.value().filter(|_| counts));
        cells.collect()
    };
    let rows: Vec<_> = values.rows.iter().take(teams).map(row).collect();
    let missing = match is_of_group(&values.name) {
        true => Missing::Excluded,
        false => Missing::Last,
    };
    Scores::new(values.direction, missing, &rows)
}

fn standing(rank: u32, full: Option<f64>, drawn: &RankDistribution) -> Standing {
    let counts = drawn.counts();
    let all: usize = counts.iter().map(|(_, draws)| draws).sum();
    let same = counts.iter().find(|(rank, _)| Some(*rank) == full);
    let same = same.map_or(0, |(_, draws)| *draws);
    Standing {
        rank,
        interval: drawn
            .interval(LEVEL)
            .map(|(from, to)| Interval { from, to }),
        median: drawn.median(),
        stability: (all > 0).then(|| same as f64 / all as f64),
        distribution: counts
            .into_iter()
            .map(|(rank, draws)| RankCount {
                rank: rank as u32,
                draws: draws as u32,
            })
            .collect(),
    }
}

fn metrics(
    counted: &[&Values],
    maps: &[Significance],
    found: &Bootstrap,
) -> Result<Vec<MetricFigures>, Error> {
    let none = vec![None; found.full.ranks.len()];
    let columns = found.full.columns.iter();
    let rankings: Vec<Vec<Option<f64>>> = columns
        .map(|column| column.as_ref().map_or(none.clone(), |c| c.ranks.clone()))
        .collect();
    let agreed = consensus(&rankings, None, Missing::Last, Ties::Min)?;
    let each = counted.iter().zip(maps).zip(rankings).zip(agreed.tau);
    let figures = each.map(|(((values, map), ranks), tau)| MetricFigures {
        name: values.name.clone(),
        ranks: ranks.into_iter().map(whole).collect(),
        tau,
        better_than: better_than(map),
    });
    Ok(figures.collect())
}

fn test() -> Test {
    Test {
        alpha: ALPHA,
        ..Test::default()
    }
}

fn better_than(map: &Significance) -> Vec<Vec<usize>> {
    let teams = 0..map.entries();
    let beaten = |row: usize| {
        let others = teams.clone();
        others
            .filter(|&column| map.is_better(row, column))
            .collect()
    };
    teams.clone().map(beaten).collect()
}

fn adjusted_p(map: &Significance) -> Vec<Vec<Option<f64>>> {
    let teams = 0..map.entries();
    let row = |row: usize| {
        let others = teams.clone();
        others.map(|column| map.adjusted(row, column)).collect()
    };
    teams.clone().map(row).collect()
}

/// Name and title of every scheme there is, the board's first.
fn all_schemes() -> [(&'static str, &'static str, Scheme); 5] {
    use Aggregate::{Mean, Median};
    use Scheme::{AggregateThenRank as Values, RankThenAggregate as Ranks};
    [
        ("mean-then-rank", "Mean, then ranks", Values(Mean)),
        ("median-then-rank", "Median, then ranks", Values(Median)),
        ("rank-then-mean", "Ranks, then mean", Ranks(Mean)),
        ("rank-then-median", "Ranks, then median", Ranks(Median)),
        (
            "test-then-rank",
            "Tests, then ranks",
            Scheme::TestThenRank(test()),
        ),
    ]
}

/// By every scheme that does not take long, and what they agree on.
fn schemes(scores: &[Scores]) -> Result<(Vec<SchemeFigures>, Vec<Option<u32>>), Error> {
    let is_quick = |scheme: &Scheme| {
        !matches!(scheme, Scheme::TestThenRank(_)) || scores[0].entries() <= TESTED
    };
    let all = all_schemes().into_iter();
    let all: Vec<_> = all.filter(|(_, _, scheme)| is_quick(scheme)).collect();
    let mut rankings = Vec::new();
    for (_, _, scheme) in &all {
        let rule = Rule {
            scheme: *scheme,
            ..Rule::default()
        };
        rankings.push(rule.rank(scores)?.ranks);
    }
    let agreed = consensus(&rankings, None, Missing::Last, Ties::Min)?;
    let each = all.iter().zip(rankings).zip(agreed.tau);
    let figures = each.map(|((&(name, title, _), ranks), tau)| SchemeFigures {
        name: name.to_owned(),
        title: title.to_owned(),
        ranks: ranks.into_iter().map(whole).collect(),
        tau,
    });
    Ok((
        figures.collect(),
        agreed.ranks.into_iter().map(whole).collect(),
    ))
}

/// Equals share the better rank, so that every rank is a whole number.
fn whole(rank: Option<f64>) -> Option<u32> {
    rank.map(|rank| rank as u32)
}
