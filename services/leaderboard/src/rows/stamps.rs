//! What a board is made of beside the row of its phase, as counts that move whenever any of it changes.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;

use super::phases::Phase;

/// Two that are equal stand for the same board. Nothing of it is ever told.
#[derive(Debug)]
#[expect(dead_code, reason = "all of it is read as one text")]
pub struct Stamp {
    /// Of the ranking that is shown; versions are never changed.
    version: Option<i32>,
    /// With which it is compared, which moves with the clock.
    version_before: Option<i32>,
    /// Changes of baselines and links to code.
    of_phase: Option<i64>,
    /// Changes of places in the track, and of names.
    of_track: Option<i64>,
    /// Teams told as disqualified: a file of theirs may have been accepted since.
    disqualified: i64,
}

/// As of `moment` where the board stands still: what has come since moves nothing.
pub async fn find(
    db: impl PgExecutor<'_>,
    phase: &Phase,
    now: DateTime<Utc>,
    moment: Option<DateTime<Utc>>,
) -> sqlx::Result<Stamp> {
    sqlx::query_as!(
        Stamp,
        r#"SELECT (SELECT version FROM leaderboard.rankings
                   WHERE phase_id = $1 AND ($4::timestamptz IS NULL OR created_at <= $4)
                   ORDER BY created_at DESC, version DESC LIMIT 1) AS version,
                  (SELECT version FROM leaderboard.rankings
                   WHERE phase_id = $1 AND created_at <= $3
                   ORDER BY created_at DESC, version DESC LIMIT 1) AS version_before,
                  (SELECT count FROM leaderboard.changes WHERE subject = $1) AS of_phase,
                  (SELECT count FROM leaderboard.changes WHERE subject = $2) AS of_track,
                  (SELECT count(*) FROM registration.participants p
                   WHERE p.track_id = $2 AND p.state = 'disqualified' AND p.is_reason_public
                     AND EXISTS (SELECT FROM submission.handed_in h
                                 WHERE h.phase_id = $1 AND h.team_id = p.team_id
                                   AND h.state = 'accepted' AND NOT h.is_trial)) AS "disqualified!""#,
        phase.id.0,
        phase.track_id,
        moment.unwrap_or(now) - TimeDelta::days(1),
        moment,
    )
    .fetch_one(db)
    .await
}

/// What a ranking is made of, beside the row of its phase: counts that move whenever any of it changes.
#[derive(Debug)]
#[expect(dead_code, reason = "all of it is read as one text")]
pub struct Inputs {
    /// Changes of evaluations, of what is withdrawn and chosen, and of what is in force.
    of_phase: Option<i64>,
    /// Changes of places in the track.
    of_track: Option<i64>,
}

pub async fn inputs(db: impl PgExecutor<'_>, phase: &Phase) -> sqlx::Result<Inputs> {
    sqlx::query_as!(
        Inputs,
        "SELECT (SELECT count FROM leaderboard.inputs WHERE phase_id = $1) AS of_phase,
                (SELECT count FROM leaderboard.changes WHERE subject = $2) AS of_track",
        phase.id.0,
        phase.track_id,
    )
    .fetch_one(db)
    .await
}
