//! The leased job.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::FailureCode;
use molar_objects::Bucket;
use molar_service::lease::{AttemptError, BoxError, Job, Lease, LeaseError, Settings};
use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::decoded::Decoded;
use super::measure::{Outcome, Source, measure};
use super::rows::{self, CaseScore, Done};
use super::task::{self, Object, Prediction, Run, RunEnd, Task};
use super::values;
use super::zips::Zips;
use crate::error::Result;
use crate::evaluations;
use crate::fetch::Fetcher;
use crate::slots::Slots;

/// Tries after which somebody should look at what keeps a case from being scored.
const TRIES_BEFORE_ALARM: u32 = 5;
/// Of the notes that a team is told about one prediction.
const NOTES_MAX: usize = 50;

/// Scores cases. Our own failures never become a team's values: such a case is tried for ever, with
/// longer and longer pauses, and an error in the log each time.
pub struct CaseScores {
    pub db: PgPool,
    pub fetcher: Fetcher,
    pub references: Decoded,
    pub zips: Zips,
    pub slots: Slots,
}

impl CaseScores {
    pub fn settings(&self) -> Settings {
        Settings {
            slots: self.slots.number(),
            lease: Duration::from_secs(30),
            skew: Duration::from_secs(10),
            attempts_max: u32::MAX,
            ..Settings::default()
        }
    }

    async fn score(&self, of: &CaseScore) -> Result<Done> {
        let task = task::find(&self.db, of.evaluation, of.case).await?;
        match &task.prediction {
            Prediction::Run {
                run,
                end: RunEnd::Failed { code, detail },
            } => Ok(Done::worst(&task, Some(run), *code, detail.clone())),
            Prediction::Run {
                run,
                end: RunEnd::Output(output),
            } => {
                let (run, output) = (run.clone(), output.clone());
                let file = self.fetch(Bucket::Outputs, &output).await?;
                self.measure(task, Source::File(file), Some(run)).await
            }
            Prediction::Zip(upload) => {
                let zip = self.zips.of(task.evaluation, upload).await?;
                self.measure(task, Source::Zip(zip), None).await
            }
        }
    }

    async fn measure(&self, task: Task, source: Source, run: Option<Run>) -> Result<Done> {
        // What talks to the store is large.
        let reference = Box::pin(self.references.of(&task)).await?;
        let work = move || {
            let outcome = measure(&task, &reference, &source)?;
            Ok(Done::of(outcome, &task, run.as_ref()))
        };
        self.slots.run(work).await
    }

    async fn fetch(&self, bucket: Bucket, object: &Object) -> Result<crate::fetch::Fetched> {
        self.fetcher
            .fetch(bucket, &object.key, object.size_bytes, &object.sha256)
            .await
    }
}

impl Done {
    fn of(outcome: Outcome, task: &Task, run: Option<&Run>) -> Self {
        match outcome {
            Outcome::Unreadable(detail) => {
                Self::worst(task, run, FailureCode::BadPrediction, detail)
            }
            Outcome::Scored(scored) => Self {
                values: values::measured(&scored, &task.plan, run),
                labels: Some(json!(scored.labels(&task.plan))),
                reason: None,
                notes: scored
                    .notes
                    .iter()
                    .take(NOTES_MAX)
                    .map(ToString::to_string)
                    .collect(),
            },
        }
    }

    fn worst(task: &Task, run: Option<&Run>, code: FailureCode, detail: String) -> Self {
        let plan = &task.plan;
        let further = plan.worst(task.geometry, task.spacing, &task.reference_labels);
        Self {
            values: values::worst(plan, further, run),
            labels: None,
            reason: Some((code, detail)),
            notes: Vec::new(),
        }
    }
}

#[async_trait]
impl Job for CaseScores {
    type Of = CaseScore;
    type Done = Done;

    const NAME: &'static str = "case-scores";

    async fn claim(
        &self,
        limit: usize,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<Lease<CaseScore>>, BoxError> {
        let limit = i64::try_from(limit)?;
        Ok(rows::claim(&self.db, limit, now, until).await?)
    }

    async fn extend(
        &self,
        lease: &Lease<CaseScore>,
        _now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        rows::extend(&self.db, lease, until).await
    }

    async fn work(
        &self,
        lease: &Lease<CaseScore>,
        cancel: CancellationToken,
    ) -> Result<Done, AttemptError> {
        if lease.attempt > TRIES_BEFORE_ALARM {
            tracing::error!(evaluation.id = %lease.of.evaluation, case.id = %lease.of.case, tries = lease.attempt,
                "a case still cannot be scored");
        }
        // What talks to the store is large.
        let score = Box::pin(self.score(&lease.of));
        let scored = cancel.run_until_cancelled(score).await;
        scored
            .ok_or(AttemptError::Interrupted)?
            .map_err(AttemptError::transient)
    }

    async fn finish(
        &self,
        lease: &Lease<CaseScore>,
        done: Done,
        now: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        let of = &lease.of;
        let mut tx = self.db.begin().await?;
        // Two last cases that end at once would each take the other for unscored.
        evaluations::lock(&mut tx, of.evaluation).await?;
        rows::score(&mut tx, lease, &done, now).await?;
        let is_last = evaluations::finish_if_done(&mut tx, of.evaluation, now).await?;
        tx.commit().await?;
        if is_last {
            self.zips.forget(of.evaluation);
        }
        Ok(())
    }

    /// Never called: tries do not run out, and what is wrong with a prediction is a result.
    async fn refuse(
        &self,
        lease: &Lease<CaseScore>,
        code: FailureCode,
        detail: &str,
        now: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        tracing::error!(%code, detail, "not scored");
        rows::free(&self.db, lease, now + TimeDelta::minutes(15), true).await
    }

    async fn retry(
        &self,
        lease: &Lease<CaseScore>,
        not_before: DateTime<Utc>,
        _now: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        rows::free(&self.db, lease, not_before, true).await
    }

    async fn give_back(
        &self,
        lease: &Lease<CaseScore>,
        now: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        rows::free(&self.db, lease, now, false).await
    }
}
