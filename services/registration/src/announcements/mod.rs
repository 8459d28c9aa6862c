//! What organizers tell everybody of a challenge: on its page, and by mail if they wish.
//!
//! An announcement is not changed and not deleted: it is withdrawn, which shows, and another is made.

pub mod create;
pub mod list;
pub mod rows;
pub mod withdraw;

use chrono::{DateTime, Utc};
use molar_domain::ChallengeId;
use serde::Serialize;
use uuid::Uuid;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AnnouncementView {
    pub id: Uuid,
    #[schema(value_type = uuid::Uuid)]
    pub challenge_id: ChallengeId,
    /// Slug of the challenge.
    pub challenge: String,
    pub title: String,
    /// Plain text.
    pub text: String,
    /// Whether it was mailed to the members of teams that take part.
    pub is_mailed: bool,
    pub created_at: DateTime<Utc>,
    /// Since when it holds no more.
    pub withdrawn_at: Option<DateTime<Utc>>,
    pub withdrawn_reason: Option<String>,
}
