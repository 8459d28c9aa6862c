//! Teams whose disqualification the organizers made public.

use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Disqualified {
    pub team: String,
    pub reason: String,
}

/// Of the phase's track, those that handed something in that would be on this board.
pub async fn list(
    db: impl PgExecutor<'_>,
    phase: Uuid,
    track: Uuid,
) -> sqlx::Result<Vec<Disqualified>> {
    sqlx::query_as!(
        Disqualified,
        r#"SELECT p.team_name AS "team!", p.reason AS "reason!"
           FROM registration.participants p
           WHERE p.track_id = $2 AND p.state = 'disqualified' AND p.is_reason_public
             AND EXISTS (SELECT FROM submission.handed_in h
                         WHERE h.phase_id = $1 AND h.team_id = p.team_id
                           AND h.state = 'accepted' AND NOT h.is_trial)
           ORDER BY p.team_name"#,
        phase,
        track,
    )
    .fetch_all(db)
    .await
}
