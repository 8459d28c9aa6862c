//! What a board is made of beside the row of its phase, as counts that move whenever any of it changes.

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::TeamId;
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
    /// Of the newest statistics that may be shown with it.
    statistics: Option<DateTime<Utc>>,
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
        r#"SELECT shown.version,
                  (SELECT version FROM leaderboard.rankings
                   WHERE phase_id = $1 AND created_at <= $3
                   ORDER BY created_at DESC, version DESC LIMIT 1) AS version_before,
                  (SELECT count FROM leaderboard.changes WHERE subject = $1) AS of_phase,
                  (SELECT count FROM leaderboard.changes WHERE subject = $2) AS of_track,
                  (SELECT max(computed_at) FROM leaderboard.statistics
                   WHERE phase_id = $1 AND version <= shown.version) AS statistics,
                  (SELECT count(*) FROM registration.participants p
                   WHERE p.track_id = $2 AND p.state = 'disqualified' AND p.is_reason_public
                     AND EXISTS (SELECT FROM submission.handed_in h
                                 WHERE h.phase_id = $1 AND h.team_id = p.team_id
                                   AND h.state = 'accepted' AND NOT h.is_trial)) AS "disqualified!"
           FROM (SELECT (SELECT version FROM leaderboard.rankings
                         WHERE phase_id = $1 AND ($4::timestamptz IS NULL OR created_at <= $4)
                         ORDER BY created_at DESC, version DESC LIMIT 1) AS version) AS shown"#,
        phase.id.0,
        phase.track_id,
        moment.unwrap_or(now) - TimeDelta::days(1),
        moment,
    )
    .fetch_one(db)
    .await
}

/// What a ranking is made of, beside the row of its phase: counts that move whenever any of it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Changes of evaluations, of what is withdrawn and chosen, and of what is in force.
    pub of_phase: i64,
    /// That count when something last changed that is no single team's.
    pub of_all: i64,
    /// Changes of places in the track.
    pub of_track: i64,
}

pub async fn inputs(db: impl PgExecutor<'_>, phase: &Phase) -> sqlx::Result<Inputs> {
    sqlx::query_as!(
        Inputs,
        r#"SELECT COALESCE(i.count, 0) AS "of_phase!", COALESCE(i.of_all, 0) AS "of_all!",
                  COALESCE((SELECT count FROM leaderboard.changes WHERE subject = $2), 0) AS "of_track!"
           FROM (SELECT $1::uuid AS phase_id) AS one
           LEFT JOIN leaderboard.inputs i USING (phase_id)"#,
        phase.id.0,
        phase.track_id,
    )
    .fetch_one(db)
    .await
}

/// Teams of which something has changed since the count of their phase was this.
pub async fn changed_teams(
    db: impl PgExecutor<'_>,
    phase: &Phase,
    since: i64,
) -> sqlx::Result<Vec<TeamId>> {
    let teams = sqlx::query_scalar!(
        "SELECT team_id FROM leaderboard.inputs_of_teams WHERE phase_id = $1 AND count > $2",
        phase.id.0,
        since,
    );
    let teams = teams.fetch_all(db).await?;
    Ok(teams.into_iter().map(TeamId).collect())
}
