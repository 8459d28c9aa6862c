//! From an accepted container to an attempt with a case run for each case, the first time and again.

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::attempt::AttemptState;
use molar_domain::case_run::CaseRunKind;
use molar_domain::limits::Limits;
use molar_domain::{AttemptId, CaseRunId, FailureCode, SubmissionId, UserId};
use molar_service::Lookback;
use serde_json::json;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::end;
use crate::error::Failures;
use crate::rows::{attempts, case_runs};
use crate::{Error, Result};

/// For so long an accepted container waits for the phase to have cases, or a trial for its canary: an organizer
/// may be about to put it right.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// Makes all attempts that are missing.
pub async fn all(db: &PgPool, lookback: &Lookback, now: DateTime<Utc>) -> Result<()> {
    let mut failures = Failures::default();
    for submission in attempts::list_missing(db, lookback.since(now)).await? {
        let made = one(db, submission, now).await;
        failures.note("no attempt made", submission.0, made);
    }
    let done = failures.finish();
    lookback.ended(now, done.is_ok());
    done
}

/// Returns whether there is a new attempt; none if somebody was faster or the submission was cancelled.
async fn one(db: &PgPool, submission: SubmissionId, now: DateTime<Utc>) -> Result<bool> {
    let mut tx = db.begin().await?;
    let Some(new) = insert(&mut tx, submission, None, now).await? else {
        return Ok(false);
    };
    let attempt = new.id;
    let runs = insert_runs(&mut tx, attempt, new.split, new.canary, now).await?;
    if runs == 0 {
        return give_up(tx, submission, &new, now).await;
    }
    tx.commit().await?;
    tracing::info!(submission.id = %submission, attempt.id = %attempt, runs, "attempt made");
    Ok(true)
}

/// What an organizer asked for.
pub struct Rerun<'a> {
    /// Of the attempt that it makes.
    pub number: i32,
    pub by: UserId,
    pub reason: &'a str,
}

/// Another attempt at what has ended, with all cases anew, and how many runs it has: zero where the phase has lost
/// its cases. None if somebody was faster.
pub async fn again(
    tx: &mut PgConnection,
    submission: SubmissionId,
    rerun: &Rerun<'_>,
    now: DateTime<Utc>,
) -> Result<Option<(AttemptId, usize)>> {
    let Some(new) = insert(tx, submission, Some(rerun), now).await? else {
        return Ok(None);
    };
    let runs = insert_runs(tx, new.id, new.split, new.canary, now).await?;
    Ok(Some((new.id, runs)))
}

