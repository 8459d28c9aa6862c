//! Migrations: bringing a database up to this binary, and refusing one that is not.

use sqlx::migrate::Migrator;
use sqlx::{PgExecutor, PgPool};

use crate::{Error, Result};

pub static MIGRATOR: Migrator = sqlx::migrate!("../../../migrations");

/// Applies what is missing. The logins must exist already: see [`super::ensure_logins`].
pub async fn migrate(owner: &PgPool) -> Result<()> {
    MIGRATOR.run(owner).await?;
    Ok(())
}

/// Fails unless the newest applied migration is the newest that this binary knows.
pub async fn refuse_unknown_schema(db: impl PgExecutor<'_>) -> Result<()> {
    let newest = newest_known();
    match newest_applied(db).await? {
        Some(applied) if applied == newest => Ok(()),
        Some(applied) if MIGRATOR.version_exists(applied) => Err(Error::OldSchema(newest)),
        Some(applied) => Err(Error::UnknownSchema(applied)),
        None => Err(Error::OldSchema(newest)),
    }
}

fn newest_known() -> i64 {
    MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

async fn newest_applied(db: impl PgExecutor<'_>) -> Result<Option<i64>> {
    let newest =
        sqlx::query_scalar("SELECT max(version) FROM public._sqlx_migrations WHERE success")
            .fetch_one(db)
            .await;
    match newest {
        Ok(version) => Ok(version),
        // Nothing was ever applied here.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;

    #[sqlx::test(migrations = false)]
    async fn an_empty_database_is_refused_until_it_is_migrated(pool: PgPool) {
        let empty = refuse_unknown_schema(&pool).await;
        assert!(matches!(empty, Err(Error::OldSchema(_))), "{empty:?}");

        migrate(&pool).await.unwrap();
        migrate(&pool).await.unwrap();
        refuse_unknown_schema(&pool).await.unwrap();
    }

    #[sqlx::test(migrator = "MIGRATOR")]
    #[expect(
        clippy::disallowed_methods,
        reason = "writes what a newer program would have written"
    )]
    async fn a_database_of_a_newer_program_is_refused(pool: PgPool) {
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (99990101000000, 'of tomorrow', true, '', 0)",
        )
        .execute(&pool)
        .await
        .unwrap();

        let refused = refuse_unknown_schema(&pool).await;
        assert!(
            matches!(refused, Err(Error::UnknownSchema(99990101000000))),
            "{refused:?}"
        );
    }

    #[sqlx::test(migrator = "MIGRATOR")]
    #[expect(
        clippy::disallowed_methods,
        reason = "writes what an older program would have left"
    )]
    async fn a_database_that_lacks_a_migration_is_refused(pool: PgPool) {
        sqlx::query("DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
            .execute(&pool)
            .await
            .unwrap();

        let refused = refuse_unknown_schema(&pool).await;
        assert!(matches!(refused, Err(Error::OldSchema(_))), "{refused:?}");
    }
}
