//! A challenge with references, files that were handed in, and the loops that measure them.

use std::sync::Arc;

use chrono::TimeDelta;
use molar_domain::Clock;
use molar_domain::attempt::AttemptState;
use molar_domain::case_run::CaseRunState;
use molar_domain::phase::SubmissionKind;
use molar_service::lease::{Job, LeaseLoop};
use molar_testkit::{
    Attempt, AttemptBuilder, Challenge, ChallengeBuilder, PhaseBuilder, Submission,
    SubmissionBuilder, TeamBuilder,
};
use serde_json::Value;
use sqlx::PgPool;

use crate::cases::CaseScores;
use crate::evaluations::{self, Reconciler};
use crate::references;
use crate::testing::{Objects, polygons};

pub const CASES: [&str; 2] = ["Case_01", "Case_02"];

/// A world in which references are stored and somebody submitted.
pub struct World {
    pub owner: PgPool,
    pub objects: Objects,
    pub job: CaseScores,
    pub reconciler: Reconciler,
}

#[derive(Debug, PartialEq)]
pub struct Scored {
    pub case: String,
    pub state: String,
    pub values: Option<Value>,
    pub reason: Option<String>,
    pub notes: Value,
}

impl World {
    pub async fn new(owner: PgPool) -> Self {
        let objects = Objects::start().await;
        let job = objects.job(&owner).await;
        let reconciler = Reconciler {
            db: job.db.clone(),
            clock: Arc::new(objects.clock.clone()),
            zips: job.zips.clone(),
            bell: Arc::default(),
            told: Arc::default(),
            looks: evaluations::Looks::default(),
        };
        Self {
            owner,
            objects,
            job,
            reconciler,
        }
    }

    pub async fn predictions(&self, zip: &[u8]) -> (Challenge, Submission) {
        let challenge = self.challenge(PhaseBuilder::new("validation")).await;
        let team = TeamBuilder::new(&challenge, "Molars")
            .insert(&self.owner)
            .await;
        let submission = SubmissionBuilder::new(&challenge, &team)
            .insert(&self.owner)
            .await;
        self.objects.put_upload(&self.owner, &submission, zip).await;
        (challenge, submission)
    }

    pub async fn container(&self, runs: CaseRunState) -> Attempt {
        let phase = PhaseBuilder::new("final").kind(SubmissionKind::Container);
        let challenge = self.challenge(phase).await;
        let team = TeamBuilder::new(&challenge, "Molars")
            .insert(&self.owner)
            .await;
        let submission = SubmissionBuilder::new(&challenge, &team)
            .container()
            .insert(&self.owner)
            .await;
        AttemptBuilder::new(&challenge, &submission)
            .state(AttemptState::Finished)
            .case_runs(runs)
            .insert(&self.owner)
            .await
    }

    pub async fn challenge(&self, phase: PhaseBuilder) -> Challenge {
        let builder = ChallengeBuilder::new("teeth").cases(&CASES).phase(phase);
        let challenge = builder.insert(&self.owner).await;
        for place in 0..CASES.len() {
            let reference = reference();
            self.objects
                .put_reference(&self.owner, &challenge, place, reference.as_bytes())
                .await;
        }
        challenge
    }

    pub async fn read_references(&self) {
        let reading = self.objects.reading(&self.owner).await;
        references::round(&reading).await.unwrap();
    }

    /// Makes the evaluations that are missing.
    pub async fn make_evaluations(&self) {
        evaluations::round(&self.reconciler).await.unwrap();
    }

    /// Of which evaluation the next case is that is taken to be measured.
    pub async fn claim(&self) -> Option<molar_domain::EvaluationId> {
        let now = self.objects.clock.now();
        let until = now + TimeDelta::seconds(30);
        let leases = self.job.claim(1, now, until).await.unwrap();
        leases.first().map(|lease| lease.of.evaluation)
    }

    /// One round of every loop; returns how many cases were claimed.
    pub async fn step(&self) -> usize {
        self.make_evaluations().await;
        let settings = self.job.settings();
        let job = CaseScores {
            db: self.job.db.clone(),
            fetcher: self.job.fetcher.clone(),
            references: self.job.references.clone(),
            zips: self.job.zips.clone(),
            slots: self.job.slots.clone(),
        };
        let clock = Arc::new(self.objects.clock.clone());
        let work = LeaseLoop::new(job, settings, clock);
        work.run_once().await.unwrap()
    }

    pub async fn cases(&self) -> Vec<Scored> {
        sqlx::query_as!(
            Scored,
            r#"SELECT t.name AS "case!", c.state, c.values, c.reason, c.notes
               FROM scoring.case_scores c JOIN tracks.cases t ON t.id = c.case_id ORDER BY t.name"#
        )
        .fetch_all(&self.owner)
        .await
        .unwrap()
    }

    pub async fn evaluation_state(&self) -> String {
        sqlx::query_scalar!("SELECT state FROM scoring.evaluations")
            .fetch_one(&self.owner)
            .await
            .unwrap()
    }

    pub async fn announced(&self) -> Vec<String> {
        sqlx::query_scalar!("SELECT routing_key FROM scoring.outbox ORDER BY routing_key, id")
            .fetch_all(&self.owner)
            .await
            .unwrap()
    }
}

/// 4 × 4 pixels each.
pub fn reference() -> String {
    polygons((8, 16), &[("11", [1, 1, 4, 4]), ("12", [8, 1, 11, 4])])
}

/// The first label whole, half of the second, and one that the track does not know.
pub fn half() -> String {
    polygons(
        (8, 16),
        &[
            ("11", [1, 1, 4, 4]),
            ("12", [8, 1, 11, 2]),
            ("99", [14, 6, 15, 7]),
        ],
    )
}

pub fn value(scored: &Scored, metric: &str) -> f64 {
    scored.values.as_ref().unwrap()[metric].as_f64().unwrap()
}
