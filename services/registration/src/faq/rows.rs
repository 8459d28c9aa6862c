use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, UserId, ids};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::NoteKind;
use crate::Error;

/// The public page is read whole; nobody writes so many.
const MOST: i64 = 500;

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct NoteView {
    pub id: Uuid,
    pub kind: NoteKind,
    /// The question, or what was wrong.
    pub title: String,
    pub text: String,
    pub published_at: DateTime<Utc>,
}

pub struct New<'a> {
    pub challenge: ChallengeId,
    pub kind: NoteKind,
    pub title: &'a str,
    pub text: &'a str,
    /// The private question that it came from.
    pub question: Option<Uuid>,
    pub by: UserId,
}

pub async fn insert(
    conn: &mut PgConnection,
    new: &New<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<Uuid> {
    let id = ids::uuid_at(now);
    sqlx::query!(
        "INSERT INTO registration.public_notes
             (id, challenge_id, kind, title, text, question_id, published_by, published_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        new.challenge.0,
        new.kind.as_str(),
        new.title,
        new.text,
        new.question,
        new.by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

pub async fn list(db: impl PgExecutor<'_>, challenge: ChallengeId) -> Result<Vec<NoteView>, Error> {
    let rows = sqlx::query!(
        "SELECT id, kind, title, text, published_at FROM registration.public_notes
         WHERE challenge_id = $1 AND retracted_at IS NULL ORDER BY id DESC LIMIT $2",
        challenge.0,
        MOST,
    )
    .fetch_all(db)
    .await?;
    let notes = rows.into_iter().map(|row| {
        Ok(NoteView {
            id: row.id,
            kind: row.kind.parse()?,
            title: row.title,
            text: row.text,
            published_at: row.published_at,
        })
    });
    notes.collect()
}

/// Whether it was there.
pub async fn retract(
    conn: &mut PgConnection,
    challenge: ChallengeId,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE registration.public_notes SET retracted_at = $3
         WHERE id = $1 AND challenge_id = $2 AND retracted_at IS NULL",
        id,
        challenge.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
