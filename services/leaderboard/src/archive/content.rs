//! The documents of an archive, in the order of the board.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_domain::board::BoardRules;
use molar_ranking::Direction;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::scores::{Metric, Scores};
use crate::audit_head::Head;
use crate::rows::disqualified::Disqualified;
use crate::rows::reports::{Agreement, Scorer};
use crate::spread::Spread;
use crate::statistics::{Document, Figures, Standing};

/// All that is in an archive.
pub struct Content {
    pub phase: Phase,
    pub ranking: Ranking,
    pub statistics: Statistics,
    pub scores: Scores,
    pub figures: Vec<Figure>,
    pub agreements: Vec<Agreement>,
    pub participants: Vec<Participant>,
    pub audit_head: Option<Head>,
    /// Of the challenge's page.
    pub url: String,
}

/// What was asked of the entries and how they were ranked.
#[derive(Debug, Clone, Serialize)]
pub struct Phase {
    #[serde(skip_serializing_if = "Edition::is_common")]
    pub edition: Edition,
    /// Draws are seeded from it.
    pub phase_id: Uuid,
    pub challenge: String,
    pub challenge_title: String,
    pub summary: String,
    pub note: Option<String>,
    pub track: String,
    pub track_title: String,
    pub phase: String,
    pub phase_title: String,
    pub kind: String,
    pub format: String,
    pub labels: Vec<i32>,
    pub groups: Value,
    pub pixel_spacing_mm: Option<f64>,
    pub zone: String,
    pub opens_at: DateTime<Utc>,
    pub closes_at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
    pub is_final: bool,
    /// In the order of the columns.
    pub metrics: Vec<MetricFacts>,
    pub ranking: RankingRule,
    pub quota: Value,
    pub limits: Value,
    pub device_class: String,
    /// On which the entries were measured.
    pub machines: Vec<String>,
    pub requires_code_url: bool,
    pub allowed_licences: Vec<String>,
    pub board: BoardRules,
    pub scorers: Vec<Scorer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Edition {
    /// The same for all: nothing was measured on a run.
    Common,
    /// With every value per case.
    Organizers,
    /// Without the values per case of what was measured on a run.
    Public,
}

impl Edition {
    pub fn is_common(&self) -> bool {
        *self == Self::Common
    }

    /// Of the file's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Common => "",
            Self::Organizers => "-organizers",
            Self::Public => "-public",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MetricFacts {
    pub name: String,
    pub title: String,
    pub is_higher_better: bool,
    pub unit: Option<String>,
    /// Whether its values per case are in another edition only; its means are in each.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_withheld: bool,
}

impl MetricFacts {
    pub fn metric(&self) -> Metric {
        Metric {
            name: self.name.clone(),
            direction: match self.is_higher_better {
                true => Direction::HigherIsBetter,
                false => Direction::LowerIsBetter,
            },
        }
    }
}

/// In words, since every phase has the same; which submission is a team's entry differs.
#[derive(Debug, Clone, Serialize)]
pub struct RankingRule {
    pub scheme: &'static str,
    pub ties: &'static str,
    pub missing: &'static str,
    pub keep: String,
    pub keep_metric: Option<String>,
}

impl Default for RankingRule {
    fn default() -> Self {
        Self {
            scheme: "mean over the cases, then ranks by each metric, then ranks by the mean of those ranks",
            ties: "equals share the better rank",
            missing: "who lacks a metric that somebody has is last in it; one that nobody has does not count; a failed case \
                      has the worst values",
            keep: String::new(),
            keep_metric: None,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ranking {
    pub version: i32,
    pub made_at: DateTime<Utc>,
    /// Metrics that no ranked entry has; they do not count in the mean rank.
    pub left_out: Vec<String>,
    pub entries: Vec<Entry>,
    #[serde(default, skip_deserializing)]
    pub disqualified: Vec<Disqualified>,
    #[serde(default, skip_deserializing)]
    pub baselines: Vec<Baseline>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in this list, from 1, by which tables name it.
    pub entry: usize,
    pub team: String,
    /// Absent out of competition.
    pub rank: Option<u32>,
    pub mean_rank: Option<f64>,
    pub values: BTreeMap<String, Option<f64>>,
    pub spreads: BTreeMap<String, Spread>,
    pub ranks: BTreeMap<String, Option<u32>>,
    pub cases: usize,
    pub failed_cases: usize,
    pub submissions: Option<i32>,
    pub submitted_at: Option<DateTime<Utc>>,
    pub out_reason: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Baseline {
    pub name: String,
    pub note: Option<String>,
    pub values: BTreeMap<String, Option<f64>>,
}

/// How sure the ranks are. Lists in `figures` are in the order of `teams`, places count from 0.
#[derive(Debug, Clone, Serialize)]
pub struct Statistics {
    pub version: i32,
    pub as_of: DateTime<Utc>,
    pub seed: i64,
    pub draws: i32,
    pub library: String,
    pub level: f64,
    pub alpha: f64,
    #[serde(flatten)]
    pub found: Found,
}

/// What follows from scores, seed and draws alone.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    pub teams: Vec<TeamFound>,
    #[serde(flatten)]
    pub figures: Figures,
}

#[derive(Debug, Clone, Serialize)]
pub struct TeamFound {
    pub entry: usize,
    #[serde(flatten)]
    pub standing: Standing,
}

impl Found {
    /// `teams` are those of the document in the order in which they are shown, each with its entry's number.
    pub fn of(document: &Document, teams: &[(Uuid, usize)]) -> Self {
        let places = document.places(teams.iter().map(|(id, _)| *id));
        let entries: BTreeMap<Uuid, usize> = teams.iter().copied().collect();
        let team = |&place: &usize| {
            let team = &document.teams[place];
            TeamFound {
                entry: entries[&team.team_id],
                standing: team.standing.clone(),
            }
        };
        Self {
            teams: places.iter().map(team).collect(),
            figures: document.figures.of(&places),
        }
    }
}

pub struct Figure {
    pub name: String,
    pub title: String,
    pub svg: String,
}

pub struct Participant {
    pub team: String,
    pub code_url: Option<String>,
    pub licence: Option<String>,
}
