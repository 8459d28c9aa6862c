//! What web-kit needs of the process it runs in.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use molar_domain::Clock;
use molar_service::Role;
use secrecy::SecretString;
use sqlx::PgPool;
use url::Url;

use crate::ApiError;

/// One per process, shared by all its threads as `web::Data<Kit>`.
#[derive(Clone)]
pub struct Kit {
    pub db: PgPool,
    pub clock: Arc<dyn Clock>,
    /// The same in every role: a form rendered by one is posted to another.
    pub csrf_key: SecretString,
    /// Where browsers find us.
    pub public_url: Url,
    /// Names the schema of the idempotency keys.
    pub role: Role,
}

impl Kit {
    pub(crate) fn of(request: &HttpRequest) -> Result<&web::Data<Self>, ApiError> {
        request
            .app_data::<web::Data<Self>>()
            .ok_or_else(|| ApiError::internal("no Kit: routes go through Routes::configure"))
    }
}
