pub mod create;
pub mod find;
pub mod hand_over;
pub mod leave;
pub mod list;
pub mod locks;
pub mod remove;
pub mod rename;
pub mod rows;
pub mod unlock;

use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, ParticipationId, TeamId, TrackId, UserId};
use serde::Serialize;

use crate::participations::State;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TeamView {
    #[schema(value_type = uuid::Uuid)]
    pub id: TeamId,
    pub name: String,
    #[schema(value_type = uuid::Uuid)]
    pub challenge_id: ChallengeId,
    /// The challenge's slug.
    pub challenge: String,
    #[schema(value_type = uuid::Uuid)]
    pub captain_id: UserId,
    pub created_at: DateTime<Utc>,
    pub participations: Vec<PlaceView>,
}

/// The team's place in one track.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PlaceView {
    #[schema(value_type = uuid::Uuid)]
    pub id: ParticipationId,
    /// The track's slug.
    pub track: String,
    #[schema(value_type = uuid::Uuid)]
    pub track_id: TrackId,
    pub state: State,
    /// Of a refusal or disqualification.
    pub reason: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MemberView {
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    pub name: String,
    pub affiliation: String,
    pub is_captain: bool,
    pub joined_at: DateTime<Utc>,
    /// The newest version of the agreement.
    pub has_signed: bool,
    /// For organizers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}
