//! What the tests of this role share: a store in a folder, a publisher that remembers what it rang, and a
//! world with a container and a worker.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::case_run::CaseRunState;
use molar_domain::worker_api::{Claim, Device, Finish, Grant, Stored};
use molar_domain::{AttemptId, Clock as _, FailureCode, SubmissionId, WorkerId};
use molar_objects::embedded::Server;
use molar_objects::{Bucket, BucketNames, Grants, Key, Role as Holder, S3Args, Store};
use molar_queue::Publish;
use molar_service::{Lookback, Role};
use molar_testkit::{
    Challenge, ChallengeBuilder, MockClock, SubmissionBuilder, TeamBuilder, Worker, WorkerBuilder,
    as_role, noon,
};
use molar_web_kit::testing::{Person, person};
use molar_web_kit::{Kit, testing};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::lease::LeaseArgs;
use crate::rows::workers;
use crate::startup::configure_worker_api;
use crate::state::State;
use crate::worker_api::claim;
use crate::{attempts, dispatch, sweep};

/// Remembers the routing keys.
#[derive(Default)]
pub struct Rung(Mutex<Vec<String>>);

impl Rung {
    pub fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Publish for Rung {
    async fn publish(
        &self,
        _: Uuid,
        routing_key: &str,
        _: &[u8],
        _: Option<&str>,
    ) -> molar_queue::Result<()> {
        self.0.lock().unwrap().push(routing_key.to_owned());
        Ok(())
    }
}

pub struct World {
    /// The owner's, to look at everything.
    pub pool: PgPool,
    pub db: PgPool,
    pub clock: MockClock,
    pub kit: web::Data<Kit>,
    pub state: web::Data<State>,
    pub rung: Arc<Rung>,
    pub challenge: Challenge,
    pub submission: SubmissionId,
    pub worker: Worker,
    _server: Server,
    _folder: TempDir,
}

impl World {
    /// One container, accepted and with its attempt, in a phase with a canary and two cases; one worker.
    pub async fn new(pool: PgPool) -> Self {
        Self::of(pool, ChallengeBuilder::new("teeth").canary()).await
    }

    pub async fn of(pool: PgPool, challenge: ChallengeBuilder) -> Self {
        let challenge = challenge.insert(&pool).await;
        let worker = WorkerBuilder::new("one").slots(2).insert(&pool).await;
        let db = as_role(&pool, Role::Execution).await;
        let clock = MockClock::at(noon());
        let folder = tempfile::tempdir().unwrap();
        let (server, store) = store(&folder).await;
        let rung = Arc::new(Rung::default());
        let state = web::Data::new(State {
            store,
            lease: LeaseArgs::default(),
            publisher: rung.clone(),
            dispatch: Arc::default(),
            queues: Arc::default(),
            listeners: Arc::new(Semaphore::new(2)),
            stop: CancellationToken::new(),
        });
        let kit = testing::kit(Role::Execution, db.clone(), clock.clone());
        let mut world = Self {
            pool,
            db,
            clock,
            kit,
            state,
            rung,
            challenge,
            submission: SubmissionId(Uuid::nil()),
            worker,
            _server: server,
            _folder: folder,
        };
        world.submission = world.submit("Ours").await;
        world
    }

    /// One more container, of a team of its own.
    pub async fn submit(&self, team: &str) -> SubmissionId {
        let team = TeamBuilder::new(&self.challenge, team)
            .insert(&self.pool)
            .await;
        let submission = SubmissionBuilder::new(&self.challenge, &team)
            .container()
            .insert(&self.pool)
            .await;
        let lookback = Lookback::default();
        let made = attempts::create::all(&self.db, &lookback, self.now());
        made.await.unwrap();
        submission.id
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Lets time pass while the worker beats.
    pub async fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
        sqlx::query!("UPDATE execution.workers SET last_seen_at = $1", self.now())
            .execute(&self.pool)
            .await
            .unwrap();
    }

    pub async fn dispatch(&self) -> usize {
        dispatch::release(&self.db, &*self.rung, self.now())
            .await
            .unwrap()
    }

    pub async fn sweep(&self) -> usize {
        sweep::sweep(&self.db, &*self.rung, self.state.lease, self.now())
            .await
            .unwrap()
    }

