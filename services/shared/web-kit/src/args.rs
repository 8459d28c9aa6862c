//! What every role with pages is told.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use molar_service::{Application, Role};
use secrecy::SecretString;
use sqlx::PgPool;
use url::Url;

use crate::address::Network;
use crate::rate::{RateArgs, Rates};
use crate::{Kit, idempotency};

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, clap::Args)]
pub struct WebArgs {
    /// Where browsers find the platform.
    #[arg(
        long,
        env = "MOLAR_PUBLIC_URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub public_url: Url,

    /// Key of the CSRF tokens; the same in every role.
    #[arg(long, env = "MOLAR_CSRF_KEY", hide_env_values = true)]
    pub csrf_key: SecretString,

    #[command(flatten)]
    pub rate: RateArgs,

    /// Proxies in front of us, whose word is taken for where a request comes from: addresses or
    /// networks, with commas.
    #[arg(
        long,
        env = "MOLAR_TRUSTED_PROXIES",
        value_delimiter = ',',
        default_value = "127.0.0.0/8,::1"
    )]
    pub trusted_proxies: Vec<Network>,
}

/// How long a creating request may be repeated with the same key.
const KEYS_KEPT: TimeDelta = TimeDelta::days(7);

impl WebArgs {
    /// The kit of a process, which from now on forgets old idempotency keys.
    pub fn kit(&self, application: &mut Application) -> Kit {
        let (db, clock, role) = (
            application.db.clone(),
            application.clock.clone(),
            application.role,
        );
        application.spawn_every("idempotency", HOUR, Arc::default(), move || {
            forget_keys(db.clone(), role, clock.now() - KEYS_KEPT)
        });
        Kit {
            db: application.db.clone(),
            clock: application.clock.clone(),
            csrf_key: self.csrf_key.clone(),
            public_url: self.public_url.clone(),
            role: application.role,
            rates: Arc::new(Rates::new(self.rate)),
            trusted_proxies: self.trusted_proxies.clone().into(),
        }
    }
}

async fn forget_keys(db: PgPool, role: Role, before: DateTime<Utc>) -> sqlx::Result<()> {
    let mut conn = db.acquire().await?;
    idempotency::forget(&mut conn, role, before).await?;
    Ok(())
}
