//! What a caller may see of a board.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_domain::metric::Metric;
use molar_domain::phase::{PhaseState, Visibility, board_moment, shows_scores};
use molar_domain::{SubmissionId, TeamId};
use molar_web_kit::Caller;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;

use crate::error::Error;
use crate::rows::disqualified::{self, Disqualified};
use crate::rows::phases::{self, Phase};
use crate::rows::rankings;

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Column {
    /// As in the challenge file: `image_DSC`, `running_time_s` …
    pub name: String,
    pub title: String,
    pub is_higher_better: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Row {
    /// Absent out of competition.
    pub rank: Option<i32>,
    pub team: String,
    /// Mean over the cases by metric; absent where it was not measured.
    pub values: BTreeMap<String, Option<f64>>,
    pub ranks: BTreeMap<String, Option<u32>>,
    pub mean_rank: Option<f64>,
    pub submitted_at: DateTime<Utc>,
    pub cases: i32,
    /// Cases that failed and were given the worst values.
    pub failed_cases: i32,
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
    /// Teams whose entries were taken off, where the organizers made it public.
    pub disqualified: Vec<Disqualified>,
    /// Version of the ranking; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_at: Option<DateTime<Utc>>,
}

const FOR_PARTICIPANTS: &str =
    "This board is for the teams of the track. Sign in as a member of one.";

const HIDDEN: &str = "The scores of this phase are shown when the organizers publish it.";

/// The board as `caller` may see it, now or as it was at a past moment.
///
/// Of a final phase that is not published only its organizers and reviewers see rows: no value, no
/// count and no time of an entry is told to anybody else.
pub async fn see(
    db: &PgPool,
    phase: Phase,
    caller: Option<&Caller>,
    now: DateTime<Utc>,
    moment: Option<DateTime<Utc>>,
) -> Result<Board, Error> {
    let is_reviewer = caller.is_some_and(|caller| caller.may_review(phase.challenge_id));
    if !phase.visibility.shows_phase(is_reviewer) {
        return Err(sqlx::Error::RowNotFound.into());
    }
    let hidden = hidden(db, &phase, caller, is_reviewer).await?;
    let is_past_freeze_seen = is_reviewer || phase.window.is_published;
    let frozen_at = phase
        .freezes_at
        .filter(|at| *at <= now && !is_past_freeze_seen);
    let moment = board_moment(phase.freezes_at, is_past_freeze_seen, now, moment);
    let state = phases::state(db, &phase, now).await?;
    let mut board = Board {
        phase_id: phase.id.0,
        challenge: phase.challenge_slug.clone(),
        track: phase.track_slug.clone(),
        phase: phase.slug.clone(),
        title: format!("{}: {}", phase.track_title, phase.title),
        state,
        is_preliminary: !matches!(state, PhaseState::Closed | PhaseState::Published),
        note: phase.challenge_note.clone(),
        hidden,
        frozen_at,
        device_class: phase.device_class.clone(),
        machines: Vec::new(),
        metrics: columns(&phase)?,
        left_out: Vec::new(),
        rows: Vec::new(),
        baselines: Vec::new(),
        disqualified: Vec::new(),
        version: None,
        made_at: None,
    };
    if hidden.is_some() {
        return Ok(board);
    }
    if let Some(ranking) = rankings::at(db, phase.id, moment).await? {
        let entries = rankings::entries(db, ranking.id).await?;
        board.rows = entries
            .into_iter()
            .map(|entry| row(entry, caller, is_reviewer))
            .collect();
        board.left_out = ranking.left_out;
        board.machines = ranking.machines;
        board.version = Some(ranking.version);
        board.made_at = Some(ranking.created_at);
    }
    board.disqualified = disqualified::list(db, phase.id.0, phase.track_id).await?;
    board.baselines = rankings::baselines(db, phase.id)
        .await?
        .into_iter()
        .map(|baseline| BaselineRow {
            team: baseline.name,
            note: baseline.note,
            values: numbers(&baseline.values),
        })
        .collect();
    Ok(board)
}

/// Why this caller sees no row.
async fn hidden(
    db: &PgPool,
    phase: &Phase,
    caller: Option<&Caller>,
    is_reviewer: bool,
) -> Result<Option<&'static str>, Error> {
    let is_participant = match caller {
        Some(caller) if phase.visibility == Visibility::Participants => {
            phases::is_participant(db, phase.track_id, &caller.teams).await?
        }
        _ => false,
    };
    if !phase.visibility.shows_board(is_participant, is_reviewer) {
        return Ok(Some(FOR_PARTICIPANTS));
    }
    let is_shown = is_reviewer || shows_scores(phase.is_final, phase.window.is_published);
    Ok((!is_shown).then_some(HIDDEN))
}

fn columns(phase: &Phase) -> Result<Vec<Column>, Error> {
    let column = |name: &String| {
        let metric: Metric = name.parse()?;
        Ok(Column {
            name: name.clone(),
            title: metric.title(),
            is_higher_better: metric.is_higher_better(),
            unit: metric.unit(),
        })
    };
    phase.metrics.iter().map(column).collect()
}

fn row(entry: rankings::Entry, caller: Option<&Caller>, is_reviewer: bool) -> Row {
    let is_mine = caller.is_some_and(|caller| caller.is_member(TeamId(entry.team_id)));
    Row {
        rank: entry.final_rank,
        team: entry.team_name,
        values: numbers(&entry.values),
        ranks: serde_json::from_value(entry.ranks).unwrap_or_default(),
        mean_rank: entry.mean_rank,
        submitted_at: entry.submitted_at,
        cases: entry.cases,
        failed_cases: entry.failed_cases,
        out_reason: entry.out_reason,
        code_url: entry.code_url,
        submission_id: (is_mine || is_reviewer).then_some(SubmissionId(entry.submission_id).0),
        is_mine,
        team_id: entry.team_id,
    }
}

fn numbers(values: &Value) -> BTreeMap<String, Option<f64>> {
    let entries = values.as_object().into_iter().flatten();
    entries
        .map(|(name, value)| (name.clone(), value.as_f64()))
        .collect()
}
