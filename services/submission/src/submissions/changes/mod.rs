//! Submissions that are followed: what their team, or an organizer, sees of one has changed.

pub mod events;
pub mod look;

use molar_web_kit::live::{self, Live};
use molar_web_kit::{ApiError, Caller, Kit};
use sqlx::PgConnection;
use uuid::Uuid;

use super::access::{Seen, see};
use super::cases;
use super::find::view;

/// In one process.
pub type Changes = Live<Key>;

/// A submission and as whom it is seen: all of a team see the same of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub id: Uuid,
    is_member: bool,
    is_reviewer: bool,
    is_organizer: bool,
}

impl Key {
    pub fn of(seen: &Seen) -> Self {
        Self {
            id: seen.life.submission_id,
            is_member: seen.is_member,
            is_reviewer: seen.is_reviewer,
            is_organizer: seen.is_organizer,
        }
    }
}

/// Stands for its state, its progress and each case, as far as they are told.
pub async fn number(conn: &mut PgConnection, kit: &Kit, seen: Seen) -> Result<u64, ApiError> {
    let cases = cases::list(&mut *conn, &seen).await?;
    let mut told = view(conn, seen).await?;
    // It is reckoned anew every two seconds, and moves a little each time.
    if let Some(queue) = &mut told.queue {
        queue.expected_start_at = None;
    }
    let told = serde_json::to_vec(&(told, cases)).map_err(ApiError::internal)?;
    Ok(live::number(kit, &told))
}

/// As it is now for the caller.
pub async fn now(kit: &Kit, caller: &Caller, id: Uuid) -> Result<(Key, u64), ApiError> {
    let mut conn = kit.db.acquire().await?;
    let seen = see(&mut conn, caller, id).await?;
    let key = Key::of(&seen);
    Ok((key, number(&mut conn, kit, seen).await?))
}
