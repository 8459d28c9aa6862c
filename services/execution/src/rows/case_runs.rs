//! `execution.case_runs`

use chrono::{DateTime, Utc};
use molar_domain::case_run::{CaseRunKind, CaseRunState, Event};
use molar_domain::worker_api::{Device, Stored};
use molar_domain::{AttemptId, CaseRunId, FailureCode, WorkerId};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::one;
use crate::doorbell::Stop;
use crate::{Error, Result};

#[derive(Debug, Clone)]
pub struct Run {
    pub id: CaseRunId,
    pub attempt_id: AttemptId,
    pub kind: CaseRunKind,
    pub state: CaseRunState,
    /// Stays when the run ends, so that its holder can be told from others.
    pub lease_token: Option<Uuid>,
    pub lease_expires_at: Option<DateTime<Utc>>,
    pub worker_id: Option<WorkerId>,
    pub claims: i32,
    pub lost_leases: i32,
    /// The one on which the image is tried before all others.
    pub is_first: bool,
}

impl Run {
    pub fn is_held_by(&self, worker: WorkerId, token: Uuid) -> bool {
        self.lease_token == Some(token) && self.worker_id == Some(worker)
    }
}

/// `None` for an id that is not ours.
pub async fn find(db: impl PgExecutor<'_>, id: CaseRunId) -> Result<Option<Run>> {
    let row = sqlx::query!(
        r#"SELECT r.attempt_id, r.kind, r.state, r.lease_token, r.lease_expires_at, r.worker_id, r.claims, r.lost_leases,
                  r.position = (SELECT min(o.position) FROM execution.case_runs o WHERE o.attempt_id = r.attempt_id) AS "is_first!"
           FROM execution.case_runs r WHERE r.id = $1"#,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Run {
        id,
        attempt_id: row.attempt_id.into(),
        kind: row.kind.parse()?,
        state: row.state.parse()?,
        lease_token: row.lease_token,
        lease_expires_at: row.lease_expires_at,
        worker_id: row.worker_id.map(WorkerId),
        claims: row.claims,
        lost_leases: row.lost_leases,
        is_first: row.is_first,
    }))
}

/// The row stays as it is to the end of the transaction.
///
/// Who then writes nothing rolls back by name: a transaction that is only dropped is undone some time
/// after the answer, and a dispatcher that looks meanwhile passes the locked row over.
pub async fn lock(tx: &mut PgConnection, id: CaseRunId) -> Result<Run> {
    sqlx::query!(
        r#"SELECT true AS "there!" FROM execution.case_runs WHERE id = $1 FOR UPDATE"#,
        id.0
    )
    .fetch_optional(&mut *tx)
    .await?;
    find(tx, id).await?.ok_or(Error::Stale)
}

pub struct New {
    pub id: CaseRunId,
    pub case_id: Uuid,
    pub kind: CaseRunKind,
    pub position: i32,
}

