//! Exports the head of the audit log once a day, so that a tail that was cut off is found: the entry
//! that was the head must still be there with the same hash.

use chrono::{DateTime, Utc};
use molar_objects::{Bucket, Store};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Database(#[from] sqlx::Error),

    #[error(transparent)]
    Objects(#[from] molar_objects::Error),

    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// What lies in the bucket `exports` as `audit/<day>.json`, and what verifying takes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Head {
    pub seq: i64,
    /// Hex.
    pub hash: String,
    pub at: DateTime<Utc>,
}

/// The first call of a day (UTC) writes that day's head; the others find it there.
pub async fn export(db: &PgPool, store: &Store, now: DateTime<Utc>) -> Result<(), Error> {
    let key = format!("audit/{}.json", now.date_naive());
    match store.head(Bucket::Exports, &key).await {
        Ok(_) => return Ok(()),
        Err(molar_objects::Error::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let Some(head) = find(db).await? else {
        return Ok(());
    };
    store
        .put_bytes(
            Bucket::Exports,
            &key,
            "application/json",
            serde_json::to_vec(&head)?,
        )
        .await?;
    tracing::info!(audit.seq = head.seq, key, "head of the audit log exported");
    Ok(())
}

/// None while the log is empty.
async fn find(db: &PgPool) -> Result<Option<Head>, sqlx::Error> {
    let row = sqlx::query!("SELECT seq, hash, at FROM audit.head()")
        .fetch_one(db)
        .await?;
    let (Some(seq), Some(hash), Some(at)) = (row.seq, row.hash, row.at) else {
        return Ok(None);
    };
    Ok(Some(Head {
        seq,
        hash: hex::encode(hash),
        at,
    }))
}

#[cfg(test)]
mod tests {
    use molar_service::{Role, audit};
    use molar_testkit::{as_role, noon};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_cut_tail_is_found_against_an_exported_head(owner: PgPool) {
        let role = as_role(&owner, Role::Leaderboard).await;
        assert!(find(&role).await.unwrap().is_none());
        for _ in 0..2 {
            let mut tx = role.begin().await.unwrap();
            audit::append(
                &mut tx,
                noon(),
                None,
                "phase.published",
                Uuid::nil(),
                json!({}),
                None,
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
        }
        let head = find(&role).await.unwrap().unwrap();
        assert_eq!(head.seq, 2);
        let broken = |head: &Head| {
            let (seq, hash) = (head.seq, hex::decode(&head.hash).unwrap());
            let owner = owner.clone();
            async move {
                sqlx::query_scalar!("SELECT audit.first_break($1, $2)", seq, hash)
                    .fetch_one(&owner)
                    .await
                    .unwrap()
            }
        };
        assert_eq!(broken(&head).await, None);
        sqlx::query!("DELETE FROM audit.entries WHERE seq = 2")
            .execute(&owner)
            .await
            .unwrap();
        assert_eq!(
            broken(&head).await,
            Some(2),
            "the chain alone would look whole"
        );
    }
}
