//! How evaluations end: with their last case, or with their submission.

use chrono::{DateTime, Utc};
use molar_contracts::keys;
use molar_domain::EvaluationId;
use molar_domain::evaluation::SCORER_VERSION;
use molar_service::outbox;
use sqlx::{PgConnection, PgPool};

use crate::error::Result;

/// Keeps all others from ending the evaluation until the transaction ends.
pub async fn lock(tx: &mut PgConnection, id: EvaluationId) -> sqlx::Result<()> {
    sqlx::query_scalar!(
        r#"SELECT 1 AS "one!" FROM scoring.evaluations WHERE id = $1 FOR UPDATE"#,
        id.0
    )
    .fetch_optional(tx)
    .await?;
    Ok(())
}

/// Ends the evaluation if all its cases are scored, its attempt has run to its end and nobody cancelled
/// the submission; returns whether it did.
pub async fn finish_if_done(
    tx: &mut PgConnection,
    id: EvaluationId,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let phase = sqlx::query_scalar!(
        "UPDATE scoring.evaluations e SET state = 'finished', finished_at = $2
         WHERE e.id = $1 AND e.state = 'running'
           AND NOT EXISTS (SELECT FROM scoring.case_scores c WHERE c.evaluation_id = e.id AND c.state <> 'scored')
           AND (e.attempt_id IS NULL OR EXISTS (
               SELECT FROM execution.attempt_facts a WHERE a.attempt_id = e.attempt_id AND a.state = 'finished'))
           AND EXISTS (
               SELECT FROM submission.accepted s
               WHERE s.submission_id = e.submission_id AND s.cancelled_at IS NULL)
         RETURNING e.phase_id",
        id.0,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if phase.is_some() {
        outbox::announce(tx, now, keys::EVALUATION_FINISHED, id.0, phase).await?;
    }
    Ok(phase.is_some())
}

/// Ends evaluations whose last case was scored before the attempt ended.
pub async fn finish_done(db: &PgPool, now: DateTime<Utc>) -> Result<usize> {
    let ids = sqlx::query_scalar!(
        "SELECT e.id FROM scoring.evaluations e
         WHERE e.state = 'running'
           AND NOT EXISTS (SELECT FROM scoring.case_scores c WHERE c.evaluation_id = e.id AND c.state <> 'scored')"
    )
    .fetch_all(db)
    .await?;
    let mut finished = 0;
    for id in ids.into_iter().map(EvaluationId) {
        let mut tx = db.begin().await?;
        lock(&mut tx, id).await?;
        finished += usize::from(finish_if_done(&mut tx, id, now).await?);
        tx.commit().await?;
    }
    Ok(finished)
}

/// Ends evaluations whose submission was cancelled, whose attempt came to nothing, whose re-scoring was dropped,
/// that wait for a scorer which is gone, or that another has replaced, and takes their cases from whoever works on them. A replaced one counts on no board,
/// and may wait for a reference that will never be good.
pub async fn cancel_dead(db: &PgPool) -> Result<usize> {
    let mut tx = db.begin().await?;
    let ids = sqlx::query_scalar!(
        "UPDATE scoring.evaluations e SET state = 'cancelled'
         WHERE e.state = 'running'
           AND (EXISTS (
                   SELECT FROM submission.accepted s
                   WHERE s.submission_id = e.submission_id AND s.cancelled_at IS NOT NULL)
                OR EXISTS (
                   SELECT FROM execution.attempt_facts a
                   WHERE a.attempt_id = e.attempt_id AND a.state IN ('failed', 'cancelled'))
                OR EXISTS (
                   SELECT FROM scoring.rescorings r WHERE r.id = e.rescoring_id AND r.state = 'dropped')
                OR (e.rescoring_id IS NULL AND e.scorer_version <> $1 AND EXISTS (
                   SELECT FROM scoring.evaluations other
                   WHERE other.submission_id = e.submission_id AND other.id > e.id AND other.rescoring_id IS NULL
                     AND other.scorer_version = $1 AND other.state <> 'cancelled'))
                OR EXISTS (
                   SELECT FROM scoring.evaluation_facts mine
                   JOIN scoring.evaluation_facts other ON other.submission_id = mine.submission_id
                   WHERE mine.evaluation_id = e.id AND NOT mine.is_current AND other.state <> 'cancelled'
                     AND (other.evaluation_id > e.id
                          OR (other.is_current AND other.attempt_id IS NOT DISTINCT FROM e.attempt_id))))
         RETURNING e.id",
        SCORER_VERSION,
    )
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE scoring.case_scores SET state = 'waiting', lease_token = NULL, lease_expires_at = NULL
         WHERE evaluation_id = ANY ($1) AND state = 'scoring'",
        &ids,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    for id in &ids {
        tracing::info!(evaluation.id = %id, "evaluation cancelled");
    }
    Ok(ids.len())
}
