//! The audit log, written in the caller's transaction.

use chrono::{DateTime, Utc};
use molar_domain::UserId;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// Appends an entry and returns its number.
///
/// `action` is `<noun>.<past-participle>`. `details` hold ids and plain facts, of a change `from` and `to`; what
/// names a person, such as a reason, goes into `personal`, which can be erased without breaking the chain. The
/// log is serialised until the transaction ends: append last, commit soon.
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

/// Erases the texts about a person, by their id and by `words` such as their name and address, and puts
/// that on record. Returns how many; the chain stays whole. For `registration` and the owner.
pub async fn erase(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    actor: Option<UserId>,
    person: UserId,
    words: &[String],
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT audit.erase($1, $2, $3, $4) AS "erased!""#,
        now,
        actor.map(Uuid::from),
        person.0,
        words,
    )
    .fetch_one(conn)
    .await
}

/// Something that is wrong with the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    pub seq: i64,
    pub what: String,
}

/// Everything that is wrong, also against an exported head: its number and hash.
pub async fn breaks(
    db: impl PgExecutor<'_>,
    head: Option<(i64, Vec<u8>)>,
) -> sqlx::Result<Vec<Break>> {
    let (seq, hash) = head.unzip();
    sqlx::query_as!(
        Break,
        r#"SELECT seq AS "seq!", what AS "what!" FROM audit.breaks($1, $2)"#,
        seq,
        hash,
    )
    .fetch_all(db)
    .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sqlx::{AssertSqlSafe, PgPool};

    use super::*;

    async fn first_break(pool: &PgPool) -> Option<i64> {
        sqlx::query_scalar!("SELECT audit.first_break()")
            .fetch_one(pool)
            .await
            .unwrap()
    }

    /// Five entries, each with a text.
    async fn five(pool: &PgPool) -> DateTime<Utc> {
        let mut conn = pool.acquire().await.unwrap();
        let now = crate::db::now(pool).await.unwrap();
        for (number, name) in (1..).zip(["Ada", "Grace", "Mary", "Emmy", "Ida"]) {
            let seq = append(
                &mut conn,
                now,
                None,
                "user.created",
                Uuid::from_u128(number),
                json!({}),
                Some(name),
            )
            .await;
            assert_eq!(u128::try_from(seq.unwrap()).unwrap(), number);
        }
        now
    }

    async fn forge(pool: &PgPool, statement: &'static str) {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(pool)
            .await
            .unwrap();
    }

    async fn told(pool: &PgPool) -> Vec<(i64, String)> {
        let found = breaks(pool, None).await.unwrap();
        found.into_iter().map(|one| (one.seq, one.what)).collect()
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn an_erasure_keeps_the_chain_whole_and_is_on_record(pool: PgPool) {
        let now = five(&pool).await;
        let mut conn = pool.acquire().await.unwrap();
        let grace = UserId(Uuid::from_u128(2));
        let words = ["ADA".to_owned(), " ".to_owned()];
        let erased = erase(&mut conn, now, None, grace, &words).await.unwrap();
        assert_eq!(erased, 2, "by the subject, and by the word");
        let left = sqlx::query_scalar!("SELECT text FROM audit.personal ORDER BY seq")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert_eq!(left, ["Mary", "Emmy", "Ida"]);
        assert_eq!(
            (first_break(&pool).await, told(&pool).await),
            (None, vec![])
        );
        let details = sqlx::query_scalar!("SELECT details FROM audit.entries WHERE seq = 6")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(details, json!({"seqs": [1, 2]}));
        let again = erase(&mut conn, now, None, grace, &words).await.unwrap();
        assert_eq!(again, 0);
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn an_erasure_takes_no_text_about_somebody_of_a_longer_address(pool: PgPool) {
        let now = crate::db::now(&pool).await.unwrap();
        let mut conn = pool.acquire().await.unwrap();
        let (theirs, others) = (
            ["Written to Al+x@Example.org.", "<al+x@example.org>, twice"],
            [
                "pal+x@example.org",
                "al+x@example.org.test",
                "a.al+x@example.org",
                "alxx@exampleXorg",
            ],
        );
        for text in theirs.iter().chain(&others) {
            let seq = append(
                &mut conn,
                now,
                None,
                "mail.sent",
                Uuid::nil(),
                json!({}),
                Some(text),
            );
            seq.await.unwrap();
        }
        let (who, words) = (UserId(Uuid::from_u128(9)), ["al+x@example.org".to_owned()]);
        assert_eq!(erase(&mut conn, now, None, who, &words).await.unwrap(), 2);
        let left = sqlx::query_scalar!("SELECT text FROM audit.personal ORDER BY seq");
        assert_eq!(left.fetch_all(&pool).await.unwrap(), others);
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn whatever_is_wrong_is_named_with_its_entry(pool: PgPool) {
        five(&pool).await;
        assert_eq!(told(&pool).await, []);
        forge(
            &pool,
            "UPDATE audit.entries SET action = 'user.deleted' WHERE seq = 1;
             DELETE FROM audit.personal WHERE seq IN (2, 3);
             DELETE FROM audit.entries WHERE seq = 3;
             UPDATE audit.personal SET text = 'Eve' WHERE seq = 4;",
        )
        .await;
        let told = told(&pool).await;
        let told: Vec<_> = told.iter().map(|(seq, what)| (*seq, &**what)).collect();
        assert_eq!(
            told,
            [
                (1, "the entry was changed after it was written"),
                (2, "its text is missing, and no erasure is on record"),
                (3, "the entry is missing"),
                (4, "its text was changed"),
            ]
        );
        assert_eq!(first_break(&pool).await, Some(1));
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn an_entry_that_was_written_anew_shows_at_the_next_or_at_the_head(pool: PgPool) {
        five(&pool).await;
        let head = sqlx::query_scalar!("SELECT hash FROM audit.entries WHERE seq = 5")
            .fetch_one(&pool)
            .await
            .unwrap();
        let rewrite = "UPDATE audit.entries e SET hash = audit.entry_hash(e.seq, e.at, e.role, e.actor_id, e.action,
                           e.subject_id, e.details, e.commitment, e.previous)";
        forge(
            &pool,
            "UPDATE audit.entries SET action = 'user.deleted' WHERE seq IN (4, 5)",
        )
        .await;
        forge(&pool, rewrite).await;
        let what = "the entry does not continue the one before, which was written anew";
        assert_eq!(told(&pool).await, [(5, what.to_owned())]);
        // Whoever writes the rest of the chain anew as well is found by the head that was exported.
        forge(
            &pool,
            "UPDATE audit.entries SET previous = (SELECT hash FROM audit.entries WHERE seq = 4) WHERE seq = 5",
        )
        .await;
        forge(&pool, rewrite).await;
        assert_eq!(told(&pool).await, []);
        let against = breaks(&pool, Some((5, head.clone()))).await.unwrap();
        let what = "the entry is not the exported head: the log was written anew up to it";
        assert_eq!((against[0].seq, &*against[0].what), (5, what));

        forge(
            &pool,
            "DELETE FROM audit.personal WHERE seq >= 4; DELETE FROM audit.entries WHERE seq >= 4",
        )
        .await;
        assert_eq!(told(&pool).await, [], "a cut tail alone looks whole");
        let against = breaks(&pool, Some((5, head))).await.unwrap();
        let what = "the exported head is missing: the log was cut before it";
        assert_eq!((against[0].seq, &*against[0].what), (5, what));
    }
}
