//! What was handed in and is not scored yet.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_domain::{PhaseId, TeamId};
use sqlx::PgConnection;
use uuid::Uuid;

/// Of each team when the first of its submissions that has no score yet was handed in. `scored` have one, whatever is
/// measured of them again.
pub async fn since(
    tx: &mut PgConnection,
    phase: PhaseId,
    scored: &[Uuid],
) -> sqlx::Result<BTreeMap<TeamId, DateTime<Utc>>> {
    let rows = sqlx::query!(
        r#"SELECT l.team_id AS "team_id!", min(l.completed_at) AS "since!"
           FROM submission.in_flight f JOIN submission.life l USING (submission_id)
           WHERE f.phase_id = $1 AND l.completed_at IS NOT NULL AND l.submission_id <> ALL ($2)
           GROUP BY l.team_id"#,
        phase.0,
        scored,
    )
    .fetch_all(tx)
    .await?;
    let since = rows.into_iter().map(|row| (row.team_id.into(), row.since));
    Ok(since.collect())
}
