//! Gives every submission that is ready its one evaluation, with a row for each case.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use molar_domain::EvaluationId;
use molar_domain::evaluation::SCORER_VERSION;
use molar_domain::phase::SubmissionKind;
use molar_service::Lookback;
use sqlx::{PgConnection, PgExecutor, PgPool};
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

/// Of each phase by what it was measured when it was looked at, and how far back the next look at it is for.
#[derive(Clone, Default)]
pub struct Looks(Arc<Mutex<BTreeMap<Uuid, (Frame, Lookback)>>>);

impl Looks {
    /// Another frame is for everything that the phase has, whenever it came.
    fn at(&self, frame: &Frame) -> Lookback {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, lookback) = looks
            .entry(frame.phase_id)
            .or_insert_with(|| (frame.clone(), Lookback::default()));
        if *before != *frame {
            (*before, *lookback) = (frame.clone(), Lookback::default());
        }
        lookback.clone()
    }
}

/// Makes what is missing and returns how many that were. A phase that fails is told and does not keep
/// the others from their turn.
pub async fn missing(db: &PgPool, looks: &Looks, now: DateTime<Utc>) -> Result<usize> {
    let (mut made, mut first_failure) = (0, None);
    for phase in frame::phases(db, None).await? {
        let id = phase.id;
        match of_phase(db, looks, phase, now).await {
            Ok(number) => made += number,
            Err(error) => {
                tracing::error!(phase.id = %id, error = &error as &dyn std::error::Error, "no evaluations made");
                first_failure.get_or_insert(error);
            }
        }
    }
    first_failure.map_or(Ok(made), Err)
}

async fn of_phase(db: &PgPool, looks: &Looks, phase: Phase, now: DateTime<Utc>) -> Result<usize> {
    let frame = frame::settle(db, phase.wanted()?).await?;
    let lookback = looks.at(&frame);
    let since = lookback.since(now);
    let ready = match frame.kind {
        SubmissionKind::Predictions => ready_predictions(db, &frame, since).await?,
        SubmissionKind::Container => ready_attempts(db, &frame, since).await?,
    };
    let made = all(db, &frame, &ready, now).await;
    lookback.ended(now, made.is_ok());
    made
}

async fn all(db: &PgPool, frame: &Frame, of: &[Ready], now: DateTime<Utc>) -> Result<usize> {
    let mut made = 0;
    for one in of {
        made += usize::from(create(db, frame, one, now).await?);
    }
    Ok(made)
}

/// Of what was accepted since. Of the two halves of what is looked at one is always empty, so that either has a plan
/// of its own: for the narrow one, an index.
async fn ready_predictions(
    db: impl PgExecutor<'_>,
    frame: &Frame,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<Ready>> {
    let ready = sqlx::query_as!(
        Ready,
        r#"WITH looked_at AS (
               SELECT submission_id, phase_id, team_id, kind, cancelled_at, withdrawn_at FROM submission.accepted
               WHERE $7::timestamptz IS NULL
               UNION ALL
               SELECT submission_id, phase_id, team_id, kind, cancelled_at, withdrawn_at FROM submission.accepted
               WHERE decided_at > $7)
           SELECT s.submission_id AS "submission_id!", s.team_id AS "team_id!", NULL::uuid AS attempt_id
           FROM looked_at s
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
        since,
    )
    .fetch_all(db)
    .await?;
    Ok(ready)
}

