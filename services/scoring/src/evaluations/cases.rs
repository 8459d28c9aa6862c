//! `GET /api/v1/evaluations/{id}/cases`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::board::BoardRules;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use super::access::Subject;
use crate::error::{Error, Result};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Case {
    pub case_id: Uuid,
    pub case: String,
    /// `waiting`, `scoring` or `scored`.
    pub state: String,
    /// By metric; what was not measured is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub values: Option<Value>,
    /// Why the worst values were given: a failure code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_detail: Option<String>,
    /// What was odd about the prediction and did not keep it from being scored.
    #[schema(value_type = Vec<String>)]
    pub notes: Value,
    /// Results of each label of the reference or the prediction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub labels: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scored_at: Option<DateTime<Utc>>,
}

/// The cases of an evaluation with their values, label by label.
#[utoipa::path(get, path = "/api/v1/evaluations/{id}/cases", tag = "scoring",
    params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, body = Page<Case>)))]
#[tracing::instrument(name = "evaluations.cases", skip_all, fields(evaluation.id = %id))]
pub async fn cases(
    kit: web::Data<Kit>,
    id: web::Path<Uuid>,
    query: web::Query<PageQuery>,
    caller: Caller,
) -> Result<web::Json<Page<Case>>, ApiError> {
    let subject = subject(&kit.db, *id).await?;
    subject.require_reader(&caller, "evaluation")?;
    let rows = select(&kit.db, *id, &query).await?;
    Ok(web::Json(Page::of(rows, &query, |case| case.case_id)))
}

async fn subject(db: impl PgExecutor<'_>, evaluation: Uuid) -> Result<Subject> {
    let row = sqlx::query!(
        r#"SELECT e.team_id, p.challenge_id AS "challenge_id!", p.is_final AS "is_final!",
                  p.published_at IS NOT NULL AS "is_published!", p.is_held AS "is_held!", p.board AS "board!: Json<BoardRules>",
                  EXISTS (SELECT FROM scoring.rescorings r WHERE r.id = e.rescoring_id AND r.state <> 'published') AS "is_aside!"
           FROM scoring.evaluations e JOIN tracks.phase_facts p ON p.phase_id = e.phase_id
           WHERE e.id = $1"#,
        evaluation,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::NotFound("evaluation"))?;
    Ok(Subject {
        challenge: row.challenge_id.into(),
        team: row.team_id.into(),
        // Of a re-scoring that is not published teams see as much as of a final phase that is not.
        is_final: row.is_final || row.is_aside,
        is_held: row.is_held,
        is_published: row.is_published && !row.is_aside,
        board: row.board.0,
    })
}

async fn select(db: impl PgExecutor<'_>, evaluation: Uuid, query: &PageQuery) -> Result<Vec<Case>> {
    let cases = sqlx::query_as!(
        Case,
        r#"SELECT c.case_id, s.name AS "case!", c.state, c.values, c.reason, c.reason_detail, c.notes, c.labels,
                  c.scored_at
           FROM scoring.case_scores c JOIN tracks.stored_cases s ON s.case_id = c.case_id
           WHERE c.evaluation_id = $1 AND ($2::uuid IS NULL OR c.case_id > $2)
           ORDER BY c.case_id LIMIT $3"#,
        evaluation,
        query.after(),
        query.fetch(),
    )
    .fetch_all(db)
    .await?;
    Ok(cases)
}
