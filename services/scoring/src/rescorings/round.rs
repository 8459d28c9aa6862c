//! Gives what is scored its evaluation in each re-scoring that computes, and says when all is measured.

use chrono::{DateTime, Utc};
use molar_domain::EvaluationId;
use molar_domain::rescoring::{Event, RescoringState, Scope};
use molar_service::db;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::rows::{self, Rescoring};
use crate::error::Result;

/// An evaluation that counts and has none beside it.
struct Counting {
    evaluation_id: Uuid,
    submission_id: Uuid,
    team_id: Uuid,
    attempt_id: Option<Uuid>,
}

/// Looks after every re-scoring that computes or is ready. One that fails is told and does not keep the others
/// from their turn.
pub async fn round(db: &PgPool, now: DateTime<Utc>) -> Result<()> {
    let open = sqlx::query_scalar!(
        "SELECT id FROM scoring.rescorings WHERE state IN ('computing', 'ready') ORDER BY id"
    )
    .fetch_all(db)
    .await?;
    let mut first_failure = None;
    for id in open {
        if let Err(error) = one(db, id, now).await {
            tracing::error!(rescoring.id = %id, error = &error as &dyn std::error::Error, "re-scoring stuck");
            first_failure.get_or_insert(error);
        }
    }
    first_failure.map_or(Ok(()), Err)
}

async fn one(db: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let mut tx = db.begin().await?;
    let seen = rows::find(&mut *tx, id).await?;
    db::lock_phase(&mut tx, seen.phase_id).await?;
    let of = rows::find(&mut *tx, id).await?;
    if !matches!(of.state, RescoringState::Computing | RescoringState::Ready) {
        return Ok(());
    }
    let missing = missing(&mut tx, &of).await?;
    for one in &missing {
        create(&mut tx, &of, one, now).await?;
    }
    let is_complete = missing.is_empty() && !is_running(&mut tx, id).await?;
    match (of.state, is_complete) {
        (RescoringState::Computing, true) => {
            rows::step(&mut tx, &of, Event::Complete, None, now).await?;
        }
        (RescoringState::Ready, false) => {
            rows::step(&mut tx, &of, Event::Grow, None, now).await?;
        }
        _ => {}
    }
    tx.commit().await?;
    if !missing.is_empty() {
        tracing::info!(rescoring.id = %id, evaluations = missing.len(), "evaluations made to re-score");
    }
    Ok(())
}

/// Whether everything that counts now is measured beside it. The phase's lock is held.
pub async fn is_complete(conn: &mut PgConnection, of: &Rescoring) -> Result<bool> {
    Ok(missing(conn, of).await?.is_empty() && !is_running(conn, of.id).await?)
}

/// Of a container that was run again, its last attempt that was scored. What is withdrawn ranks no more and is left
/// as it is, but where a Ladder remembers it.
async fn missing(conn: &mut PgConnection, of: &Rescoring) -> Result<Vec<Counting>> {
    let rows = sqlx::query_as!(
        Counting,
        r#"SELECT e.evaluation_id AS "evaluation_id!", e.submission_id AS "submission_id!", e.team_id AS "team_id!", e.attempt_id
           FROM (SELECT DISTINCT ON (e.submission_id) e.evaluation_id, e.submission_id, e.team_id, e.attempt_id
                 FROM scoring.evaluation_facts e
                 JOIN submission.accepted s ON s.submission_id = e.submission_id
                 WHERE e.phase_id = $1 AND e.state = 'finished' AND s.cancelled_at IS NULL
                   AND (s.withdrawn_at IS NULL OR EXISTS (SELECT FROM tracks.phase_facts p
                                                          WHERE p.phase_id = $1 AND p.board->>'ladder_step' IS NOT NULL))
                 ORDER BY e.submission_id, e.attempt_id DESC NULLS LAST, e.is_current DESC, e.evaluation_id DESC) e
           WHERE NOT EXISTS (
               SELECT FROM scoring.evaluations r
               WHERE r.rescoring_id = $2 AND r.submission_id = e.submission_id AND r.state <> 'cancelled'
                 AND r.attempt_id IS NOT DISTINCT FROM e.attempt_id)
           ORDER BY e.submission_id"#,
        of.phase_id,
        of.id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

async fn is_running(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM scoring.evaluations WHERE rescoring_id = $1 AND state = 'running') AS "is!""#,
        id,
    )
    .fetch_one(conn)
    .await
}

async fn create(
    conn: &mut PgConnection,
    of: &Rescoring,
    beside: &Counting,
    now: DateTime<Utc>,
) -> Result<()> {
    let id = EvaluationId::at(now);
    sqlx::query!(
        "INSERT INTO scoring.evaluations
             (id, submission_id, attempt_id, phase_id, team_id, scorer_version, reference_set_id, parameters_hash,
              parameters, state, created_at, rescoring_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'running', $10, $11)",
        id.0,
        beside.submission_id,
        beside.attempt_id,
        of.phase_id,
        beside.team_id,
        of.scorer_version,
        of.reference_set_id,
        of.parameters_hash,
        of.parameters,
        now,
        of.id,
    )
    .execute(&mut *conn)
    .await?;
    insert_cases(conn, id, of, beside, now).await?;
    Ok(())
}

/// The cases of the evaluation that counts. Where one was measured by the same scorer and parameters against the
/// same bytes of a reference, that score is taken over; not from a re-scoring that was dropped.
async fn insert_cases(
    conn: &mut PgConnection,
    id: EvaluationId,
    of: &Rescoring,
    beside: &Counting,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO scoring.case_scores
             (evaluation_id, case_id, case_run_id, state, values, labels, reason, reason_detail, notes, scored_at,
              copied_from, not_before)
         SELECT $1, c.case_id, c.case_run_id, CASE WHEN m.evaluation_id IS NULL THEN 'waiting' ELSE 'scored' END,
                m.values, m.labels, m.reason, m.reason_detail, COALESCE(m.notes, '[]'), m.scored_at,
                COALESCE(m.copied_from, m.evaluation_id), $2
         FROM scoring.case_scores c
         LEFT JOIN LATERAL (
             SELECT m.* FROM scoring.case_scores m
             JOIN scoring.evaluation_facts e ON e.evaluation_id = m.evaluation_id
             JOIN tracks.stored_references o ON o.reference_set_id = e.reference_set_id AND o.case_id = m.case_id
             JOIN tracks.stored_references n
                 ON n.reference_set_id = $5 AND n.case_id = m.case_id AND n.sha256 = o.sha256
             WHERE $8 AND m.case_id = c.case_id AND m.case_run_id IS NOT DISTINCT FROM c.case_run_id
               AND m.state = 'scored' AND e.state = 'finished' AND e.submission_id = $4
               AND e.scorer_version = $6 AND e.parameters_hash = $7
             ORDER BY e.evaluation_id DESC LIMIT 1) m ON true
         WHERE c.evaluation_id = $3",
        id.0,
        now,
        beside.evaluation_id,
        beside.submission_id,
        of.reference_set_id,
        of.scorer_version,
        of.parameters_hash,
        of.scope == Scope::Touched,
    )
    .execute(conn)
    .await?;
    Ok(())
}
