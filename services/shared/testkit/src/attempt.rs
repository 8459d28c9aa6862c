use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::attempt::AttemptState;
use molar_domain::case_run::CaseRunState;
use molar_domain::{AttemptId, CaseId, CaseRunId, FailureCode};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::challenge::{Case, Challenge, sha256_of};
use crate::{Submission, noon};

#[derive(Debug, Clone)]
pub struct CaseRun {
    pub id: CaseRunId,
    pub case_id: CaseId,
    /// The fence, where it runs or ran.
    pub lease_token: Option<Uuid>,
    /// In the bucket `outputs`, where it finished.
    pub output_key: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Attempt {
    pub id: AttemptId,
    pub canary: Option<CaseRun>,
    /// In the order of the challenge's cases.
    pub case_runs: Vec<CaseRun>,
}

/// An attempt at an accepted container, with a case run for each case in a state that fits its own.
pub struct AttemptBuilder<'a> {
    challenge: &'a Challenge,
    submission: &'a Submission,
    number: i32,
    rerun_reason: Option<String>,
    state: AttemptState,
    failure: FailureCode,
    runs: Option<CaseRunState>,
    device_class: String,
    at: DateTime<Utc>,
}

impl<'a> AttemptBuilder<'a> {
    pub fn new(challenge: &'a Challenge, submission: &'a Submission) -> Self {
        Self {
            challenge,
            submission,
            number: 1,
            rerun_reason: None,
            state: AttemptState::Queued,
            failure: FailureCode::CanaryFailed,
            runs: None,
            device_class: "cpu".to_owned(),
            at: noon(),
        }
    }

    pub fn number(mut self, number: i32) -> Self {
        self.number = number;
        self
    }

    /// By an organizer, for this reason.
    pub fn rerun(mut self, number: i32, reason: &str) -> Self {
        self.rerun_reason = Some(reason.to_owned());
        self.number(number)
    }

    pub fn state(mut self, state: AttemptState) -> Self {
        self.state = state;
        self
    }

    pub fn failed(mut self, code: FailureCode) -> Self {
        (self.state, self.failure) = (AttemptState::Failed, code);
        self
    }

    /// The state of all case runs but the canary.
    pub fn case_runs(mut self, state: CaseRunState) -> Self {
        self.runs = Some(state);
        self
    }

    pub fn device_class(mut self, class: &str) -> Self {
        self.device_class = class.to_owned();
        self
    }

    pub fn created_at(mut self, at: DateTime<Utc>) -> Self {
        self.at = at;
        self
    }

    pub async fn insert(self, pool: &PgPool) -> Attempt {
        let mut conn = pool.acquire().await.expect("a connection");
        let id = AttemptId::at(self.at);
        self.insert_attempt(&mut conn, id).await;
        let runs = self.runs.unwrap_or(match self.state {
            AttemptState::Queued | AttemptState::Running => CaseRunState::Waiting,
            AttemptState::Finished => CaseRunState::Finished,
            AttemptState::Failed | AttemptState::Cancelled => CaseRunState::Cancelled,
        });
        let mut attempt = Attempt {
            id,
            canary: None,
            case_runs: Vec::new(),
        };
        if let Some(case) = &self.challenge.canary {
            let state = self.canary_state();
            attempt.canary = Some(
                self.insert_run(&mut conn, id, case, "canary", 0, state)
                    .await,
            );
        }
        for (case, position) in self.challenge.cases.iter().zip(1..) {
            let run = self
                .insert_run(&mut conn, id, case, "case", position, runs)
                .await;
            attempt.case_runs.push(run);
        }
        attempt
    }

    fn canary_state(&self) -> CaseRunState {
        match self.state {
            AttemptState::Queued => CaseRunState::Waiting,
            AttemptState::Running | AttemptState::Finished => CaseRunState::Finished,
            AttemptState::Failed => CaseRunState::Failed,
            AttemptState::Cancelled => CaseRunState::Cancelled,
        }
    }

    async fn insert_attempt(&self, conn: &mut PgConnection, id: AttemptId) {
        let has_started = matches!(self.state, AttemptState::Running | AttemptState::Finished);
        sqlx::query!(
            "INSERT INTO execution.attempts
                 (id, submission_id, number, phase_id, team_id, state, image_digest, archive_key, archive_size_bytes,
                  limits, device_class, format, failure, canary_passed_at, created_at, started_at, finished_at,
                  is_rerun, rerun_reason, rerun_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 4096, $9, $10, $11, $12, $13, $14, $15, $16, $17::text IS NOT NULL, $17,
                     CASE WHEN $17 IS NOT NULL THEN (SELECT created_by FROM submission.submissions WHERE id = $2) END)",
            id.0,
            self.submission.id.0,
            self.number,
            self.submission.phase_id.0,
            self.submission.team_id.0,
            self.state.as_str(),
            format!("sha256:{}", self.submission.sha256),
            self.submission.object_key,
            json!(self.challenge.limits),
            self.device_class,
            self.challenge.format.as_str(),
            (self.state == AttemptState::Failed).then_some(self.failure.as_str()),
            (has_started && self.challenge.canary.is_some()).then_some(self.at),
            self.at,
            has_started.then_some(self.at),
            self.state.is_final().then_some(self.at + TimeDelta::minutes(10)),
            self.rerun_reason,
        )
        .execute(conn)
        .await
        .expect("an attempt");
    }

    async fn insert_run(
        &self,
        conn: &mut PgConnection,
        attempt: AttemptId,
        case: &Case,
        kind: &str,
        position: i32,
        state: CaseRunState,
    ) -> CaseRun {
        use CaseRunState::{Failed, Finished, Running};
        let id = CaseRunId::at(self.at);
        let token = matches!(state, Running | Finished | Failed).then(Uuid::new_v4);
        let output_key = token
            .filter(|_| state == Finished)
            .map(|token| format!("attempt/{attempt}/{id}/{token}/{}", case.name));
        sqlx::query!(
            "INSERT INTO execution.case_runs
                 (id, attempt_id, case_id, kind, position, state, lease_token, lease_expires_at, claims, not_before,
                  claimed_at, finished_at, failure, wall_ms, output_key, output_size_bytes, output_sha256)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            id.0,
            attempt.0,
            case.id.0,
            kind,
            position,
            state.as_str(),
            token,
            (state == Running).then_some(self.at + TimeDelta::minutes(1)),
            i32::from(token.is_some()),
            self.at,
            token.map(|_| self.at),
            state.is_final().then_some(self.at + TimeDelta::seconds(30)),
            (state == Failed).then_some(FailureCode::TimedOut.as_str()),
            (state == Finished).then_some(1500_i64),
            output_key,
            output_key.as_ref().map(|_| 2048_i64),
            output_key.as_deref().map(sha256_of),
        )
        .execute(conn)
        .await
        .expect("a case run");
        CaseRun {
            id,
            case_id: case.id,
            lease_token: token,
            output_key,
        }
    }
}
