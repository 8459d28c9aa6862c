//! The audit log, written in the caller's transaction.

use chrono::{DateTime, Utc};
use molar_domain::UserId;
use sqlx::PgConnection;
use uuid::Uuid;

/// Appends an entry and returns its number.
///
/// `action` is `<noun>.<past-participle>`. `details` hold ids and plain facts; what names a person goes
/// into `personal`, which can be erased without breaking the chain. The log is serialised until the
/// transaction ends: append last, commit soon.
pub async fn append(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    actor: Option<UserId>,
    action: &str,
    subject: Uuid,
    details: serde_json::Value,
    personal: Option<&str>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT audit.append($1, $2, $3, $4, $5, $6) AS "seq!""#,
        now,
        actor.map(Uuid::from),
        action,
        subject,
        details,
        personal,
    )
    .fetch_one(conn)
    .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sqlx::PgPool;

    use super::*;

    async fn first_break(pool: &PgPool) -> Option<i64> {
        sqlx::query_scalar!("SELECT audit.first_break()")
            .fetch_one(pool)
            .await
            .unwrap()
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn the_chain_survives_an_erasure_and_shows_a_change(pool: PgPool) {
        let mut conn = pool.acquire().await.unwrap();
        let now = crate::db::now(&pool).await.unwrap();
        for (number, name) in [(1, "Ada"), (2, "Grace")] {
            let seq = append(
                &mut conn,
                now,
                None,
                "user.created",
                Uuid::nil(),
                json!({}),
                Some(name),
            )
            .await;
            assert_eq!(seq.unwrap(), number);
        }
        assert_eq!(first_break(&pool).await, None);

        sqlx::query!("DELETE FROM audit.personal WHERE seq = 1")
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(first_break(&pool).await, None);

        sqlx::query!("UPDATE audit.entries SET action = 'user.deleted' WHERE seq = 1")
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(first_break(&pool).await, Some(1));
    }
}