pub async fn insert(
    tx: &mut PgConnection,
    attempt: AttemptId,
    new: &New,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO execution.case_runs (id, attempt_id, case_id, kind, position, state, not_before)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new.id.0,
        attempt.0,
        new.case_id,
        new.kind.as_str(),
        new.position,
        CaseRunState::Waiting.as_str(),
        now,
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub struct Lease {
    pub token: Uuid,
    pub worker: WorkerId,
    pub expires_at: DateTime<Utc>,
}

/// Counts the claim at once, so that a run that kills its worker is given up too.
pub async fn claim(
    tx: &mut PgConnection,
    run: &Run,
    lease: &Lease,
    now: DateTime<Utc>,
) -> Result<()> {
    let to = run.state.apply(Event::Claim)?;
    let done = sqlx::query!(
        "UPDATE execution.case_runs
         SET state = $3, lease_token = $4, lease_expires_at = $5, worker_id = $6, claims = claims + 1, claimed_at = $7
         WHERE id = $1 AND state = $2",
        run.id.0,
        run.state.as_str(),
        to.as_str(),
        lease.token,
        lease.expires_at,
        lease.worker.0,
        now,
    )
    .execute(tx)
    .await?;
    one(&done)
}

/// Heartbeat; touches the one row and needs no lock on the attempt.
pub async fn extend(
    db: impl PgExecutor<'_>,
    id: CaseRunId,
    worker: WorkerId,
    token: Uuid,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let done = sqlx::query!(
        "UPDATE execution.case_runs SET lease_expires_at = $4
         WHERE id = $1 AND state = 'running' AND lease_token = $2 AND worker_id = $3",
        id.0,
        token,
        worker.0,
        expires_at,
    )
    .execute(db)
    .await?;
    one(&done)
}

/// What a run cost.
#[derive(Debug, Clone)]
pub struct Charge {
    pub claims: i32,
    pub lost_leases: i32,
    /// Not before this is it released again.
    pub not_before: DateTime<Utc>,
}

/// Back in line; whoever held it cannot write any more.
pub async fn give_back(tx: &mut PgConnection, run: &Run, charge: &Charge) -> Result<()> {
    let to = run.state.apply(Event::Lose)?;
    let done = sqlx::query!(
        "UPDATE execution.case_runs
         SET state = $3, lease_token = NULL, lease_expires_at = NULL, worker_id = NULL,
             claims = $5, lost_leases = $6, not_before = $7
         WHERE id = $1 AND state = $2 AND lease_token = $4",
        run.id.0,
        run.state.as_str(),
        to.as_str(),
        run.lease_token,
        charge.claims,
        charge.lost_leases,
        charge.not_before,
    )
    .execute(tx)
    .await?;
    one(&done)
}

/// Given up, through our own fault. The token stays: what came of its log can still be read.
pub async fn give_up(
    tx: &mut PgConnection,
    run: &Run,
    lost_leases: i32,
    (code, detail): (FailureCode, &str),
    now: DateTime<Utc>,
) -> Result<()> {
    let to = run.state.apply(Event::Fail)?;
    let done = sqlx::query!(
        "UPDATE execution.case_runs
         SET state = $3, lease_expires_at = NULL, lost_leases = $5,
             failure = $6, failure_detail = $7, finished_at = $8
         WHERE id = $1 AND state = $2 AND lease_token = $4",
        run.id.0,
        run.state.as_str(),
        to.as_str(),
        run.lease_token,
        lost_leases,
        code.as_str(),
        detail,
        now,
    )
    .execute(tx)
    .await?;
    one(&done)
}

/// What a run came to, as its worker reports it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// None: there is an output.
    pub failure: Option<(FailureCode, String)>,
    pub exit_code: Option<i32>,
    pub wall_ms: Option<i64>,
    pub gpu_area_mib_s: Option<f64>,
    pub gpu_baseline_mib: Option<f64>,
    pub gpu_total_mib: Option<f64>,
    pub peak_memory_bytes: Option<i64>,
    pub kernel_peak_memory_bytes: Option<i64>,
    pub gpu_peak_mib: Option<f64>,
    pub memory_area_mib_s: Option<f64>,
    pub cpu_core_s: Option<f64>,
    pub device: Device,
    pub output: Option<(String, Stored)>,
    /// Keys, and what lies there.
    pub log: Option<(String, Stored)>,
    pub series: Option<(String, Stored)>,
    pub notes: Vec<String>,
}

fn size(kept: &Option<(String, Stored)>) -> Option<i64> {
    kept.as_ref()
        .and_then(|(_, stored)| i64::try_from(stored.size_bytes).ok())
}

