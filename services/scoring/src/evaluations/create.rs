//! Gives every submission that is ready its one evaluation, with a row for each case.

use chrono::{DateTime, Utc};
use molar_domain::EvaluationId;
use molar_domain::evaluation::SCORER_VERSION;
use molar_domain::phase::SubmissionKind;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::frame::{self, Frame, Phase};
use crate::error::{Error, Result};

/// A submission, or an attempt at one, that has no evaluation of this frame.
///
/// What was withdrawn is evaluated once all the same: only then it is final, gives its place in the
/// quota free and lets its phase close. It is not evaluated again. An evaluation names the scorer that measures:
/// after a change of the program it is not current, and off the board, until a re-scoring is published.
struct Ready {
    submission_id: Uuid,
    team_id: Uuid,
    attempt_id: Option<Uuid>,
}

/// Makes what is missing and returns how many that were. A phase that fails is told and does not keep
/// the others from their turn.
pub async fn missing(db: &PgPool, now: DateTime<Utc>) -> Result<usize> {
    let (mut made, mut first_failure) = (0, None);
    for phase in frame::phases(db, None).await? {
        let id = phase.id;
        match of_phase(db, phase, now).await {
            Ok(number) => made += number,
            Err(error) => {
                tracing::error!(phase.id = %id, error = &error as &dyn std::error::Error, "no evaluations made");
                first_failure.get_or_insert(error);
            }
        }
    }
    first_failure.map_or(Ok(made), Err)
}

async fn of_phase(db: &PgPool, phase: Phase, now: DateTime<Utc>) -> Result<usize> {
    let frame = frame::settle(db, phase.wanted()?).await?;
    let ready = match frame.kind {
        SubmissionKind::Predictions => ready_predictions(db, &frame).await?,
        SubmissionKind::Container => ready_attempts(db, &frame).await?,
    };
    let mut made = 0;
    for one in ready {
        made += usize::from(create(db, &frame, &one, now).await?);
    }
    Ok(made)
}

async fn ready_predictions(db: &PgPool, frame: &Frame) -> Result<Vec<Ready>> {
    let ready = sqlx::query_as!(
        Ready,
        r#"SELECT s.submission_id AS "submission_id!", s.team_id AS "team_id!", NULL::uuid AS attempt_id
           FROM submission.accepted s
           WHERE s.phase_id = $1 AND s.kind = 'predictions' AND s.cancelled_at IS NULL
             AND (s.withdrawn_at IS NULL OR NOT EXISTS (
                 SELECT FROM scoring.evaluations e WHERE e.submission_id = s.submission_id))
             AND NOT EXISTS (
                 SELECT FROM scoring.evaluations e
                 WHERE e.submission_id = s.submission_id AND e.reference_set_id = $3 AND e.parameters_hash = $4
                   AND (e.rescoring_id IS NULL OR e.rescoring_id = $6)
                   AND (e.scorer_version = $2 AND e.state <> 'cancelled' OR e.scorer_version = $5 AND e.state = 'finished'))
           ORDER BY s.submission_id"#,
        frame.phase_id,
        SCORER_VERSION,
        frame.reference_set_id,
        frame.parameters_hash,
        frame.scorer_version,
        frame.rescoring_id,
    )
    .fetch_all(db)
    .await?;
    Ok(ready)
}

/// Attempts that have begun, each submission's newest. A trial has no cases to score.
async fn ready_attempts(db: &PgPool, frame: &Frame) -> Result<Vec<Ready>> {
    let ready = sqlx::query_as!(
        Ready,
        r#"SELECT s.submission_id AS "submission_id!", s.team_id AS "team_id!", a.attempt_id
           FROM submission.accepted s
           JOIN execution.attempt_facts a ON a.submission_id = s.submission_id
           WHERE s.phase_id = $1 AND s.kind = 'container' AND s.cancelled_at IS NULL
             AND (s.withdrawn_at IS NULL OR NOT EXISTS (
                 SELECT FROM scoring.evaluations e WHERE e.submission_id = s.submission_id AND e.state <> 'cancelled'))
             AND a.state IN ('running', 'finished')
             AND NOT EXISTS (SELECT FROM submission.trials t WHERE t.submission_id = s.submission_id)
             AND NOT EXISTS (
                 SELECT FROM execution.attempt_facts newer
                 WHERE newer.submission_id = a.submission_id AND newer.number > a.number)
             AND NOT EXISTS (
                 SELECT FROM scoring.evaluations e
                 WHERE e.attempt_id = a.attempt_id AND e.reference_set_id = $3 AND e.parameters_hash = $4
                   AND (e.rescoring_id IS NULL OR e.rescoring_id = $6)
                   AND (e.scorer_version = $2 AND e.state <> 'cancelled' OR e.scorer_version = $5 AND e.state = 'finished'))
           ORDER BY s.submission_id"#,
        frame.phase_id,
        SCORER_VERSION,
        frame.reference_set_id,
        frame.parameters_hash,
        frame.scorer_version,
        frame.rescoring_id,
    )
    .fetch_all(db)
    .await?;
    Ok(ready)
}

/// Writes the evaluation with all its rows, or nothing where there is one already or nothing to score.
async fn create(db: &PgPool, frame: &Frame, of: &Ready, now: DateTime<Utc>) -> Result<bool> {
    let id = EvaluationId::at(now);
    let mut tx = db.begin().await?;
    let is_new = insert(&mut tx, id, frame, of, now).await?
        && insert_cases(&mut tx, id, frame, of, now).await? > 0;
    if is_new {
        tx.commit().await?;
        tracing::info!(evaluation.id = %id, submission.id = %of.submission_id, "evaluation made");
    } else {
        tx.rollback().await?;
    }
    Ok(is_new)
}

async fn insert(
    tx: &mut PgConnection,
    id: EvaluationId,
    frame: &Frame,
    of: &Ready,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    // Two processes may find the same submission: the unique index lets one of them write.
    let inserted = sqlx::query!(
        "INSERT INTO scoring.evaluations
             (id, submission_id, attempt_id, phase_id, team_id, scorer_version, reference_set_id, parameters_hash,
              parameters, state, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10, 'running', $9)
         ON CONFLICT DO NOTHING",
        id.0,
        of.submission_id,
        of.attempt_id,
        frame.phase_id,
        of.team_id,
        SCORER_VERSION,
        frame.reference_set_id,
        frame.parameters_hash,
        now,
        frame.parameters,
    )
    .execute(tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn insert_cases(
    tx: &mut PgConnection,
    id: EvaluationId,
    frame: &Frame,
    of: &Ready,
    now: DateTime<Utc>,
) -> Result<u64> {
    let inserted = match of.attempt_id {
        None => {
            sqlx::query!(
                "INSERT INTO scoring.case_scores (evaluation_id, case_id, state, not_before)
                 SELECT $1, case_id, 'waiting', $3 FROM tracks.stored_cases WHERE split_id = $2",
                id.0,
                frame.split_id,
                now,
            )
            .execute(tx)
            .await?
        }
        // The cases that run are those that the attempt was made with.
        Some(attempt) => {
            sqlx::query!(
                "INSERT INTO scoring.case_scores (evaluation_id, case_id, case_run_id, state, not_before)
                 SELECT $1, case_id, case_run_id, 'waiting', $3
                 FROM execution.case_run_facts WHERE attempt_id = $2 AND kind = 'case'",
                id.0,
                attempt,
                now,
            )
            .execute(tx)
            .await?
        }
    };
    Ok(inserted.rows_affected())
}