/// Attempts that have begun since, each submission's newest. A trial has no cases to score.
async fn ready_attempts(
    db: impl PgExecutor<'_>,
    frame: &Frame,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<Ready>> {
    let ready = sqlx::query_as!(
        Ready,
        r#"WITH looked_at AS (
               SELECT attempt_id, submission_id, phase_id, number, state FROM execution.attempt_facts
               WHERE $7::timestamptz IS NULL
               UNION ALL
               SELECT attempt_id, submission_id, phase_id, number, state FROM execution.attempt_facts
               WHERE started_at > $7)
           SELECT s.submission_id AS "submission_id!", s.team_id AS "team_id!", a.attempt_id
           FROM looked_at a
           JOIN submission.accepted s ON s.submission_id = a.submission_id
           WHERE a.phase_id = $1 AND s.phase_id = $1 AND s.kind = 'container' AND s.cancelled_at IS NULL
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
        since,
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_domain::attempt::AttemptState;
    use molar_service::Role;
    use molar_testkit::{
        AttemptBuilder, Challenge, ChallengeBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder,
        as_role, insert_long_ago, noon, scans,
    };

    use super::*;

    fn hour(number: i64) -> DateTime<Utc> {
        noon() + TimeDelta::hours(number)
    }

    async fn challenge(owner: &PgPool, kind: SubmissionKind) -> Challenge {
        let phase = PhaseBuilder::new("final").kind(kind);
        let challenge = ChallengeBuilder::new("teeth").phase(phase);
        challenge.insert(owner).await
    }

    /// Predictions that were accepted then.
    async fn accepted(owner: &PgPool, challenge: &Challenge, at: DateTime<Utc>) {
        let team = TeamBuilder::new(challenge, &format!("Of {at}"));
        let team = team.insert(owner).await;
        let new = SubmissionBuilder::new(challenge, &team);
        let new = new.created_at(at - TimeDelta::minutes(1));
        new.insert(owner).await;
    }

    /// A container whose attempt was made then, and began at once if it has begun.
    async fn attempted(
        owner: &PgPool,
        challenge: &Challenge,
        at: DateTime<Utc>,
        state: AttemptState,
    ) {
        let team = TeamBuilder::new(challenge, &format!("Of {at}"));
        let team = team.insert(owner).await;
        let new = SubmissionBuilder::new(challenge, &team).container();
        let submission = new.created_at(at).insert(owner).await;
        let attempt = AttemptBuilder::new(challenge, &submission).state(state);
        attempt.created_at(at).insert(owner).await;
    }

    /// Behind the rounds' back: whoever reads a submission that is ready makes another evaluation.
    async fn forget(owner: &PgPool) {
        let sql = "DELETE FROM scoring.case_scores; DELETE FROM scoring.evaluations";
        sqlx::raw_sql(sql).execute(owner).await.unwrap();
    }

    async fn made(db: &PgPool, looks: &Looks, minute: i64) -> usize {
        let now = noon() + TimeDelta::minutes(minute);
        missing(db, looks, now).await.unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn only_a_full_look_reads_what_was_accepted_long_ago(owner: PgPool) {
        let challenge = challenge(&owner, SubmissionKind::Predictions).await;
        accepted(&owner, &challenge, hour(-2)).await;
        let (db, looks) = (as_role(&owner, Role::Scoring).await, Looks::default());
        assert_eq!(made(&db, &looks, 0).await, 1);
        forget(&owner).await;
        accepted(&owner, &challenge, hour(0)).await;
        assert_eq!(made(&db, &looks, 9).await, 1);
        assert_eq!(made(&db, &looks, 10).await, 1);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn of_attempts_only_a_full_look_reads_what_began_long_ago(owner: PgPool) {
        let challenge = challenge(&owner, SubmissionKind::Container).await;
        attempted(&owner, &challenge, hour(-2), AttemptState::Running).await;
        attempted(&owner, &challenge, hour(-3), AttemptState::Queued).await;
        let (db, looks) = (as_role(&owner, Role::Scoring).await, Looks::default());
        assert_eq!(made(&db, &looks, 0).await, 1);
        forget(&owner).await;
        // However long it has waited for that.
        sqlx::query!(
            "UPDATE execution.attempts SET state = 'running', started_at = $1 WHERE state = 'queued'",
            hour(0)
        )
        .execute(&owner)
        .await
        .unwrap();
        assert_eq!(made(&db, &looks, 9).await, 1);
        assert_eq!(made(&db, &looks, 10).await, 1);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_is_to_be_measured_by_something_else_is_looked_at_whenever_it_came(owner: PgPool) {
        let challenge = challenge(&owner, SubmissionKind::Predictions).await;
        accepted(&owner, &challenge, hour(-2)).await;
        let (db, looks) = (as_role(&owner, Role::Scoring).await, Looks::default());
        assert_eq!(made(&db, &looks, 0).await, 1);
        sqlx::query!(
            "INSERT INTO tracks.reference_sets (id, split_id, version, created_at) VALUES ($1, $2, 2, $3)",
            Uuid::new_v4(),
            challenge.split_id.0,
            noon(),
        )
        .execute(&owner)
        .await
        .unwrap();
        assert_eq!(made(&db, &looks, 1).await, 1);
        assert_eq!(made(&db, &looks, 2).await, 0);
    }

    const TABLES: [&str; 3] = [
        "submission.submissions",
        "submission.uploads",
        "execution.attempts",
    ];

    /// On a connection whose full looks have made a plan for whatever is asked of it.
    async fn look_narrowly(owner: &PgPool, index: &str) -> usize {
        insert_long_ago(owner).await;
        let db = as_role(owner, Role::Scoring).await;
        let mut tx = db.begin().await.unwrap();
        let mut phases = frame::phases(&mut *tx, None).await.unwrap();
        let frame = phases.remove(0).wanted().unwrap();
        let mut found = Vec::new();
        for since in std::iter::repeat_n(None, 10).chain([Some(hour(-1))]) {
            let before = (
                scans(&mut tx, &TABLES).await,
                scans(&mut tx, &[index]).await,
            );
            found = match frame.kind {
                SubmissionKind::Predictions => ready_predictions(&mut *tx, &frame, since).await,
                SubmissionKind::Container => ready_attempts(&mut *tx, &frame, since).await,
            }
            .unwrap();
            let after = (
                scans(&mut tx, &TABLES).await,
                scans(&mut tx, &[index]).await,
            );
            if since.is_some() {
                assert_eq!(before.0, after.0, "a table was read whole");
                assert!(before.1 < after.1, "{index} is not used");
            }
        }
        found.len()
    }

    /// Of a million submissions each such look read all, and the rounds took a core.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_narrow_look_finds_predictions_by_an_index(owner: PgPool) {
        let challenge = challenge(&owner, SubmissionKind::Predictions).await;
        accepted(&owner, &challenge, hour(0)).await;
        assert_eq!(
            look_narrowly(&owner, "submission.uploads_accepted").await,
            1
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_narrow_look_finds_attempts_by_an_index(owner: PgPool) {
        let challenge = challenge(&owner, SubmissionKind::Container).await;
        attempted(&owner, &challenge, hour(0), AttemptState::Running).await;
        assert_eq!(look_narrowly(&owner, "execution.attempts_started").await, 1);
    }
}
