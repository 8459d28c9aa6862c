use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::rows::{self, Progress, Rescoring};
use crate::error::Result;

/// A re-scoring: what is measured anew, how far it is, and where to see who moves.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RescoringView {
    pub id: Uuid,
    pub phase_id: Uuid,
    /// `challenge/track/phase`
    pub phase: String,
    /// `draft`, `computing`, `ready`, `published` or `dropped`.
    pub state: String,
    /// `touched` or `everything`.
    pub scope: String,
    pub reason: String,
    /// By what the phase was measured when this was made.
    pub from: Measured,
    /// By what this measures.
    pub to: Measured,
    /// The metrics and limits of `to`.
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// The cases that are measured again; absent where these are all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touched_cases: Option<Vec<String>>,
    /// Of the phase, with a score that counts.
    pub scored_submissions: i64,
    /// Evaluations that were made beside those that count.
    pub evaluations: i64,
    pub finished_evaluations: i64,
    pub cases: i64,
    /// Of these, scores that were taken over from an earlier evaluation with the same inputs.
    pub copied_cases: i64,
    pub scored_cases: i64,
    /// Who moves and why.
    pub moves: String,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Measured {
    pub scorer_version: String,
    pub reference_set_version: i32,
    /// SHA-256 of metrics and limits.
    pub parameters_hash: String,
}

impl RescoringView {
    pub async fn of(db: &PgPool, row: Rescoring) -> Result<Self> {
        let Progress {
            submissions,
            finished,
            cases,
            copied,
            scored,
        } = rows::progress(db, row.id).await?;
        let touched_cases = match row.is_of_everything() {
            true => None,
            false => {
                let (from, to) = (row.from_reference_set_id, row.reference_set_id);
                Some(rows::touched_cases(db, from, to).await?)
            }
        };
        Ok(Self {
            moves: format!("/api/v1/rescorings/{}/moves", row.id),
            scored_submissions: rows::scored_submissions(db, row.phase_id).await?,
            touched_cases,
            evaluations: submissions,
            finished_evaluations: finished,
            cases,
            copied_cases: copied,
            scored_cases: scored,
            id: row.id,
            phase_id: row.phase_id,
            phase: row.phase,
            state: row.state.to_string(),
            scope: row.scope.to_string(),
            reason: row.reason,
            from: Measured {
                scorer_version: row.from_scorer_version,
                reference_set_version: row.from_reference_set_version,
                parameters_hash: row.from_parameters_hash,
            },
            to: Measured {
                scorer_version: row.scorer_version,
                reference_set_version: row.reference_set_version,
                parameters_hash: row.parameters_hash,
            },
            parameters: row.parameters,
            created_at: row.created_at,
            started_at: row.started_at,
            ready_at: row.ready_at,
            decided_at: row.decided_at,
        })
    }
}
