use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_domain::evaluation::{Parameters, SCORER_VERSION};
use molar_domain::{CaseId, EvaluationId};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use crate::challenge::Challenge;
use crate::{Attempt, Submission, noon};

#[derive(Debug, Clone)]
pub struct Evaluation {
    pub id: EvaluationId,
}

/// A finished evaluation whose cases all have the same values.
pub struct EvaluationBuilder<'a> {
    challenge: &'a Challenge,
    submission: &'a Submission,
    attempt: Option<&'a Attempt>,
    values: Value,
    metrics: Vec<String>,
    is_finished: bool,
    at: DateTime<Utc>,
}

impl<'a> EvaluationBuilder<'a> {
    /// `values` is `{metric: value}`, of every case.
    pub fn new(challenge: &'a Challenge, submission: &'a Submission, values: Value) -> Self {
        let metrics = values
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys().cloned())
            .collect();
        Self {
            challenge,
            submission,
            attempt: None,
            values,
            metrics,
            is_finished: true,
            at: noon(),
        }
    }

    /// Of a container: the attempt whose times are used.
    pub fn attempt(mut self, attempt: &'a Attempt) -> Self {
        self.attempt = Some(attempt);
        self
    }

    /// No case is scored yet.
    pub fn running(mut self) -> Self {
        self.is_finished = false;
        self
    }

    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.at = at;
        self
    }

    pub async fn insert(self, pool: &PgPool) -> Evaluation {
        let mut conn = pool.acquire().await.expect("a connection");
        let id = EvaluationId::at(self.at);
        let wall_s = self.challenge.limits.wall_s;
        let parameters = Parameters::new(&self.metrics, wall_s, &BTreeMap::new(), None);
        let parameters = parameters.expect("known metrics");
        sqlx::query!(
            "INSERT INTO scoring.evaluations
                 (id, submission_id, attempt_id, phase_id, team_id, scorer_version, reference_set_id, parameters_hash,
                  parameters, state, created_at, finished_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $12, $9, $10, $11)",
            id.0,
            self.submission.id.0,
            self.attempt.map(|attempt| attempt.id.0),
            self.submission.phase_id.0,
            self.submission.team_id.0,
            SCORER_VERSION,
            self.challenge.reference_set_id.0,
            parameters.hash(),
            if self.is_finished { "finished" } else { "running" },
            self.at,
            self.is_finished.then_some(self.at),
            json!(parameters),
        )
        .execute(&mut *conn)
        .await
        .expect("an evaluation");
        for case in &self.challenge.cases {
            self.insert_score(&mut conn, id, case.id).await;
        }
        Evaluation { id }
    }

    async fn insert_score(&self, conn: &mut PgConnection, evaluation: EvaluationId, case: CaseId) {
        let runs = self
            .attempt
            .map(|attempt| attempt.case_runs.as_slice())
            .unwrap_or_default();
        sqlx::query!(
            "INSERT INTO scoring.case_scores
                 (evaluation_id, case_id, case_run_id, state, values, labels, scored_at, not_before)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            evaluation.0,
            case.0,
            runs.iter()
                .find(|run| run.case_id == case)
                .map(|run| run.id.0),
            if self.is_finished {
                "scored"
            } else {
                "waiting"
            },
            self.is_finished.then(|| self.values.clone()),
            self.is_finished.then(|| json!([])),
            self.is_finished.then_some(self.at),
            self.at,
        )
        .execute(conn)
        .await
        .expect("a case score");
    }
}