pub async fn end(
    tx: &mut PgConnection,
    run: &Run,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<()> {
    let event = match outcome.failure {
        None => Event::Finish,
        Some(_) => Event::Fail,
    };
    let to = run.state.apply(event)?;
    let output = outcome.output.as_ref();
    let output_size = output
        .map(|(_, stored)| i64::try_from(stored.size_bytes))
        .transpose()
        .map_err(|_| Error::BadRow("output_size_bytes"))?;
    let done = sqlx::query!(
        "UPDATE execution.case_runs
         SET state = $3, lease_expires_at = NULL, finished_at = $5, failure = $6, failure_detail = $7,
             exit_code = $8, wall_ms = $9, gpu_area_mib_s = $10, gpu_baseline_mib = $11, gpu_total_mib = $12,
             peak_memory_bytes = $13, kernel_peak_memory_bytes = $14, gpu_peak_mib = $15, memory_area_mib_s = $16,
             cpu_core_s = $17, device = $18, output_key = $19, output_size_bytes = $20, output_sha256 = $21,
             log_key = $22, series_key = $23, notes = $24, log_size_bytes = $25, series_size_bytes = $26
         WHERE id = $1 AND state = $2 AND lease_token = $4",
        run.id.0,
        run.state.as_str(),
        to.as_str(),
        run.lease_token,
        now,
        outcome.failure.as_ref().map(|(code, _)| code.as_str()),
        outcome.failure.as_ref().map(|(_, detail)| detail.as_str()),
        outcome.exit_code,
        outcome.wall_ms,
        outcome.gpu_area_mib_s,
        outcome.gpu_baseline_mib,
        outcome.gpu_total_mib,
        outcome.peak_memory_bytes,
        outcome.kernel_peak_memory_bytes,
        outcome.gpu_peak_mib,
        outcome.memory_area_mib_s,
        outcome.cpu_core_s,
        serde_json::to_value(&outcome.device)?,
        output.map(|(key, _)| key.as_str()),
        output_size,
        output.map(|(_, stored)| stored.sha256.as_str()),
        outcome.log.as_ref().map(|(key, _)| key.as_str()),
        outcome.series.as_ref().map(|(key, _)| key.as_str()),
        serde_json::to_value(&outcome.notes)?,
        size(&outcome.log),
        size(&outcome.series),
    )
    .execute(tx)
    .await?;
    one(&done)
}

/// Cancels whatever of an attempt has not ended, and returns what runs somewhere at this moment.
pub async fn cancel_open(
    tx: &mut PgConnection,
    attempt: AttemptId,
    now: DateTime<Utc>,
) -> Result<Vec<Stop>> {
    let mut open = Vec::new();
    for state in CaseRunState::ALL.iter().filter(|state| !state.is_final()) {
        state.apply(Event::Cancel)?;
        open.push(state.as_str().to_owned());
    }
    let cancelled = sqlx::query!(
        "UPDATE execution.case_runs SET state = $3, lease_expires_at = NULL, finished_at = $4
         WHERE attempt_id = $1 AND state = ANY($2) RETURNING id, worker_id",
        attempt.0,
        &open,
        CaseRunState::Cancelled.as_str(),
        now,
    )
    .fetch_all(tx)
    .await?;
    let stops = cancelled.into_iter().filter_map(|run| {
        Some(Stop {
            worker: run.worker_id?.into(),
            case_run: run.id.into(),
        })
    });
    Ok(stops.collect())
}

pub async fn are_all_final(tx: &mut PgConnection, attempt: AttemptId) -> Result<bool> {
    let has_open = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM execution.case_runs
           WHERE attempt_id = $1 AND state IN ('waiting', 'released', 'running')) AS "has_open!""#,
        attempt.0,
    )
    .fetch_one(tx)
    .await?;
    Ok(!has_open)
}

/// Runs whose lease ran out before `cutoff`.
pub async fn list_lost(
    db: impl PgExecutor<'_>,
    cutoff: DateTime<Utc>,
) -> Result<Vec<(CaseRunId, AttemptId)>> {
    let rows = sqlx::query!(
        "SELECT id, attempt_id FROM execution.case_runs
         WHERE state = 'running' AND lease_expires_at < $1 ORDER BY lease_expires_at LIMIT 200",
        cutoff,
    )
    .fetch_all(db)
    .await?;
    let pairs = rows
        .into_iter()
        .map(|row| (row.id.into(), row.attempt_id.into()));
    Ok(pairs.collect())
}
