//! What a submission costs: reserved on create, then spent or given back once.

use chrono::{DateTime, NaiveDate, Utc};
use molar_domain::phase::SubmissionKind;
use molar_domain::quota::Used;
use molar_domain::submission::{Settlement, SubmissionState, settlement};
use molar_service::Pending;
use molar_web_kit::ApiError;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::rows::ledger;
use crate::rows::life::{self, Life};

const BATCH: usize = 100;

/// What the team used, also of the places for work at one time.
pub async fn used(
    conn: &mut PgConnection,
    (phase, team): (Uuid, Uuid),
    day: NaiveDate,
) -> Result<Used, ApiError> {
    let mut used = ledger::used(&mut *conn, (phase, team), day).await?;
    let perhaps = life::perhaps_in_work(&mut *conn, phase, team).await?;
    for life in life::list(&mut *conn, &perhaps).await? {
        // What organizers run again takes no place from its team.
        used.concurrent += u32::from(!life.is_rerun && !life.state()?.is_final());
    }
    Ok(used)
}

/// Settles a submission if its rows, as this transaction sees them, decide it.
pub async fn settle_one(
    conn: &mut PgConnection,
    submission: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    match life::find(&mut *conn, submission).await? {
        Some(life) => settle(conn, &life, now).await.map(drop),
        None => Ok(()),
    }
}

/// Settles whatever other roles' rows decided in the meantime.
pub async fn settle_all(db: &PgPool, unsettled: &Pending, now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut conn = db.acquire().await?;
    let find = async |since| ledger::unsettled(&mut *conn, since).await;
    let open = unsettled.look(now, find).await?;
    for ids in open.chunks(BATCH) {
        for life in life::list(&mut *conn, ids).await? {
            if settle(&mut conn, &life, now).await? {
                unsettled.remove(life.submission_id);
            }
        }
    }
    Ok(())
}

/// Whether it is decided.
async fn settle(conn: &mut PgConnection, life: &Life, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let reason = match decided(life) {
        Settlement::Open => return Ok(false),
        Settlement::Spent => None,
        Settlement::Returned => Some(reason(life)),
    };
    let entry = if reason.is_some() {
        "returned"
    } else {
        "spent"
    };
    ledger::settle(conn, life.submission_id, entry, reason, now).await?;
    Ok(true)
}

/// A container's quota is settled only at its end: our own fault may come after its canary passed, and
/// what is spent cannot be given back. Until then the reservation counts all the same.
fn decided(life: &Life) -> Settlement {
    let facts = match life.facts() {
        Ok(facts) => facts,
        Err(error) => {
            tracing::error!(%error, submission.id = %life.submission_id, "unreadable row");
            return Settlement::Open;
        }
    };
    let state = SubmissionState::of(&facts);
    if facts.kind == SubmissionKind::Container && !state.is_final() {
        return Settlement::Open;
    }
    // A phase without a canary: what was scored has run.
    let has_run = life.canary_passed_at.is_some() || state == SubmissionState::Scored;
    settlement(&facts, has_run)
}