    pub async fn cancel(&self) {
        sqlx::query!(
            "UPDATE submission.submissions SET cancelled_at = $2, cancelled_by = created_by WHERE id = $1",
            self.submission.0,
            self.now(),
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    pub async fn reconcile(&self) {
        attempts::cancel::all(&self.db, &*self.rung, self.now())
            .await
            .unwrap();
    }

    pub async fn claim_as(&self, worker: WorkerId, claim: &Claim) -> Option<Grant> {
        let worker = workers::find(&self.db, worker).await.unwrap();
        claim::grant(&self.db, &self.state, &worker, claim, self.now())
            .await
            .unwrap()
    }

    /// Releases what can be, and claims.
    pub async fn claim(&self) -> Option<Grant> {
        self.dispatch().await;
        self.claim_as(self.worker.id, &Claim::default()).await
    }

    /// Puts a prediction where the grant's output belongs and returns a report that names it.
    pub async fn predicted(&self, grant: &Grant) -> Finish {
        let key = format!(
            "attempt/{}/{}/{}/{}",
            grant.attempt_id, grant.case_run_id, grant.lease_token, grant.output_name
        );
        let body = format!("prediction of {}", grant.case_run_id);
        let output = Stored {
            size_bytes: body.len() as u64,
            sha256: hex::encode(Sha256::digest(&body)),
        };
        self.state
            .store
            .put_bytes(Bucket::Outputs, &key, "application/json", body)
            .await
            .unwrap();
        Finish {
            output: Some(output),
            ..report(grant)
        }
    }

    /// Calls the worker API as the worker.
    pub async fn call(&self, path: &str, body: impl serde::Serialize) -> (StatusCode, Value) {
        self.call_with(&self.worker.key, path, body).await
    }

    pub async fn call_with(
        &self,
        key: &str,
        path: &str,
        body: impl serde::Serialize,
    ) -> (StatusCode, Value) {
        let configure = |config: &mut web::ServiceConfig| {
            configure_worker_api(self.kit.clone(), self.state.clone(), config);
        };
        let app = init_service(App::new().configure(configure)).await;
        let request = TestRequest::post()
            .uri(&format!("/worker/v1/{path}"))
            .insert_header(("authorization", format!("Bearer {key}")))
            .set_json(body);
        let answer = call_service(&app, request.to_request()).await;
        let status = answer.status();
        let body = read_body(answer).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub async fn finish(&self, grant: &Grant, report: &Finish) -> StatusCode {
        let path = format!("case-runs/{}/finish", grant.case_run_id);
        self.call(&path, report).await.0
    }

    /// Claims and finishes one case run with a prediction.
    pub async fn run_one(&self) -> Grant {
        let grant = self.claim().await.expect("something to run");
        let report = self.predicted(&grant).await;
        assert_eq!(self.finish(&grant, &report).await, StatusCode::NO_CONTENT);
        grant
    }

    /// State and failure of the container's attempt.
    /// Somebody of the team.
    pub async fn member(&self) -> Person {
        let member = person(&self.pool, "Member").await;
        sqlx::query!(
            "INSERT INTO registration.memberships (team_id, user_id, joined_at)
             SELECT team_id, $1, created_at FROM submission.submissions WHERE id = $2",
            member.id.0,
            self.submission.0,
        )
        .execute(&self.pool)
        .await
        .unwrap();
        member
    }

    pub async fn attempt(&self) -> (String, Option<String>) {
        let row = sqlx::query!(
            "SELECT state, failure FROM execution.attempts WHERE submission_id = $1",
            self.submission.0
        )
        .fetch_one(&self.pool)
        .await
        .unwrap();
        (row.state, row.failure)
    }

    pub async fn attempt_id(&self) -> AttemptId {
        sqlx::query_scalar!(
            "SELECT id FROM execution.attempts WHERE submission_id = $1",
            self.submission.0
        )
        .fetch_one(&self.pool)
        .await
        .unwrap()
        .into()
    }

    /// States of the attempt's case runs, in their order.
    pub async fn runs(&self) -> Vec<CaseRunState> {
        let states = sqlx::query_scalar!(
            "SELECT r.state FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
             WHERE a.submission_id = $1 ORDER BY r.position",
            self.submission.0
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        states.iter().map(|state| state.parse().unwrap()).collect()
    }

    /// What was announced, with how often.
    pub async fn announced(&self) -> BTreeMap<String, usize> {
        let keys = sqlx::query_scalar!("SELECT routing_key FROM execution.outbox")
            .fetch_all(&self.pool)
            .await
            .unwrap();
        let mut counts = BTreeMap::new();
        for key in keys {
            *counts.entry(key).or_default() += 1;
        }
        counts
    }
}

/// A report without a result.
pub fn report(grant: &Grant) -> Finish {
    Finish {
        lease_token: grant.lease_token,
        failure: None,
        failure_detail: None,
        exit_code: Some(0),
        wall_ms: Some(1500),
        gpu_area_mib_s: None,
        gpu_baseline_mib: None,
        gpu_total_mib: None,
        peak_memory_bytes: Some(1 << 20),
        gpu_peak_mib: None,
        kernel_peak_memory_bytes: None,
        memory_area_mib_s: None,
        cpu_core_s: None,
        device: Device::default(),
        output: None,
        log: None,
        series: None,
        notes: vec!["a\0b".to_owned()],
    }
}

pub fn failed(grant: &Grant, code: FailureCode) -> Finish {
    Finish {
        failure: Some(code),
        failure_detail: Some("the limit is 300 s".to_owned()),
        ..report(grant)
    }
}

async fn store(folder: &TempDir) -> (Server, Store) {
    let key = |role: Holder| Key {
        access_key: role.to_string(),
        secret_key: format!("secret of {role}").into(),
    };
    let keys: BTreeMap<_, _> = Holder::ALL.map(|role| (role, key(role))).into();
    let grants = Grants::of_roles(BucketNames::default(), &keys);
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(any, folder.path(), grants).await.unwrap();
    let open = |role: Holder| {
        let Key {
            access_key,
            secret_key,
        } = key(role);
        Store::connect(&S3Args {
            endpoint: server.endpoint().parse().unwrap(),
            public_endpoint: None,
            region: "us-east-1".to_owned(),
            access_key,
            secret_key,
            bucket_prefix: "molar-".to_owned(),
        })
        .unwrap()
    };
    open(Holder::Owner).ensure_buckets().await.unwrap();
    let store = open(Holder::Execution);
    (server, store)
}
