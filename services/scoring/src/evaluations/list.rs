//! `GET /api/v1/evaluations`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::board::BoardRules;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use super::access::Subject;
use crate::error::{Error, Result};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    pub submission_id: Uuid,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Evaluation {
    pub id: Uuid,
    pub submission_id: Uuid,
    /// Of a container: the attempt that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<Uuid>,
    pub phase_id: Uuid,
    /// `running`, `finished` or `cancelled`.
    pub state: String,
    pub scorer_version: String,
    pub reference_set_id: Uuid,
    /// The metrics and limits that it was made with, and what the metrics need; absent of one that was made
    /// before they were kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// Whether it was made by what its phase is measured by now.
    pub is_current: bool,
    /// SHA-256 of the parameters.
    pub parameters_hash: String,
    pub cases: i64,
    pub scored_cases: i64,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
}

/// The evaluations of a submission, newest first: the first that is current counts, or else the first.
#[utoipa::path(get, path = "/api/v1/evaluations", tag = "scoring", params(Query),
    responses((status = 200, body = [Evaluation])))]
#[tracing::instrument(name = "evaluations.list", skip_all, fields(submission.id = %query.submission_id))]
pub async fn list(
    kit: web::Data<Kit>,
    query: web::Query<Query>,
    caller: Caller,
) -> Result<web::Json<Vec<Evaluation>>, ApiError> {
    let subject = subject(&kit.db, query.submission_id).await?;
    subject.require_reader(&caller, "submission")?;
    Ok(web::Json(select(&kit.db, query.submission_id).await?))
}

async fn subject(db: impl PgExecutor<'_>, submission: Uuid) -> Result<Subject> {
    let row = sqlx::query!(
        r#"SELECT s.team_id AS "team_id!", p.challenge_id AS "challenge_id!", p.is_final AS "is_final!",
                  p.published_at IS NOT NULL AS "is_published!", p.is_held AS "is_held!", p.board AS "board!: Json<BoardRules>"
           FROM submission.life s JOIN tracks.phase_facts p ON p.phase_id = s.phase_id
           WHERE s.submission_id = $1"#,
        submission,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::NotFound("submission"))?;
    Ok(Subject {
        challenge: row.challenge_id.into(),
        team: row.team_id.into(),
        is_final: row.is_final,
        is_held: row.is_held,
        is_published: row.is_published,
        board: row.board.0,
    })
}

async fn select(db: impl PgExecutor<'_>, submission: Uuid) -> Result<Vec<Evaluation>> {
    let evaluations = sqlx::query_as!(
        Evaluation,
        r#"SELECT evaluation_id AS "id!", submission_id AS "submission_id!", attempt_id, phase_id AS "phase_id!",
                  state AS "state!", scorer_version AS "scorer_version!", reference_set_id AS "reference_set_id!",
                  parameters, is_current AS "is_current!", parameters_hash AS "parameters_hash!", cases AS "cases!", scored_cases AS "scored_cases!",
                  created_at AS "created_at!", finished_at
           FROM scoring.evaluation_facts WHERE submission_id = $1 ORDER BY evaluation_id DESC"#,
        submission,
    )
    .fetch_all(db)
    .await?;
    Ok(evaluations)
}
