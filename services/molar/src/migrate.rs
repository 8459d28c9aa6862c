//! `molar migrate`: the login roles of PostgreSQL, then the schema.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use molar_service::{MIGRATOR, Role, db};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection, PgConnection};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The owner's database URL.
    #[arg(long, env = "MOLAR_OWNER_DATABASE_URL", hide_env_values = true)]
    database_url: SecretString,

    /// JSON object of role to password, for the login roles that are made or changed.
    #[arg(long, env = "MOLAR_ROLE_PASSWORDS", hide_env_values = true)]
    passwords: SecretString,

    /// Make the login roles and leave the database as it is: before a restore.
    #[arg(long)]
    logins_only: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let passwords: BTreeMap<String, SecretString> =
        serde_json::from_str(args.passwords.expose_secret())
            .context("the passwords are a JSON object of role to password")?;
    if args.logins_only {
        ensure_login_roles(args.database_url.expose_secret(), &passwords).await?;
        println!("The login roles are there.");
        return Ok(());
    }
    migrate(args.database_url.expose_secret(), &passwords).await?;
    println!("The schema is up to date.");
    Ok(())
}

/// Makes `molar_<role>` for every role, able to log in with its password and nothing else, or
/// gives an existing one that password. What they may see is granted by the migrations.
///
/// The owner must be a superuser or have CREATEROLE.
pub async fn ensure_login_roles(
    owner_url: &str,
    passwords: &BTreeMap<String, SecretString>,
) -> anyhow::Result<()> {
    if let Some(role) = Role::ALL
        .iter()
        .find(|role| !passwords.contains_key(role.as_str()))
    {
        bail!(
            "there is no password for the database login of {}",
            role.as_str()
        );
    }
    let mut owner = connect(owner_url).await?;
    db::ensure_logins(&mut owner, |role| passwords[role.as_str()].clone()).await?;
    Ok(owner.close().await?)
}

/// Login roles, then every migration that is not yet applied.
pub async fn migrate(
    owner_url: &str,
    passwords: &BTreeMap<String, SecretString>,
) -> anyhow::Result<()> {
    ensure_login_roles(owner_url, passwords).await?;
    let mut owner = connect(owner_url).await?;
    MIGRATOR.run(&mut owner).await.context("the migrations")?;
    Ok(owner.close().await?)
}

async fn connect(owner_url: &str) -> anyhow::Result<PgConnection> {
    PgConnection::connect(owner_url)
        .await
        .context("the owner's database URL")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::up::ROLES;

    #[test]
    fn up_makes_a_password_for_every_role_that_logs_in() {
        let logins: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
        assert!(
            logins.iter().all(|login| ROLES.contains(login)),
            "{logins:?}"
        );
    }
}
