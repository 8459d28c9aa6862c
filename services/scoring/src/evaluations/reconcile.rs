//! The round that makes the rows of this role follow those of the others. Idempotent: what it misses,
//! the next one finds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use molar_domain::{Clock, EvaluationId};
use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

use super::create::{self, Looks};
use super::end;
use crate::cases::Zips;
use crate::error::Result;
use crate::rescorings;

#[derive(Clone)]
pub struct Reconciler {
    pub db: PgPool,
    pub clock: Arc<dyn Clock>,
    pub zips: Zips,
    /// Rung when there may be cases to score.
    pub bell: Arc<Notify>,
    /// References that somebody was told about.
    pub told: Arc<Mutex<BTreeSet<Uuid>>>,
    pub looks: Looks,
}

pub async fn round(of: &Reconciler) -> Result<()> {
    let now = of.clock.now();
    end::cancel_dead(&of.db).await?;
    let made = create::missing(&of.db, &of.looks, now).await;
    let rescored = rescorings::round(&of.db, now).await;
    end::finish_done(&of.db, now).await?;
    of.zips.keep_only(&running(&of.db).await?);
    warn_of_blocked(of).await?;
    // Runs may have ended as well: the claim knows.
    of.bell.notify_one();
    made.map(drop).and(rescored)
}

async fn running(db: &PgPool) -> sqlx::Result<BTreeSet<EvaluationId>> {
    let ids = sqlx::query_scalar!("SELECT id FROM scoring.evaluations WHERE state = 'running'")
        .fetch_all(db)
        .await?;
    Ok(ids.into_iter().map(EvaluationId).collect())
}

