//! The roles' logins. They belong to the whole cluster, not to one database, so they are not a
//! migration: `molar migrate` makes them first, and the migrations only grant.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::Role;
use crate::Result;

/// Held while logins are made, so that two `molar migrate` do not race.
const LOCK: i64 = 0x6d6f_6c61_725f_7571;

/// Makes the logins that are missing and sets the passwords of all.
pub async fn ensure_logins(
    owner: &mut PgConnection,
    password: impl Fn(Role) -> SecretString,
) -> Result<()> {
    let mut tx = owner.begin().await?;
    sqlx::query_scalar!(
        r#"SELECT pg_advisory_xact_lock($1)::text AS "locked""#,
        LOCK
    )
    .fetch_one(&mut *tx)
    .await?;
    for role in Role::ALL {
        ensure_login(&mut tx, *role, &password(*role)).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn ensure_login(conn: &mut PgConnection, role: Role, password: &SecretString) -> Result<()> {
    let login = role.login();
    let exists = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS "exists!""#,
        login
    )
    .fetch_one(&mut *conn)
    .await?;
    // Utility statements take no parameters: the server quotes them for us.
    let template = if exists {
        "ALTER ROLE %I LOGIN PASSWORD %L"
    } else {
        "CREATE ROLE %I LOGIN PASSWORD %L"
    };
    let statement = sqlx::query_scalar!(
        r#"SELECT format($1, $2::text, $3::text) AS "statement!""#,
        template,
        login,
        password.expose_secret()
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(conn)
        .await?;
    Ok(())
}
