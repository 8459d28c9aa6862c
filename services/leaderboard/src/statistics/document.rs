//! The statistics of one version of a ranking, as they are kept and as they are shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::rows::intervals::Interval;
use crate::rows::intervals::OfTeams;

/// As it is kept. Teams stand in the order of their ranks; lists in `figures` are in the order of the teams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    pub teams: Vec<Team>,
    pub figures: Figures,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Team {
    pub team_id: Uuid,
    #[serde(flatten)]
    pub standing: Standing,
}

/// How sure a team's rank is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Standing {
    /// On the board.
    pub rank: u32,
    /// Between these is its rank in 95 % of the draws (percentiles 2.5 and 97.5).
    pub interval: Option<Interval>,
    /// Of its ranks in the draws.
    pub median: Option<f64>,
    /// The share of the draws in which it has the rank that it has over all cases.
    pub stability: Option<f64>,
    /// Each rank that it has in some draw, best first.
    pub distribution: Vec<RankCount>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RankCount {
    pub rank: u32,
    pub draws: u32,
}

/// Lists are in the order of the teams; teams are named by their place in it, from 0.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Figures {
    /// Over which it was drawn.
    pub cases: usize,
    /// Why there are only the ranks of the board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undrawn: Option<String>,
    /// Those that count here: some ranked team has them in every case.
    pub metrics: Vec<MetricFigures>,
    pub left_out: Vec<LeftOut>,
    /// Whether the ranks over all cases by `metrics` are those of the board; not where a metric is left out here that
    /// counts there.
    pub is_board_ranking: bool,
    /// Mean of Kendall's tau-b of the ranks of each draw against those over all cases. Absent where all tie.
    pub mean_tau: Option<f64>,
    /// The same entries ranked in other ways; the first is the way of the board. `test-then-rank` is of 300 teams at most.
    pub schemes: Vec<SchemeFigures>,
    /// Ranks by the mean of the ranks in all schemes.
    pub consensus: Vec<Option<u32>>,
    /// One-sided p-values by the first of `metrics`, adjusted for their number (Holm): row better than column. Absent
    /// between a team and itself. Of the best 150 teams at most, as `better_than`.
    pub adjusted_p: Vec<Vec<Option<f64>>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MetricFigures {
    pub name: String,
    pub ranks: Vec<Option<u32>>,
    /// Kendall's tau-b of these ranks against those by all metrics.
    pub tau: Option<f64>,
    /// Of each team on the map those that it is significantly better than.
    pub better_than: Vec<Vec<usize>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SchemeFigures {
    /// Such as `mean-then-rank`.
    pub name: String,
    pub title: String,
    pub ranks: Vec<Option<u32>>,
    /// Kendall's tau-b of these ranks against the consensus of all schemes.
    pub tau: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LeftOut {
    pub metric: String,
    pub reason: String,
}

impl Document {
    /// Those of the ranks, as a board shows them: none where not all that the board ranks by could be drawn, for then they
    /// are of another ranking.
    pub fn intervals(&self) -> OfTeams {
        if !self.figures.is_board_ranking {
            return OfTeams::new();
        }
        let teams = self.teams.iter();
        let intervals = teams.filter_map(|team| Some((team.team_id, team.standing.interval?)));
        intervals.collect()
    }

    /// The places of those of `teams` that are in it, in their order.
    pub fn places(&self, teams: impl Iterator<Item = Uuid>) -> Vec<usize> {
        let places = self.teams.iter().zip(0..);
        let places: BTreeMap<Uuid, usize> = places.map(|(team, at)| (team.team_id, at)).collect();
        teams
            .filter_map(|team| places.get(&team).copied())
            .collect()
    }
}

impl Figures {
    /// Of the teams at `places` only, in that order: nothing tells how many others there are, or in which order they are
    /// kept. Places are in the order of ranks, since a map is of the best.
    pub fn of(&self, places: &[usize]) -> Self {
        let now: BTreeMap<usize, usize> = places.iter().copied().zip(0..).collect();
        let better_than = |before: &[Vec<usize>]| -> Vec<Vec<usize>> {
            let rows = picked(before, places).into_iter();
            rows.map(|row| {
                let mut row: Vec<usize> =
                    row.iter().filter_map(|at| now.get(at).copied()).collect();
                row.sort_unstable();
                row
            })
            .collect()
        };
        let metric = |metric: &MetricFigures| MetricFigures {
            ranks: picked(&metric.ranks, places),
            better_than: better_than(&metric.better_than),
            ..metric.clone()
        };
        let scheme = |scheme: &SchemeFigures| SchemeFigures {
            ranks: picked(&scheme.ranks, places),
            ..scheme.clone()
        };
        let adjusted_p = picked(&self.adjusted_p, places).into_iter();
        Self {
            metrics: self.metrics.iter().map(metric).collect(),
            schemes: self.schemes.iter().map(scheme).collect(),
            consensus: picked(&self.consensus, places),
            adjusted_p: adjusted_p.map(|row| picked(&row, places)).collect(),
            ..self.clone()
        }
    }
}

/// Nothing of a list that is empty because nothing was drawn.
fn picked<T: Clone>(list: &[T], places: &[usize]) -> Vec<T> {
    places
        .iter()
        .filter_map(|&at| list.get(at).cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_teams_are_in_no_list_and_places_are_those_of_what_is_shown() {
        let ranks = vec![Some(1), Some(2), Some(3)];
        let all = Figures {
            cases: 5,
            metrics: vec![MetricFigures {
                name: "IA".to_owned(),
                ranks: ranks.clone(),
                tau: Some(1.0),
                better_than: vec![vec![1, 2], vec![2], vec![]],
            }],
            schemes: vec![SchemeFigures {
                name: "mean-then-rank".to_owned(),
                title: "Mean, then ranks".to_owned(),
                ranks: ranks.clone(),
                tau: None,
            }],
            consensus: ranks,
            adjusted_p: vec![
                vec![None, Some(0.1), Some(0.2)],
                vec![Some(0.3), None, Some(0.4)],
                vec![Some(0.5), Some(0.6), None],
            ],
            ..Figures::default()
        };
        let shown = all.of(&[2, 0]);
        assert_eq!(shown.metrics[0].ranks, [Some(3), Some(1)]);
        assert_eq!(shown.metrics[0].better_than, [vec![], vec![0]]);
        assert_eq!(shown.schemes[0].ranks, [Some(3), Some(1)]);
        assert_eq!(shown.consensus, [Some(3), Some(1)]);
        assert_eq!(shown.adjusted_p, [[None, Some(0.5)], [Some(0.2), None]]);
        assert_eq!(shown.cases, 5);
        assert!(Figures::default().of(&[0, 1]).consensus.is_empty());
    }

    #[test]
    fn a_document_is_read_back_as_it_was_written() {
        let kept = Document {
            teams: vec![Team {
                team_id: Uuid::from_u128(1),
                standing: Standing {
                    rank: 1,
                    interval: Some(Interval { from: 1.0, to: 1.5 }),
                    median: Some(1.0),
                    stability: Some(0.1 + 0.2),
                    distribution: vec![RankCount { rank: 1, draws: 3 }],
                },
            }],
            figures: Figures::default(),
        };
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<Document>(&text).unwrap(), kept);
        let unknown = kept.places([Uuid::from_u128(2), Uuid::from_u128(1)].into_iter());
        assert_eq!(unknown, [0]);
    }
}