/// The phase was ready when the submission was made, and is not any more. That is ours to mend; what waits for it
/// ends in time, with its chance given back.
async fn give_up(
    mut tx: Transaction<'_, Postgres>,
    submission: SubmissionId,
    new: &New,
    now: DateTime<Utc>,
) -> Result<bool> {
    if new.accepted_at.is_none_or(|at| now - at < PATIENCE) {
        tx.rollback().await?;
        tracing::warn!(submission.id = %submission, "accepted, but there are no cases to run");
        return Ok(false);
    }
    let detail = match new.split {
        Some(_) => "the phase has no cases to run it on any more",
        None => "the phase has no public case for a trial any more",
    };
    let attempt = attempts::lock(&mut tx, new.id).await?;
    end::fail(&mut tx, &attempt, FailureCode::Internal, detail, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// An attempt without its case runs.
struct New {
    id: AttemptId,
    /// None: of a trial.
    split: Option<Uuid>,
    canary: Option<Uuid>,
    accepted_at: Option<DateTime<Utc>>,
}

async fn insert(
    tx: &mut PgConnection,
    submission: SubmissionId,
    rerun: Option<&Rerun<'_>>,
    now: DateTime<Utc>,
) -> Result<Option<New>> {
    let facts = sqlx::query!(
        r#"SELECT s.phase_id AS "phase_id!", s.team_id AS "team_id!", s.object_key AS "object_key!",
                  s.size_bytes AS "size_bytes!", s.image_digest, s.decided_at, p.limits AS "limits!", p.device_class AS "device_class!",
                  p.format AS "format!", p.split_id AS "split_id!", p.canary_case_id,
                  EXISTS (SELECT FROM submission.trials t WHERE t.submission_id = s.submission_id) AS "is_trial!",
                  EXISTS (SELECT FROM submission.root_images t WHERE t.submission_id = s.submission_id) AS "may_be_root!"
           FROM submission.accepted s JOIN tracks.phase_facts p ON p.phase_id = s.phase_id
           WHERE s.submission_id = $1 AND s.kind = 'container' AND s.cancelled_at IS NULL"#,
        submission.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(facts) = facts else { return Ok(None) };
    // Fixed here: what the organizers change later is for later attempts.
    let limits: Limits = serde_json::from_value(facts.limits)?;
    let digest = facts.image_digest.ok_or(Error::BadRow("image_digest"))?;
    let id = AttemptId::at(now);
    let inserted = sqlx::query!(
        "INSERT INTO execution.attempts
             (id, submission_id, number, phase_id, team_id, state, image_digest, archive_key, archive_size_bytes,
              limits, device_class, format, created_at, may_be_root, is_rerun, rerun_by, rerun_reason)
         VALUES ($1, $2, $14, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $15::uuid IS NOT NULL, $15, $16)
         ON CONFLICT DO NOTHING",
        id.0,
        submission.0,
        facts.phase_id,
        facts.team_id,
        AttemptState::Queued.as_str(),
        digest,
        facts.object_key,
        facts.size_bytes,
        json!(limits),
        facts.device_class,
        facts.format,
        now,
        facts.may_be_root,
        rerun.map_or(1, |rerun| rerun.number),
        rerun.map(|rerun| rerun.by.0),
        rerun.map(|rerun| rerun.reason),
    )
    .execute(tx)
    .await?;
    let is_ours = inserted.rows_affected() == 1;
    // A trial runs its canary and no hidden case.
    let split = (!facts.is_trial).then_some(facts.split_id);
    Ok(is_ours.then_some(New {
        id,
        split,
        canary: facts.canary_case_id,
        accepted_at: facts.decided_at,
    }))
}

/// The canary, where the phase has one, then the split's cases by name. Returns how many runs: none where
/// cases or the canary of a trial are missing.
async fn insert_runs(
    tx: &mut PgConnection,
    attempt: AttemptId,
    split: Option<Uuid>,
    canary: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<usize> {
    let cases = sqlx::query_scalar!(
        r#"SELECT case_id AS "case_id!" FROM tracks.stored_cases WHERE split_id = $1 ORDER BY name"#,
        split,
    )
    .fetch_all(&mut *tx)
    .await?;
    if split.is_some() && cases.is_empty() {
        return Ok(0);
    }
    let canary = canary.map(|case| (0, CaseRunKind::Canary, case));
    let of_split = (1..)
        .zip(&cases)
        .map(|(position, case)| (position, CaseRunKind::Case, *case));
    for (position, kind, case_id) in canary.into_iter().chain(of_split) {
        let new = case_runs::New {
            id: CaseRunId::at(now),
            case_id,
            kind,
            position,
        };
        case_runs::insert(tx, attempt, &new, now).await?;
    }
    Ok(cases.len() + usize::from(canary.is_some()))
}

#[cfg(test)]
mod tests {
    use molar_service::Role;
    use molar_testkit::{
        Challenge, ChallengeBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder, as_role,
        insert_long_ago, noon, scans,
    };

    use super::*;

    async fn runs(pool: &PgPool) -> Vec<(i32, String, String, String)> {
        let rows = sqlx::query!(
            "SELECT r.position, r.kind, c.name, r.state FROM execution.case_runs r
             JOIN tracks.cases c ON c.id = r.case_id ORDER BY r.position"
        )
        .fetch_all(pool)
        .await
        .unwrap();
        rows.into_iter()
            .map(|row| (row.position, row.kind, row.name, row.state))
            .collect()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_accepted_container_gets_one_attempt_however_often_one_looks(pool: PgPool) {
        let challenge = ChallengeBuilder::new("teeth")
            .cases(&["B", "A"])
            .canary()
            .insert(&pool)
            .await;
        let team = TeamBuilder::new(&challenge, "Ours").insert(&pool).await;
        SubmissionBuilder::new(&challenge, &team)
            .container()
            .insert(&pool)
            .await;
        let db = as_role(&pool, Role::Execution).await;
        let (mine, yours) = (Lookback::default(), Lookback::default());
        let (one, two) = tokio::join!(all(&db, &mine, noon()), all(&db, &yours, noon()));
        one.unwrap();
        two.unwrap();
        all(&db, &mine, noon()).await.unwrap();
        let expected = [
            (0, "canary", "Canary_01", "waiting"),
            (1, "case", "A", "waiting"),
            (2, "case", "B", "waiting"),
        ];
        let found = runs(&pool).await;
        let found: Vec<_> = found
            .iter()
            .map(|(p, k, n, s)| (*p, k.as_str(), n.as_str(), s.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_trial_runs_its_canary_and_nothing_hidden(pool: PgPool) {
        let challenge = ChallengeBuilder::new("teeth").canary().insert(&pool).await;
        let team = TeamBuilder::new(&challenge, "Ours").insert(&pool).await;
        SubmissionBuilder::new(&challenge, &team)
            .trial()
            .insert(&pool)
            .await;
        let db = as_role(&pool, Role::Execution).await;
        all(&db, &Lookback::default(), noon()).await.unwrap();
        let found = runs(&pool).await;
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].1.as_str(), found[0].2.as_str()),
            ("canary", "Canary_01")
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn without_a_canary_there_is_no_trial(pool: PgPool) {
        let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
        let team = TeamBuilder::new(&challenge, "Ours").insert(&pool).await;
        SubmissionBuilder::new(&challenge, &team)
            .trial()
            .insert(&pool)
            .await;
        let db = as_role(&pool, Role::Execution).await;
        let lookback = Lookback::default();
        all(&db, &lookback, noon()).await.unwrap();
        assert_eq!(runs(&pool).await, []);
        let ends = async |minutes: i64| {
            let accepted = sqlx::query_scalar!("SELECT decided_at FROM submission.uploads")
                .fetch_one(&pool)
                .await
                .unwrap()
                .unwrap();
            let now = accepted + TimeDelta::minutes(minutes) - TimeDelta::seconds(1);
            all(&db, &lookback, now).await.unwrap();
            sqlx::query!("SELECT state, failure, failure_detail FROM execution.attempts")
                .fetch_optional(&pool)
                .await
                .unwrap()
                .map(|row| (row.state, row.failure, row.failure_detail))
        };
        assert_eq!(ends(10).await, None);
        // Its deadline: our fault, so that no chance is spent, and told to the organizers.
        let (state, failure, detail) = ends(11).await.unwrap();
        assert_eq!(
            (state.as_str(), failure.as_deref()),
            ("failed", Some("internal"))
        );
        assert!(detail.unwrap().contains("no public case for a trial"));
        assert_eq!(runs(&pool).await, []);
        let told = sqlx::query_scalar!("SELECT action FROM audit.entries");
        assert_eq!(told.fetch_all(&pool).await.unwrap(), ["attempt.failed"]);
        let keys = sqlx::query_scalar!("SELECT routing_key FROM execution.outbox");
        assert_eq!(keys.fetch_all(&pool).await.unwrap(), ["attempt.finished"]);
        let later = noon() + TimeDelta::hours(1);
        all(&db, &lookback, later).await.unwrap();
        let told = sqlx::query_scalar!("SELECT action FROM audit.entries");
        assert_eq!(told.fetch_all(&pool).await.unwrap().len(), 1);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn predictions_and_cancelled_containers_get_none(pool: PgPool) {
        let challenge = ChallengeBuilder::new("teeth")
            .phase(PhaseBuilder::new("final"))
            .insert(&pool)
            .await;
        let team = TeamBuilder::new(&challenge, "Ours").insert(&pool).await;
        SubmissionBuilder::new(&challenge, &team)
            .insert(&pool)
            .await;
        SubmissionBuilder::new(&challenge, &team)
            .container()
            .cancelled()
            .insert(&pool)
            .await;
        let db = as_role(&pool, Role::Execution).await;
        all(&db, &Lookback::default(), noon()).await.unwrap();
        assert_eq!(runs(&pool).await, []);
    }

    /// Containers that were accepted at these times, in hours from noon.
    async fn accepted(pool: &PgPool, challenge: &Challenge, hours: &[i64]) {
        for hour in hours {
            let team = TeamBuilder::new(challenge, &format!("Of {hour} h"));
            let team = team.insert(pool).await;
            let new = SubmissionBuilder::new(challenge, &team).container();
            let at = noon() + TimeDelta::hours(*hour) - TimeDelta::minutes(1);
            new.created_at(at).insert(pool).await;
        }
    }

    /// How many attempts there are after a look at this minute.
    async fn attempts_after(db: &PgPool, lookback: &Lookback, minute: i64) -> i64 {
        let now = noon() + TimeDelta::minutes(minute);
        all(db, lookback, now).await.unwrap();
        sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM execution.attempt_facts"#)
            .fetch_one(db)
            .await
            .unwrap()
    }

    /// An old one loses its attempt behind the round's back: a round that reads it makes another.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn only_a_full_look_reads_what_was_accepted_long_ago(pool: PgPool) {
        let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
        accepted(&pool, &challenge, &[-2]).await;
        let db = as_role(&pool, Role::Execution).await;
        let lookback = Lookback::default();
        assert_eq!(attempts_after(&db, &lookback, 0).await, 1);
        sqlx::raw_sql("DELETE FROM execution.case_runs; DELETE FROM execution.attempts")
            .execute(&pool)
            .await
            .unwrap();
        accepted(&pool, &challenge, &[0]).await;
        assert_eq!(attempts_after(&db, &lookback, 9).await, 1);
        assert_eq!(attempts_after(&db, &lookback, 10).await, 2);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_full_look_that_fails_at_one_is_done_again(pool: PgPool) {
        let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
        accepted(&pool, &challenge, &[-2]).await;
        let digest = async |digest: Option<&str>| {
            sqlx::query!("UPDATE submission.uploads SET image_digest = $1", digest)
                .execute(&pool)
                .await
                .unwrap();
        };
        let db = as_role(&pool, Role::Execution).await;
        let lookback = Lookback::default();
        digest(None).await;
        assert!(all(&db, &lookback, noon()).await.is_err());
        digest(Some("sha256:0")).await;
        assert_eq!(attempts_after(&db, &lookback, 1).await, 1);
    }

    /// On a connection whose full looks have made a plan for whatever is asked of it.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_narrow_look_finds_containers_by_an_index(pool: PgPool) {
        let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
        accepted(&pool, &challenge, &[0]).await;
        insert_long_ago(&pool).await;
        let db = as_role(&pool, Role::Execution).await;
        let mut tx = db.begin().await.unwrap();
        for _ in 0..10 {
            attempts::list_missing(&mut *tx, None).await.unwrap();
        }
        let tables = ["submission.submissions", "submission.uploads"];
        let index = ["submission.uploads_accepted"];
        let before = (scans(&mut tx, &tables).await, scans(&mut tx, &index).await);
        let since = Some(noon() - TimeDelta::hours(1));
        let found = attempts::list_missing(&mut *tx, since).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(scans(&mut tx, &tables).await, before.0, "read whole");
        assert!(scans(&mut tx, &index).await > before.1);
    }
}
