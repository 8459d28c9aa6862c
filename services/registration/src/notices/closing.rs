//! Phases that close within a day, for teams that have a place in the track.

use chrono::TimeDelta;
use molar_web_kit::Kit;

use super::{News, moment, tell};
use crate::Error;

const AHEAD: TimeDelta = TimeDelta::hours(24);

/// A phase that is extended is told anew: the time is part of the occasion.
pub async fn round(kit: &Kit) -> Result<(), Error> {
    let now = kit.clock.now();
    let rows = sqlx::query!(
        r#"
        SELECT a.id, a.team_id, t.name AS team, f.phase_title AS "phase!", f.phase_id AS "phase_id!",
               f.track_title AS "track!", f.challenge_title AS "challenge!",
               f.closes_at AS "closes_at!", f.zone AS "zone!",
               'closing ' || f.phase_id || ' ' || extract(epoch FROM f.closes_at)::bigint AS "occasion!"
        FROM tracks.phase_facts f
        JOIN tracks.phase_rules v ON v.phase_id = f.phase_id AND v.visibility <> 'organizers'
        JOIN registration.participations a ON a.track_id = f.track_id AND a.state = 'approved'
        JOIN registration.teams t ON t.id = a.team_id
        WHERE f.opens_at <= $1 AND NOT f.is_held AND f.closes_at > $1 AND f.closes_at <= $2 AND f.paused_at IS NULL
          AND NOT EXISTS (
              SELECT FROM registration.noticed n
              WHERE n.subject_id = a.id
                AND n.occasion = 'closing ' || f.phase_id || ' ' || extract(epoch FROM f.closes_at)::bigint)
        ORDER BY a.id
        "#,
        now,
        now + AHEAD,
    )
    .fetch_all(&kit.db)
    .await?;
    for row in rows {
        let closes = moment(row.closes_at, &row.zone);
        let (phase, track) = (&row.phase, &row.track);
        let news = News {
            subject_id: row.id,
            occasion: row.occasion,
            team: row.team_id.into(),
            title: format!("{phase} closes soon: {track}, {}", row.challenge),
            text: format!(
                "{phase} of {track} closes on {closes}.\n\n\
                 What your team {} has not handed in by then does not count. What is uploaded in time \
                 counts, however long it runs.\n\n{}submissions/new?phase={}",
                row.team, kit.public_url, row.phase_id
            ),
        };
        tell(kit, &news).await?;
    }
    Ok(())
}
