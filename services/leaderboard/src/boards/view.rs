//! A board as callers get it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_domain::board::BoardRules;
use molar_domain::phase::PhaseState;
use serde::Serialize;

use super::movement::Movement;
use super::sight::Sight;
use crate::rows::disqualified::Disqualified;
use crate::rows::intervals::{Interval, Intervals};
use crate::spread::Spread;

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Column {
    /// As in the challenge file: `image_DSC`, `running_time_s` …
    pub name: String,
    pub title: String,
    pub is_higher_better: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
}

/// What the board does not tell is absent, not null.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Row {
    /// Absent out of competition.
    pub rank: Option<i32>,
    /// In 95 % of the draws of the cases its rank lies between these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Against the day before, where a ranking stood then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<Movement>,
    /// On an anonymous board its pseudonym.
    pub team: String,
    /// Mean over the cases by metric; null where it was not measured.
    pub values: BTreeMap<String, Option<f64>>,
    /// Around the means, where there are two cases or more; of what a run used to a tenth of a second and a whole MiB·s,
    /// but to organizers and reviewers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub spreads: BTreeMap<String, Spread>,
    /// By metric; of rounded values those of what is shown.
    pub ranks: BTreeMap<String, Option<u32>>,
    /// Over the baseline that was asked for, in percentage points; above zero is better.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gains: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_rank: Option<f64>,
    /// Of the team that were scored and not withdrawn when this version was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submissions: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cases: Option<i32>,
    /// Cases that failed and were given the worst values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_cases: Option<i32>,
    /// Why the entry is out of competition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_url: Option<String>,
    /// Told to the team itself and to organizers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<uuid::Uuid>,
    #[serde(skip)]
    pub is_mine: bool,
    /// By which statistics find its name, and never told.
    #[serde(skip)]
    pub team_id: uuid::Uuid,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct BaselineRow {
    pub team: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub values: BTreeMap<String, Option<f64>>,
}

/// Of which ranking intervals are.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct IntervalsOf {
    pub version: i32,
    pub as_of: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Board {
    pub phase_id: uuid::Uuid,
    pub challenge: String,
    pub track: String,
    pub phase: String,
    pub title: String,
    #[schema(value_type = String)]
    pub state: PhaseState,
    /// Ranks may still move: the phase has not ended, or work of it is left.
    pub is_preliminary: bool,
    /// Of the challenge, such as "demo limits".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why rows are missing, where they are hidden from this caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<&'static str>,
    /// What the board shows of names and values; to organizers and reviewers it shows all.
    #[schema(value_type = Object)]
    pub rules: BoardRules,
    /// Since when the board stands still for this caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen_at: Option<DateTime<Utc>>,
    pub device_class: String,
    /// On which the entries were measured: GPU with driver and CUDA, CPU, cores of a slot.
    pub machines: Vec<String>,
    pub metrics: Vec<Column>,
    /// Metrics that no entry has; they do not count in the mean rank.
    pub left_out: Vec<String>,
    pub rows: Vec<Row>,
    pub baselines: Vec<BaselineRow>,
    /// Over which the gains are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// Teams whose entries were taken off, where the organizers made it public.
    pub disqualified: Vec<Disqualified>,
    /// As of when the board is read, where that is not now: at the moment that was asked for, or since it stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<DateTime<Utc>>,
    /// Version of the ranking; absent before the first, and where values or names are not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_at: Option<DateTime<Utc>>,
    /// From which version and when the intervals were made, which is at most once a minute; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervals: Option<IntervalsOf>,
    /// What this caller may see, by which pages choose their columns.
    #[serde(skip)]
    pub sight: Sight,
}

impl Board {
    /// Puts each interval at its row, if more is told of that than a rank.
    pub fn set_intervals(&mut self, found: &Intervals) {
        for row in &mut self.rows {
            let is_told = row.submitted_at.is_some() && row.rank.is_some();
            let interval = found.of_teams.get(&row.team_id).filter(|_| is_told);
            row.interval = interval.copied();
        }
        let has_any = self.rows.iter().any(|row| row.interval.is_some());
        self.intervals = has_any.then_some(IntervalsOf {
            version: found.version,
            as_of: found.computed_at,
        });
    }

    /// Rows of which more is told than a rank, where the board tells details: those of teams that have their place.
    pub fn told_rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.submitted_at.is_some())
    }

    /// What everybody sees of it who may see as much: without what was asked for, and without what a team finds at its
    /// own row.
    pub fn common(&self) -> Self {
        let mut common = self.clone();
        common.baseline = None;
        for row in &mut common.rows {
            row.gains.clear();
            row.submission_id = None;
        }
        common
    }

    /// Metrics that have columns.
    pub fn shown_metrics(&self) -> &[Column] {
        match self.sight.has_values() {
            true => &self.metrics,
            false => &[],
        }
    }
}
