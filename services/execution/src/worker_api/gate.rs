use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use molar_domain::WorkerId;
use molar_web_kit::ApiError;
use molar_web_kit::caller::TokenHash;
use molar_web_kit::routes::WorkerGate;
use sqlx::PgPool;

use crate::rows::workers;

/// Knows a worker by its key, asked on every call: a revocation holds at once.
pub struct Gate(pub PgPool);

impl WorkerGate for Gate {
    fn find<'a>(&'a self, key: &'a TokenHash) -> BoxFuture<'a, Result<Option<WorkerId>, ApiError>> {
        async move { Ok(workers::find_by_key(&self.0, key).await?) }.boxed()
    }
}
