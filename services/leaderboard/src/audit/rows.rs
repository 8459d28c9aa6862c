//! `audit.log`: the entries as they are read.

use chrono::{DateTime, Utc};
use molar_domain::ChallengeId;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Entry {
    /// 1, 2, 3 …: a gap is a cut.
    pub seq: i64,
    pub at: DateTime<Utc>,
    /// The part of the platform that wrote it.
    pub role: String,
    /// None: the platform itself, or somebody on its host.
    pub actor_id: Option<Uuid>,
    pub actor: Option<String>,
    /// What was done: `<noun>.<past-participle>`.
    pub action: String,
    pub subject_id: Uuid,
    /// Ids and plain facts; of a change `from` and `to`.
    pub details: Value,
    pub reason: Option<String>,
    /// There was a reason, and it was erased with a person's data.
    pub is_erased: bool,
    pub challenge_id: Option<Uuid>,
    /// Hex; the next entry is chained to it.
    pub hash: String,
}

impl Entry {
    /// A member of the details as text: `from` or `to`.
    pub fn detail(&self, name: &str) -> String {
        match self.details.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }
}

/// What is left out means everything.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub challenge: Option<ChallengeId>,
    pub actor: Option<Uuid>,
    /// The action, or how it begins: `phase.`
    pub action: Option<String>,
    pub subject: Option<Uuid>,
}

/// Newest first, from before this number.
pub async fn list(
    db: impl PgExecutor<'_>,
    filter: &Filter,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as!(
        Entry,
        r#"SELECT seq AS "seq!", at AS "at!", role AS "role!", actor_id, actor, action AS "action!",
                  subject_id AS "subject_id!", details AS "details!", reason, is_erased AS "is_erased!",
                  challenge_id, encode(hash, 'hex') AS "hash!"
           FROM audit.log
           WHERE ($1::uuid IS NULL OR challenge_id = $1) AND ($2::uuid IS NULL OR actor_id = $2)
             AND ($3::text IS NULL OR starts_with(action, $3)) AND ($4::uuid IS NULL OR subject_id = $4)
             AND ($5::bigint IS NULL OR seq < $5)
           ORDER BY seq DESC LIMIT $6"#,
        filter.challenge.map(|challenge| challenge.0),
        filter.actor,
        filter.action,
        filter.subject,
        before,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Oldest first, from after this number.
pub async fn following(
    db: impl PgExecutor<'_>,
    challenge: Option<ChallengeId>,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as!(
        Entry,
        r#"SELECT seq AS "seq!", at AS "at!", role AS "role!", actor_id, actor, action AS "action!",
                  subject_id AS "subject_id!", details AS "details!", reason, is_erased AS "is_erased!",
                  challenge_id, encode(hash, 'hex') AS "hash!"
           FROM audit.log
           WHERE ($1::uuid IS NULL OR challenge_id = $1) AND seq > $2 ORDER BY seq LIMIT $3"#,
        challenge.map(|challenge| challenge.0),
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Id and title of every challenge that has a phase.
pub async fn challenges(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT challenge_id AS "id!", challenge_title AS "title!"
           FROM tracks.phase_facts ORDER BY 2, 1"#
    );
    let rows = rows.fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.title)).collect())
}