/// Says once of each refused reference that cases wait for a better one.
async fn warn_of_blocked(of: &Reconciler) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"SELECT f.reference_id, f.complaint AS "complaint!", count(*) AS "cases!"
           FROM scoring.case_scores c
           JOIN scoring.evaluations e ON e.id = c.evaluation_id AND e.state = 'running'
           JOIN scoring.reference_facts f ON f.reference_set_id = e.reference_set_id AND f.case_id = c.case_id
           WHERE c.state = 'waiting' AND NOT f.is_good
           GROUP BY f.reference_id, f.complaint"#
    )
    .fetch_all(&of.db)
    .await?;
    let mut told = of.told.lock().unwrap_or_else(PoisonError::into_inner);
    for row in rows {
        if told.insert(row.reference_id) {
            tracing::warn!(reference.id = %row.reference_id, complaint = row.complaint, cases = row.cases,
                "cases wait for a good reference");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_domain::FailureCode;
    use molar_domain::attempt::AttemptState;
    use molar_domain::case_run::CaseRunState;
    use molar_domain::phase::SubmissionKind;
    use molar_service::Role;
    use molar_testkit::{
        Attempt, AttemptBuilder, Challenge, ChallengeBuilder, MockClock, PhaseBuilder, Submission,
        SubmissionBuilder, TeamBuilder, as_role, noon,
    };

    use super::*;
    use crate::testing::Objects;

    async fn reconciler(owner: &PgPool) -> Reconciler {
        let objects = Objects::start().await;
        Reconciler {
            db: as_role(owner, Role::Scoring).await,
            clock: Arc::new(MockClock::at(noon())),
            zips: Zips::new(objects.fetcher()),
            bell: Arc::default(),
            told: Arc::default(),
            looks: Looks::default(),
        }
    }

    async fn predictions(owner: &PgPool) -> (Challenge, Submission) {
        let challenge = ChallengeBuilder::new("teeth").insert(owner).await;
        let team = TeamBuilder::new(&challenge, "Molars").insert(owner).await;
        let submission = SubmissionBuilder::new(&challenge, &team)
            .insert(owner)
            .await;
        (challenge, submission)
    }

    async fn container(owner: &PgPool, state: AttemptState, runs: CaseRunState) -> Attempt {
        let phase = PhaseBuilder::new("final").kind(SubmissionKind::Container);
        let challenge = ChallengeBuilder::new("teeth")
            .canary()
            .phase(phase)
            .insert(owner)
            .await;
        let team = TeamBuilder::new(&challenge, "Molars").insert(owner).await;
        let submission = SubmissionBuilder::new(&challenge, &team)
            .container()
            .insert(owner)
            .await;
        AttemptBuilder::new(&challenge, &submission)
            .state(state)
            .case_runs(runs)
            .insert(owner)
            .await
    }

    /// State, whether it has an attempt, number of cases and of those with a run; of each evaluation.
    async fn seen(owner: &PgPool) -> Vec<String> {
        sqlx::query_scalar!(
            r#"SELECT format('%s %s of %s', e.state, count(c.case_run_id), count(c.case_id)) AS "text!"
               FROM scoring.evaluations e LEFT JOIN scoring.case_scores c ON c.evaluation_id = e.id
               GROUP BY e.id ORDER BY e.id"#
        )
        .fetch_all(owner)
        .await
        .unwrap()
    }

    async fn score_all(owner: &PgPool) {
        sqlx::query!(
            "UPDATE scoring.case_scores SET state = 'scored', values = '{}', scored_at = now()"
        )
        .execute(owner)
        .await
        .unwrap();
    }

    async fn announced(owner: &PgPool) -> Vec<String> {
        sqlx::query_scalar!("SELECT routing_key FROM scoring.outbox ORDER BY id")
            .fetch_all(owner)
            .await
            .unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn accepted_predictions_get_one_evaluation_however_many_look(owner: PgPool) {
        predictions(&owner).await;
        let (one, two) = (reconciler(&owner).await, reconciler(&owner).await);
        let (first, second) = tokio::join!(round(&one), round(&two));
        first.unwrap();
        second.unwrap();
        round(&one).await.unwrap();
        assert_eq!(seen(&owner).await, ["running 0 of 2"]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_new_set_of_references_makes_a_new_evaluation(owner: PgPool) {
        let (challenge, _) = predictions(&owner).await;
        let mut reconciler = reconciler(&owner).await;
        round(&reconciler).await.unwrap();
        sqlx::query!(
            "INSERT INTO tracks.reference_sets (id, split_id, version, created_at) VALUES ($1, $2, 2, $3)",
            Uuid::new_v4(),
            challenge.split_id.0,
            noon(),
        )
        .execute(&owner)
        .await
        .unwrap();
        reconciler.clock = Arc::new(MockClock::at(noon() + chrono::TimeDelta::seconds(1)));
        round(&reconciler).await.unwrap();
        // The next round finds that the first is replaced.
        round(&reconciler).await.unwrap();
        assert_eq!(seen(&owner).await, ["cancelled 0 of 2", "running 0 of 2"]);
    }

    async fn measure_by(
        reconciler: &mut Reconciler,
        owner: &PgPool,
        metrics: &[&str],
        minute: i64,
    ) {
        let metrics: Vec<_> = metrics.iter().map(|&name| name.to_owned()).collect();
        sqlx::query!("UPDATE tracks.phases SET metrics = $1", &metrics)
            .execute(owner)
            .await
            .unwrap();
        reconciler.clock = Arc::new(MockClock::at(noon() + chrono::TimeDelta::minutes(minute)));
        round(reconciler).await.unwrap();
        // The next round finds what is replaced.
        round(reconciler).await.unwrap();
    }

    async fn counts(owner: &PgPool) -> Vec<String> {
        sqlx::query_scalar!(
            r#"SELECT format('%s %s', state, is_current) AS "text!" FROM scoring.evaluation_facts ORDER BY evaluation_id"#
        )
        .fetch_all(owner)
        .await
        .unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_change_of_metrics_counts_at_once_only_until_something_is_scored(owner: PgPool) {
        let (challenge, submission) = predictions(&owner).await;
        let mut reconciler = reconciler(&owner).await;
        let (old, new) = (["IA"], ["IA", "image_HD95"]);
        measure_by(&mut reconciler, &owner, &old, 0).await;
        measure_by(&mut reconciler, &owner, &new, 1).await;
        assert_eq!(counts(&owner).await, ["cancelled f", "running t"]);
        score_all(&owner).await;
        round(&reconciler).await.unwrap();
        measure_by(&mut reconciler, &owner, &old, 2).await;
        assert_eq!(counts(&owner).await, ["cancelled f", "finished t"]);

        // What is handed in now is measured as the others were.
        let team = TeamBuilder::new(&challenge, "Late").insert(&owner).await;
        SubmissionBuilder::new(&challenge, &team)
            .insert(&owner)
            .await;
        measure_by(&mut reconciler, &owner, &old, 3).await;
        assert_eq!(
            counts(&owner).await,
            ["cancelled f", "finished t", "running t"]
        );
        let shown = sqlx::query_scalar!(
            "SELECT evaluation_state FROM submission.life WHERE submission_id = $1",
            submission.id.0
        );
        let shown = shown.fetch_one(&owner).await.unwrap();
        assert_eq!(shown.as_deref(), Some("finished"));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_was_cancelled_or_refused_is_not_evaluated(owner: PgPool) {
        let challenge = ChallengeBuilder::new("teeth").insert(&owner).await;
        let team = TeamBuilder::new(&challenge, "Molars").insert(&owner).await;
        let new = || SubmissionBuilder::new(&challenge, &team);
        new().cancelled().insert(&owner).await;
        new()
            .state(molar_domain::upload::UploadState::Refused)
            .insert(&owner)
            .await;
        round(&reconciler(&owner).await).await.unwrap();
        assert!(seen(&owner).await.is_empty());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_was_withdrawn_is_evaluated_to_its_end_and_not_again(owner: PgPool) {
        let challenge = ChallengeBuilder::new("teeth").insert(&owner).await;
        let team = TeamBuilder::new(&challenge, "Molars").insert(&owner).await;
        let new = SubmissionBuilder::new(&challenge, &team);
        new.withdrawn().insert(&owner).await;
        let reconciler = reconciler(&owner).await;
        round(&reconciler).await.unwrap();
        assert_eq!(seen(&owner).await.len(), 1);
        score_all(&owner).await;
        round(&reconciler).await.unwrap();
        let finished = seen(&owner).await;
        assert!(finished[0].starts_with("finished"), "{finished:?}");
        sqlx::query!("UPDATE scoring.evaluations SET scorer_version = 'old'")
            .execute(&owner)
            .await
            .unwrap();
        round(&reconciler).await.unwrap();
        assert_eq!(seen(&owner).await, finished);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_withdrawn_container_that_runs_is_evaluated_too(owner: PgPool) {
        container(&owner, AttemptState::Running, CaseRunState::Waiting).await;
        sqlx::query!(
            "UPDATE submission.submissions SET withdrawn_at = $1",
            noon()
        )
        .execute(&owner)
        .await
        .unwrap();
        round(&reconciler(&owner).await).await.unwrap();
        assert_eq!(seen(&owner).await, ["running 2 of 2"]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_cancelled_submission_ends_its_evaluation_and_frees_its_leases(owner: PgPool) {
        let (_, submission) = predictions(&owner).await;
        let reconciler = reconciler(&owner).await;
        round(&reconciler).await.unwrap();
        sqlx::query!(
            "UPDATE scoring.case_scores SET state = 'scoring', lease_token = gen_random_uuid(), lease_expires_at = now()"
        )
        .execute(&owner)
        .await
        .unwrap();
        sqlx::query!(
            "UPDATE submission.submissions SET cancelled_at = $2 WHERE id = $1",
            submission.id.0,
            noon()
        )
        .execute(&owner)
        .await
        .unwrap();
        round(&reconciler).await.unwrap();
        assert_eq!(seen(&owner).await, ["cancelled 0 of 2"]);
        let held = sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM scoring.case_scores WHERE lease_token IS NOT NULL"#
        );
        assert_eq!(held.fetch_one(&owner).await.unwrap(), 0);
        assert!(announced(&owner).await.is_empty());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_evaluation_of_a_container_ends_after_its_attempt(owner: PgPool) {
        let attempt = container(&owner, AttemptState::Running, CaseRunState::Waiting).await;
        let reconciler = reconciler(&owner).await;
        round(&reconciler).await.unwrap();
        // The canary is no case of the phase.
        assert_eq!(seen(&owner).await, ["running 2 of 2"]);
        score_all(&owner).await;
        round(&reconciler).await.unwrap();
        assert_eq!(seen(&owner).await, ["running 2 of 2"]);

        sqlx::query!(
            "UPDATE execution.attempts SET state = 'finished', finished_at = $2 WHERE id = $1",
            attempt.id.0,
            noon()
        )
        .execute(&owner)
        .await
        .unwrap();
        round(&reconciler).await.unwrap();
        round(&reconciler).await.unwrap();
        assert_eq!(seen(&owner).await, ["finished 2 of 2"]);
        assert_eq!(announced(&owner).await, ["evaluation.finished"]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_failed_attempt_takes_its_evaluation_with_it(owner: PgPool) {
        let attempt = container(&owner, AttemptState::Running, CaseRunState::Waiting).await;
        let reconciler = reconciler(&owner).await;
        round(&reconciler).await.unwrap();
        sqlx::query!(
            "UPDATE execution.attempts SET state = 'failed', failure = $3, finished_at = $2 WHERE id = $1",
            attempt.id.0,
            noon(),
            FailureCode::WorkerLost.as_str(),
        )
        .execute(&owner)
        .await
        .unwrap();
        round(&reconciler).await.unwrap();
        assert_eq!(seen(&owner).await, ["cancelled 2 of 2"]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_trial_is_not_evaluated_and_so_never_ranked(owner: PgPool) {
        container(&owner, AttemptState::Finished, CaseRunState::Finished).await;
        sqlx::query!("UPDATE submission.submissions SET is_trial = true")
            .execute(&owner)
            .await
            .unwrap();
        round(&reconciler(&owner).await).await.unwrap();
        assert!(seen(&owner).await.is_empty());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_attempt_that_has_not_begun_is_not_evaluated(owner: PgPool) {
        container(&owner, AttemptState::Queued, CaseRunState::Waiting).await;
        round(&reconciler(&owner).await).await.unwrap();
        assert!(seen(&owner).await.is_empty());
    }

    /// A container of one attempt, which is scored.
    async fn scored(owner: &PgPool) -> (Challenge, Submission, Reconciler) {
        let phase = PhaseBuilder::new("final").kind(SubmissionKind::Container);
        let challenge = ChallengeBuilder::new("teeth")
            .phase(phase)
            .insert(owner)
            .await;
        let team = TeamBuilder::new(&challenge, "Molars").insert(owner).await;
        let new = SubmissionBuilder::new(&challenge, &team).container();
        let submission = new.insert(owner).await;
        let attempt = AttemptBuilder::new(&challenge, &submission).state(AttemptState::Finished);
        attempt.insert(owner).await;
        let reconciler = reconciler(owner).await;
        round(&reconciler).await.unwrap();
        score_all(owner).await;
        round(&reconciler).await.unwrap();
        (challenge, submission, reconciler)
    }

    async fn life(owner: &PgPool) -> (Option<String>, bool) {
        let state = sqlx::query_scalar!("SELECT evaluation_state FROM submission.life");
        let in_flight =
            sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM submission.in_flight) AS "is!""#);
        (
            state.fetch_one(owner).await.unwrap(),
            in_flight.fetch_one(owner).await.unwrap(),
        )
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_rerun_is_measured_beside_and_leaves_the_earlier_score_where_it_fails(owner: PgPool) {
        let (challenge, submission, mut reconciler) = scored(&owner).await;
        let attempt = || AttemptBuilder::new(&challenge, &submission);
        assert_eq!(life(&owner).await, (Some("finished".to_owned()), false));

        let later = noon() + chrono::TimeDelta::minutes(30);
        let second = attempt().rerun(2, "why").created_at(later);
        let second = second.insert(&owner).await;
        assert_eq!(life(&owner).await, (Some("finished".to_owned()), true));
        set(&owner, second.id.0, AttemptState::Finished).await;
        assert_eq!(life(&owner).await, (None, true));
        set(&owner, second.id.0, AttemptState::Running).await;
        reconciler.clock = Arc::new(MockClock::at(later));
        round(&reconciler).await.unwrap();
        assert_eq!(seen(&owner).await, ["finished 2 of 2", "running 2 of 2"]);
        assert_eq!(life(&owner).await, (Some("running".to_owned()), true));

        set(&owner, second.id.0, AttemptState::Failed).await;
        round(&reconciler).await.unwrap();
        assert_eq!(seen(&owner).await, ["finished 2 of 2", "cancelled 2 of 2"]);
        assert_eq!(life(&owner).await, (Some("finished".to_owned()), false));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_rerun_after_a_change_of_the_scorer_is_measured_once(owner: PgPool) {
        let (challenge, submission, mut reconciler) = scored(&owner).await;
        let attempt = || AttemptBuilder::new(&challenge, &submission);
        for sql in [
            sqlx::query!("UPDATE scoring.frames SET scorer_version = '0'"),
            sqlx::query!("UPDATE scoring.evaluations SET scorer_version = '0'"),
        ] {
            sql.execute(&owner).await.unwrap();
        }
        let later = noon() + chrono::TimeDelta::minutes(30);
        let second = attempt().rerun(2, "why").created_at(later);
        let second = second.insert(&owner).await;
        set(&owner, second.id.0, AttemptState::Running).await;
        reconciler.clock = Arc::new(MockClock::at(later));
        for _ in 0..3 {
            round(&reconciler).await.unwrap();
        }
        let states: Vec<_> = seen(&owner).await;
        assert_eq!(states.len(), 2, "{states:?}");
        assert!(states[1].starts_with("running"), "{states:?}");
    }

    async fn set(owner: &PgPool, attempt: uuid::Uuid, state: AttemptState) {
        sqlx::query!(
            "UPDATE execution.attempts SET state = $2, finished_at = $3,
                 failure = CASE WHEN $2 = 'failed' THEN 'worker-lost' END WHERE id = $1",
            attempt,
            state.as_str(),
            state.is_final().then(noon),
        )
        .execute(owner)
        .await
        .unwrap();
    }
}
