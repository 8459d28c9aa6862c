//! Who changed what of a challenge, by a file or on a page.

use chrono::{DateTime, Utc};
use molar_domain::uuid_at;
use molar_web_kit::{Caller, Page, PageQuery};
use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::plan::Step;

pub struct NewChange<'a> {
    pub challenge_id: Uuid,
    pub file_id: Option<Uuid>,
    pub reason: Option<&'a str>,
    pub steps: &'a [Step],
}

pub async fn insert(
    conn: &mut PgConnection,
    caller: &Caller,
    new: &NewChange<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO tracks.changes (id, challenge_id, file_id, changed_by, changed_at, reason, steps)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        uuid_at(now),
        new.challenge_id,
        new.file_id,
        caller.user_id.0,
        now,
        new.reason,
        json!(new.steps),
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ChangeView {
    pub id: Uuid,
    pub changed_at: DateTime<Utc>,
    /// Name of the person.
    pub changed_by: String,
    pub reason: Option<String>,
    /// SHA-256 of the file that was applied; absent where it was done without one.
    pub file_sha256: Option<String>,
    pub steps: Vec<Step>,
}

/// The newest first; the cursor is the id before which a page begins.
pub async fn page(
    db: impl PgExecutor<'_>,
    challenge: Uuid,
    query: &PageQuery,
) -> sqlx::Result<Page<ChangeView>> {
    let rows = sqlx::query!(
        r#"
        SELECT c.id, c.changed_at, c.reason, n.name AS "name?", f.sha256 AS "sha256?",
               c.steps AS "steps: Json<Vec<Step>>"
        FROM tracks.changes c
        LEFT JOIN registration.names n ON n.user_id = c.changed_by
        LEFT JOIN tracks.challenge_files f ON f.id = c.file_id
        WHERE c.challenge_id = $1 AND ($2::uuid IS NULL OR c.id < $2)
        ORDER BY c.id DESC LIMIT $3
        "#,
        challenge,
        query.after(),
        query.fetch(),
    )
    .fetch_all(db)
    .await?;
    let changes = rows.into_iter().map(|row| ChangeView {
        id: row.id,
        changed_at: row.changed_at,
        changed_by: row.name.unwrap_or_else(|| "somebody who has left".into()),
        reason: row.reason,
        file_sha256: row.sha256,
        steps: row.steps.0,
    });
    Ok(Page::of(changes.collect(), query, |change: &ChangeView| {
        change.id
    }))
}
