use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::rows::{self, Case, Correction};

/// A correction of some references of a split.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CorrectionView {
    pub id: Uuid,
    pub split_id: Uuid,
    /// `open`, `accepted` or `dropped`.
    pub state: &'static str,
    /// Of the set of references, once it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// The version that it corrects.
    pub based_on_version: i32,
    pub reason: String,
    /// Who made it; absent once they are no longer an organizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<DateTime<Utc>>,
    pub cases: Vec<CorrectedCase>,
    /// Whether all of it was read and found good, and nobody was faster.
    pub can_be_accepted: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CorrectedCase {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_sha256: Option<String>,
    pub sha256: String,
    /// `announced`, `stored` (to be read), `good` or `bad`.
    pub state: &'static str,
    /// What is wrong with it, and how to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complaint: Option<String>,
}

impl CorrectionView {
    pub async fn of(db: &PgPool, row: Correction) -> sqlx::Result<Self> {
        let cases = rows::cases(db, &row).await?;
        let is_open = row.version < 0 && row.dropped_at.is_none();
        let is_newest = rows::newest(db, row.split_id).await? == Some(row.based_on);
        let can_be_accepted = is_open && is_newest && rows::unread(db, row.id).await? == 0;
        Ok(Self {
            state: match (row.accepted_at, row.dropped_at) {
                (Some(_), _) => "accepted",
                (None, Some(_)) => "dropped",
                (None, None) => "open",
            },
            version: (row.version > 0).then_some(row.version),
            id: row.id,
            split_id: row.split_id,
            based_on_version: row.based_on_version,
            reason: row.reason,
            created_by: row.created_by,
            created_at: row.created_at,
            accepted_at: row.accepted_at,
            cases: cases.into_iter().map(CorrectedCase::of).collect(),
            can_be_accepted,
        })
    }
}

impl CorrectedCase {
    /// The beginning of the hash, enough to tell two apart.
    pub fn before(&self) -> &str {
        self.before_sha256.as_deref().map_or("", short)
    }

    pub fn now(&self) -> &str {
        short(&self.sha256)
    }

    fn of(row: Case) -> Self {
        Self {
            state: match (row.is_stored, row.is_good) {
                (false, _) => "announced",
                (true, None) => "stored",
                (true, Some(true)) => "good",
                (true, Some(false)) => "bad",
            },
            name: row.name,
            before_sha256: row.before_sha256,
            sha256: row.sha256,
            complaint: row.complaint,
        }
    }
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
