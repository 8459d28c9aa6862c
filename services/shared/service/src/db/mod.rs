//! The database as one role sees it.

mod connect;
mod logins;
mod role;
mod schema;

pub use connect::{DatabaseArgs, connect, options};
pub use logins::ensure_logins;
pub use role::Role;
pub use schema::{MIGRATOR, migrate, refuse_unknown_schema};

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// The database's clock: the one that decides whether a phase is open.
pub async fn now(db: impl PgExecutor<'_>) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#)
        .fetch_one(db)
        .await
}

/// Nobody else changes what counts in the phase, measures or runs a part of it anew, or removes its files, until the
/// transaction ends.
pub async fn lock_phase(conn: &mut PgConnection, phase: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('phase ' || $1::text, 0))",
        phase.to_string(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
    use sqlx::{AssertSqlSafe, PgPool};

    use super::*;

    async fn pool_of(options: PgConnectOptions) -> PgPool {
        PgPoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .unwrap()
    }

    /// The test's database with the rights of a role.
    async fn with_rights_of(pool: &PgPool, role: Role) -> PgPool {
        let owner = (*pool.connect_options()).clone();
        pool_of(options(owner, role).options([("role", role.login())])).await
    }

    async fn count(pool: &PgPool, table: &str) -> sqlx::Result<i64> {
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(pool)
            .await
    }

    fn is_denied(result: &sqlx::Result<i64>) -> bool {
        let code = |e: &sqlx::Error| e.as_database_error()?.code().map(|c| c == "42501");
        result.as_ref().err().and_then(code).unwrap_or(false)
    }

    #[sqlx::test(migrator = "MIGRATOR")]
    async fn a_role_reads_its_own_tables_and_granted_views_and_nothing_else(pool: PgPool) {
        let leaderboard = with_rights_of(&pool, Role::Leaderboard).await;
        refuse_unknown_schema(&leaderboard).await.unwrap();
        for own in [
            "rankings",
            "outbox",
            "registration.callers",
            "scoring.scored_cases",
        ] {
            assert_eq!(count(&leaderboard, own).await.unwrap(), 0, "{own}");
        }
        for foreign in [
            "registration.users",
            "tracks.cases",
            "scoring.case_scores",
            "audit.entries",
        ] {
            let read = count(&leaderboard, foreign).await;
            assert!(is_denied(&read), "{foreign}: {read:?}");
        }
        // Nobody but scoring learns where references lie.
        assert!(is_denied(
            &count(&leaderboard, "tracks.stored_references").await
        ));
        let scoring = with_rights_of(&pool, Role::Scoring).await;
        assert_eq!(
            count(&scoring, "tracks.stored_references").await.unwrap(),
            0
        );
    }

    #[sqlx::test(migrator = "MIGRATOR")]
    async fn every_role_logs_in_to_its_own_schema_and_can_write_the_audit_log(pool: PgPool) {
        let mut owner = pool.acquire().await.unwrap();
        // The passwords of a test's cluster, so that tests beside this one are not locked out.
        ensure_logins(&mut owner, |role| role.as_str().into())
            .await
            .unwrap();
        for role in Role::ALL {
            let login = (*pool.connect_options()).clone().username(&role.login());
            let own = pool_of(options(login.password(role.as_str()), *role)).await;
            let mut conn = own.acquire().await.unwrap();
            let schema: String = sqlx::query_scalar("SELECT current_schema()")
                .fetch_one(&mut *conn)
                .await
                .unwrap();
            assert_eq!(schema, role.as_str());
            let (at, subject) = (now(&pool).await.unwrap(), uuid::Uuid::nil());
            let details = serde_json::json!({});
            crate::audit::append(&mut conn, at, None, "role.tried", subject, details, None)
                .await
                .unwrap();
        }
    }

    #[test]
    fn a_wrong_url_is_refused_without_showing_the_password() {
        let error = PgConnectOptions::from_str("postgres://me:hush@:bad/").unwrap_err();
        assert!(!error.to_string().contains("hush"));
    }
}