fn reason(life: &Life) -> &str {
    let failure = life
        .upload_failure
        .as_ref()
        .or(life.attempt_failure.as_ref());
    match (failure, life.cancelled_at) {
        (Some(code), _) => code,
        (None, Some(_)) => "cancelled",
        (None, None) => &life.upload_state,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_domain::FailureCode;
    use molar_domain::attempt::AttemptState;
    use molar_domain::phase::SubmissionKind;
    use molar_domain::upload::UploadState;
    use molar_service::Role;
    use molar_testkit::{
        AttemptBuilder, ChallengeBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder, as_role,
        insert_long_ago, noon, scans,
    };

    use super::*;

    async fn entries(pool: &PgPool, id: Uuid) -> Vec<(String, Option<String>)> {
        sqlx::query!(
            "SELECT entry, reason FROM submission.quota_ledger WHERE submission_id = $1 ORDER BY entry",
            id
        )
        .fetch_all(pool)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.entry, row.reason))
        .collect()
    }

    async fn settled(pool: &PgPool, id: Uuid) -> Vec<(String, Option<String>)> {
        let db = as_role(pool, Role::Submission).await;
        let unsettled = Pending::default();
        for _ in 0..2 {
            settle_all(&db, &unsettled, noon()).await.unwrap();
        }
        let mut entries = entries(pool, id).await;
        entries.retain(|(entry, _)| entry != "reserved");
        entries
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn accepted_predictions_are_spent_and_refused_ones_given_back_once(pool: PgPool) {
        let challenge = ChallengeBuilder::new("sts").insert(&pool).await;
        let team = TeamBuilder::new(&challenge, "Alpha").insert(&pool).await;
        let accepted = SubmissionBuilder::new(&challenge, &team)
            .insert(&pool)
            .await;
        let refused = SubmissionBuilder::new(&challenge, &team)
            .state(UploadState::Refused)
            .insert(&pool)
            .await;
        let checking = SubmissionBuilder::new(&challenge, &team)
            .state(UploadState::Completed)
            .insert(&pool)
            .await;
        assert_eq!(
            settled(&pool, accepted.id.0).await,
            [("spent".into(), None)]
        );
        let back = [("returned".into(), Some("bad-archive".into()))];
        assert_eq!(settled(&pool, refused.id.0).await, back);
        assert_eq!(settled(&pool, checking.id.0).await, []);
    }

    /// What is settled behind the round's back is settled again by whoever reads it.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_is_open_is_looked_at_until_it_is_settled_and_what_is_settled_no_more(
        pool: PgPool,
    ) {
        let challenge = ChallengeBuilder::new("sts").insert(&pool).await;
        let team = TeamBuilder::new(&challenge, "Alpha").insert(&pool).await;
        let new = SubmissionBuilder::new(&challenge, &team);
        let done = new.insert(&pool).await;
        let new = SubmissionBuilder::new(&challenge, &team).state(UploadState::Completed);
        let open = new.insert(&pool).await;
        let db = as_role(&pool, Role::Submission).await;
        let unsettled = Pending::default();
        let number = async |minute: i64| {
            let now = noon() + TimeDelta::minutes(minute);
            settle_all(&db, &unsettled, now).await.unwrap();
            let entries = [
                entries(&pool, done.id.0).await,
                entries(&pool, open.id.0).await,
            ];
            entries.map(|entries| entries.len())
        };
        // For the looks below both are of long ago.
        for minute in [0, 10, 20, 30, 40, 50, 60, 70, 80] {
            assert_eq!(number(minute).await, [2, 1]);
        }
        let forget = async || {
            let sql = "DELETE FROM submission.quota_ledger WHERE entry <> 'reserved'";
            sqlx::raw_sql(sql).execute(&pool).await.unwrap();
        };
        forget().await;
        let accept = "UPDATE submission.uploads SET state = 'accepted'";
        sqlx::raw_sql(accept).execute(&pool).await.unwrap();
        assert_eq!(number(85).await, [1, 2]);
        forget().await;
        assert_eq!(number(86).await, [1, 1]);
        assert_eq!(number(90).await, [2, 2]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn our_own_fault_gives_a_container_back_even_after_its_canary(pool: PgPool) {
        let phase = PhaseBuilder::new("final").kind(SubmissionKind::Container);
        let challenge = ChallengeBuilder::new("sts")
            .canary()
            .phase(phase)
            .insert(&pool)
            .await;
        let team = TeamBuilder::new(&challenge, "Alpha").insert(&pool).await;
        let submission = || {
            SubmissionBuilder::new(&challenge, &team)
                .container()
                .insert(&pool)
        };
        let (running, lost, cancelled) =
            (submission().await, submission().await, submission().await);
        for (of, attempt) in [
            (
                &running,
                AttemptBuilder::new(&challenge, &running).state(AttemptState::Running),
            ),
            (
                &lost,
                AttemptBuilder::new(&challenge, &lost).failed(FailureCode::WorkerLost),
            ),
        ] {
            attempt.insert(&pool).await;
            sqlx::query!(
                "UPDATE execution.attempts SET canary_passed_at = $2 WHERE submission_id = $1",
                of.id.0,
                noon()
            )
            .execute(&pool)
            .await
            .unwrap();
        }
        let before_canary =
            AttemptBuilder::new(&challenge, &cancelled).state(AttemptState::Cancelled);
        before_canary.insert(&pool).await;

        assert_eq!(settled(&pool, running.id.0).await, []);
        let back = |reason: &str| [("returned".to_owned(), Some(reason.to_owned()))];
        assert_eq!(settled(&pool, lost.id.0).await, back("worker-lost"));
        let mut conn = pool.acquire().await.unwrap();
        let place = (challenge.phase_id.0, team.id.0);
        let day = molar_domain::phase::day(noon(), chrono_tz::Tz::UTC);
        let used = ledger::used(&mut *conn, place, day).await.unwrap();
        // The cancelled one alone is a free failure: the lost worker was ours.
        assert_eq!((used.total, used.returned_today), (1, 1));
        let entries = settled(&pool, cancelled.id.0).await;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].0, "returned");
    }

    /// On a connection whose full looks have made a plan for whatever is asked of it.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_narrow_look_finds_reservations_by_an_index(pool: PgPool) {
        let challenge = ChallengeBuilder::new("sts").insert(&pool).await;
        let team = TeamBuilder::new(&challenge, "Alpha").insert(&pool).await;
        let new = SubmissionBuilder::new(&challenge, &team);
        new.insert(&pool).await;
        insert_long_ago(&pool).await;
        let db = as_role(&pool, Role::Submission).await;
        let mut tx = db.begin().await.unwrap();
        for _ in 0..10 {
            ledger::unsettled(&mut *tx, None).await.unwrap();
        }
        let table = ["submission.quota_ledger"];
        let index = ["submission.quota_ledger_reserved"];
        let before = (scans(&mut tx, &table).await, scans(&mut tx, &index).await);
        let since = Some(noon() - TimeDelta::hours(1));
        let found = ledger::unsettled(&mut *tx, since).await.unwrap();
        assert!(found.len() <= 1, "{found:?}");
        assert_eq!(scans(&mut tx, &table).await, before.0, "read whole");
        assert!(scans(&mut tx, &index).await > before.1);
    }
}
