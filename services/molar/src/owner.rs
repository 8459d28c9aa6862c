//! The database as its owner sees it, on the host of the database.

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgPool;

pub async fn connect(url: &SecretString) -> anyhow::Result<PgPool> {
    Ok(sqlx::postgres::PgPoolOptions::new()
        .max_connections(2)
        .connect(url.expose_secret())
        .await?)
}
