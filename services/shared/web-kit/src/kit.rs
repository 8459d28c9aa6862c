//! What web-kit needs of the process it runs in.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::{HttpRequest, web};
use hmac::{Hmac, KeyInit, Mac};
use molar_domain::Clock;
use molar_service::Role;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use sqlx::PgPool;
use url::Url;

use crate::ApiError;
use crate::address::{self, Network};
use crate::rate::Rates;

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
    /// Of this process.
    pub rates: Arc<Rates>,
    pub trusted_proxies: Arc<[Network]>,
}

impl Kit {
    pub fn of(request: &HttpRequest) -> Result<&web::Data<Self>, ApiError> {
        request
            .app_data::<web::Data<Self>>()
            .ok_or_else(|| ApiError::internal("no Kit: routes go through Routes::configure"))
    }

    /// Keyed by what is in no row; `purpose` keeps one use from standing in for another.
    pub(crate) fn mac(&self, purpose: &[u8]) -> Hmac<Sha256> {
        // Unwrap safety: HMAC takes a key of any length.
        #[expect(clippy::unwrap_used, reason = "see above")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.csrf_key.expose_secret().as_bytes()).unwrap();
        mac.update(purpose);
        mac
    }

    /// Where a request comes from.
    pub fn address_of(&self, request: &HttpRequest) -> IpAddr {
        address::of(request, &self.trusted_proxies)
    }
}
