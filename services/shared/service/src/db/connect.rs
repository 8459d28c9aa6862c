//! A role's pool: its own login, its own schema, and limits on how long anything may wait.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::Role;
use crate::Result;

#[derive(Debug, Clone, clap::Args)]
pub struct DatabaseArgs {
    /// PostgreSQL, with this role's own login: postgres://molar_ROLE:PASSWORD@HOST:PORT/DATABASE
    #[arg(
        long,
        env = "MOLAR_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: SecretString,

    /// How many connections this process may open.
    #[arg(long, env = "MOLAR_DATABASE_CONNECTIONS", default_value_t = 10)]
    pub database_connections: u32,

    /// A statement that runs longer is cancelled by the server.
    #[arg(long, env = "MOLAR_STATEMENT_TIMEOUT_S", default_value_t = 30)]
    pub statement_timeout_s: u32,
}

/// Opens the pool and proves it with one connection.
pub async fn connect(role: Role, args: &DatabaseArgs) -> Result<PgPool> {
    let url: PgConnectOptions = args.database_url.expose_secret().parse()?;
    Ok(PgPoolOptions::new()
        .max_connections(args.database_connections)
        .acquire_timeout(Duration::from_secs(5))
        .max_lifetime(Duration::from_secs(30 * 60))
        .connect_with(options(url, role).options([(
            "statement_timeout",
            format!("{}s", args.statement_timeout_s),
        )]))
        .await?)
}

/// The settings that make a connection this role's: unqualified names are those of its own schema,
/// where its outbox, inbox and idempotency keys are.
pub fn options(url: PgConnectOptions, role: Role) -> PgConnectOptions {
    url.application_name(&role.login()).options([
        ("search_path", role.as_str()),
        // Our views join many small tables. The planner thinks them dear enough to compile, which takes a second for
        // a query of some milliseconds.
        ("jit", "off"),
        ("lock_timeout", "10s"),
        // A transaction that waits for us longer than this is a bug; the server ends it.
        ("idle_in_transaction_session_timeout", "60s"),
    ])
}
