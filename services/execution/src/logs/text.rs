//! The bytes of a log, wherever they are.

use bytes::Bytes;
use futures_util::Stream;
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

/// So many bytes of a kept log from a position on; none at its end.
pub async fn read_part(
    store: &Store,
    key: &str,
    from: usize,
    most: usize,
) -> Result<Bytes, ApiError> {
    let size = match store.head(Bucket::Logs, key).await {
        Ok(head) => usize::try_from(head.size).unwrap_or(usize::MAX),
        Err(molar_objects::Error::NotFound) => return Ok(Bytes::new()),
        Err(error) => return Err(Error::from(error).into()),
    };
    let end = size.min(from.saturating_add(most));
    if from >= end {
        return Ok(Bytes::new());
    }
    let range = from as u64..end as u64;
    let part = store.get_range(Bucket::Logs, key, range).await;
    Ok(part.map_err(Error::from)?)
}

/// The whole of a kept log as it comes; none where it is not there.
pub async fn stream(
    store: &Store,
    key: &str,
) -> Result<Option<impl Stream<Item = std::io::Result<Bytes>> + Unpin + 'static>, ApiError> {
    match store.get_stream(Bucket::Logs, key).await {
        Ok(stream) => Ok(Some(stream)),
        Err(molar_objects::Error::NotFound) => Ok(None),
        Err(error) => Err(Error::from(error).into()),
    }
}
