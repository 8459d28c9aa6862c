//! The bytes of a log, wherever they are.

use molar_objects::{Bucket, Store};
use molar_web_kit::ApiError;
use sqlx::PgPool;

use crate::Error;
use crate::rows::logs::{self, Log};

/// No log is larger: see what a worker may put.
const BYTES_MAX: u64 = 64 << 20;

/// The object once it is kept; of a run that goes on, or was cancelled, what has come so far. Empty for a log
/// that is not there.
pub async fn read(db: &PgPool, store: &Store, log: &Log, from: usize) -> Result<Vec<u8>, ApiError> {
    if let Some(key) = &log.key {
        return match store.get_bytes(Bucket::Logs, key, BYTES_MAX).await {
            Ok(bytes) => Ok(bytes.get(from..).unwrap_or_default().to_vec()),
            Err(molar_objects::Error::NotFound) => Ok(Vec::new()),
            Err(error) => Err(Error::from(error).into()),
        };
    }
    match log.token {
        Some(token) => Ok(logs::pieces(db, log.case_run, token, from).await?),
        None => Ok(Vec::new()),
    }
}
