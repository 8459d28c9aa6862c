//! A place of a team in a track, as the API tells it.

use chrono::{DateTime, Utc};
use molar_domain::challenge::question::Answer;
use molar_domain::{ChallengeId, ParticipationId, TeamId, TrackId};
use serde::Serialize;

use super::State;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ParticipationView {
    #[schema(value_type = uuid::Uuid)]
    pub id: ParticipationId,
    #[schema(value_type = uuid::Uuid)]
    pub team_id: TeamId,
    pub team: String,
    pub members: i64,
    #[schema(value_type = uuid::Uuid)]
    pub track_id: TrackId,
    /// The track's slug.
    pub track: String,
    #[schema(value_type = uuid::Uuid)]
    pub challenge_id: ChallengeId,
    /// The challenge's slug.
    pub challenge: String,
    pub state: State,
    /// Of the last decision that had to say why.
    pub reason: Option<String>,
    /// Whether the reason of a disqualification stands on the boards.
    pub is_reason_public: bool,
    /// To what the organizers ask of every team.
    pub answers: Vec<AnswerView>,
    /// Shown on boards, but not ranked.
    pub is_out_of_competition: bool,
    pub out_reason: Option<String>,
    pub requested_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AnswerView {
    pub id: String,
    /// As it was asked then.
    pub question: String,
    pub answer: String,
}

impl AnswerView {
    pub fn of(answer: Answer) -> Self {
        Self {
            id: answer.id,
            question: answer.question,
            answer: answer.answer,
        }
    }
}
