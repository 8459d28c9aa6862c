//! What workers call, on a listener of its own.

pub mod beat;
pub mod claim;
pub mod enrol;
pub mod finish;
pub mod gate;
pub mod heartbeat;
pub mod log_piece;
pub mod put;
pub mod release;
pub mod urls;

use molar_domain::case_run::CaseRunState;
use molar_domain::{CaseRunId, WorkerId};
use molar_web_kit::{ApiError, Complaints};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::rows::case_runs::{self, Run};
use crate::{Error, Result};

/// The run as long as its lease is the caller's.
async fn held(
    db: impl PgExecutor<'_>,
    id: CaseRunId,
    worker: WorkerId,
    token: Uuid,
) -> Result<Run> {
    let run = case_runs::find(db, id).await?.ok_or(Error::Stale)?;
    let is_held = run.state == CaseRunState::Running && run.is_held_by(worker, token);
    is_held.then_some(run).ok_or(Error::Stale)
}

/// Below the lease token, so that a late worker cannot put over its successor's file.
fn key(run: &Run, token: Uuid, name: &str) -> String {
    format!("attempt/{}/{}/{token}/{name}", run.attempt_id, run.id)
}

const LOG_NAME: &str = "log.txt";
const SERIES_NAME: &str = "series.json.gz";

fn sha256(pointer: &str, hex_text: &str) -> std::result::Result<[u8; 32], ApiError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(hex_text, &mut bytes)
        .map_err(|_| ApiError::invalid(pointer, "must be 64 hexadecimal digits"))?;
    Ok(bytes)
}

fn check_slots(wrong: &mut Complaints, (slots, gpus): (u16, u16), slot_memory_bytes: u64) {
    wrong.check((1..=64).contains(&slots), "/slots", "must be 1 to 64");
    wrong.check(gpus <= slots, "/gpus", "must be at most one a slot");
    let is_memory = i64::try_from(slot_memory_bytes).is_ok_and(|bytes| bytes > 0);
    wrong.check(
        is_memory,
        "/slot_memory_bytes",
        "must be the memory of a slot",
    );
}
