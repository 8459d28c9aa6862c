use std::collections::HashMap;

use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, TeamId};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::SignKind;
use super::mail_domain::is_free;

/// Cases in which two containers must write the same before it says something: an empty answer is quickly the same.
const CASES_MIN: i64 = 2;

pub struct Seen {
    pub kind: SignKind,
    pub detail: String,
    pub teams: Vec<TeamId>,
    pub first_seen_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
}

fn teams(ids: Vec<Uuid>) -> Vec<TeamId> {
    ids.into_iter().map(TeamId).collect()
}

pub async fn team_names(
    db: impl PgExecutor<'_>,
    challenge: ChallengeId,
) -> sqlx::Result<HashMap<TeamId, String>> {
    let rows = sqlx::query!(
        "SELECT id, name FROM registration.teams WHERE challenge_id = $1",
        challenge.0
    );
    let rows = rows.fetch_all(db).await?;
    Ok(rows
        .into_iter()
        .map(|row| (TeamId(row.id), row.name))
        .collect())
}

/// Of IPv6 the first half names a site, so that is what is compared.
pub async fn addresses(db: impl PgExecutor<'_>, challenge: ChallengeId) -> sqlx::Result<Vec<Seen>> {
    let rows = sqlx::query!(
        r#"
        SELECT s.domain AS "domain!", s.network AS "network!", array_agg(DISTINCT s.team_id) AS "teams!",
               min(s.seen_at) AS "first_seen_at!", max(s.seen_at) AS "last_seen_at!"
        FROM (SELECT m.team_id, m.user_id, s.seen_at, split_part(u.email, '@', 2) AS domain,
                     network(set_masklen(s.address, CASE family(s.address) WHEN 4 THEN 32 ELSE 64 END))::text AS network
              FROM registration.sightings s
              JOIN registration.users u ON u.id = s.user_id
              JOIN registration.memberships m ON m.user_id = u.id
              JOIN registration.teams t ON t.id = m.team_id
              WHERE t.challenge_id = $1 AND u.anonymised_at IS NULL
                AND (u.confirmed_at IS NOT NULL OR NOT u.must_confirm)) s
        GROUP BY s.domain, s.network
        HAVING count(DISTINCT s.team_id) > 1 AND count(DISTINCT s.user_id) > 1
        ORDER BY s.network, s.domain
        "#,
        challenge.0,
    )
    .fetch_all(db)
    .await?;
    let seen = rows.into_iter().map(|row| Seen {
        kind: SignKind::Address,
        detail: format!(
            "members with mail addresses of {}{} registered, signed or joined from {}",
            row.domain,
            if is_free(&row.domain) {
                ", a free mail service,"
            } else {
                ""
            },
            row.network.strip_suffix("/32").unwrap_or(&row.network),
        ),
        teams: teams(row.teams),
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
    });
    Ok(seen.collect())
}

pub async fn images(db: impl PgExecutor<'_>, challenge: ChallengeId) -> sqlx::Result<Vec<Seen>> {
    let rows = sqlx::query!(
        r#"
        SELECT h.image_digest AS "digest!", array_agg(DISTINCT h.team_id) AS "teams!",
               min(h.created_at) AS "first_seen_at!", max(h.created_at) AS "last_seen_at!"
        FROM submission.handed_in h
        JOIN tracks.phase_facts f ON f.phase_id = h.phase_id
        WHERE f.challenge_id = $1 AND h.image_digest IS NOT NULL
        GROUP BY h.image_digest HAVING count(DISTINCT h.team_id) > 1
        "#,
        challenge.0,
    )
    .fetch_all(db)
    .await?;
    let seen = rows.into_iter().map(|row| Seen {
        kind: SignKind::Image,
        detail: format!("handed in the same image, {}", row.digest),
        teams: teams(row.teams),
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
    });
    Ok(seen.collect())
}

/// A hash counts once the file was read: before, it is what its sender says.
pub async fn predictions(
    db: impl PgExecutor<'_>,
    challenge: ChallengeId,
) -> sqlx::Result<Vec<Seen>> {
    let rows = sqlx::query!(
        r#"
        SELECT h.sha256 AS "sha256!", array_agg(DISTINCT h.team_id) AS "teams!",
               min(h.created_at) AS "first_seen_at!", max(h.created_at) AS "last_seen_at!"
        FROM submission.handed_in h
        JOIN tracks.phase_facts f ON f.phase_id = h.phase_id
        WHERE f.challenge_id = $1 AND h.kind = 'predictions' AND h.state IN ('accepted', 'refused')
          AND h.sha256 IS NOT NULL
        GROUP BY h.sha256 HAVING count(DISTINCT h.team_id) > 1
        "#,
        challenge.0,
    )
    .fetch_all(db)
    .await?;
    let seen = rows.into_iter().map(|row| Seen {
        kind: SignKind::Predictions,
        detail: format!(
            "handed in the same file of predictions, SHA-256 {}",
            row.sha256
        ),
        teams: teams(row.teams),
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
    });
    Ok(seen.collect())
}

/// Two teams whose containers wrote the same for several cases of a phase.
pub async fn outputs(db: impl PgExecutor<'_>, challenge: ChallengeId) -> sqlx::Result<Vec<Seen>> {
    let rows = sqlx::query!(
        r#"
        WITH outputs AS (
            SELECT h.team_id, f.phase_id, f.track_title, f.phase_title, r.case_id, r.output_sha256,
                   min(r.finished_at) AS at
            FROM execution.case_run_facts r
            JOIN submission.handed_in h ON h.submission_id = r.submission_id
            JOIN tracks.phase_facts f ON f.phase_id = h.phase_id
            WHERE f.challenge_id = $1 AND r.kind <> 'canary' AND r.output_sha256 IS NOT NULL
            GROUP BY h.team_id, f.phase_id, f.track_title, f.phase_title, r.case_id, r.output_sha256)
        SELECT a.team_id AS "one!", b.team_id AS "other!", a.track_title AS "track!", a.phase_title AS "phase!",
               count(DISTINCT a.case_id) AS "cases!", min(LEAST(a.at, b.at)) AS "first_seen_at!",
               max(GREATEST(a.at, b.at)) AS "last_seen_at!"
        FROM outputs a
        JOIN outputs b ON b.phase_id = a.phase_id AND b.case_id = a.case_id
            AND b.output_sha256 = a.output_sha256 AND b.team_id > a.team_id
        GROUP BY a.team_id, b.team_id, a.phase_id, a.track_title, a.phase_title
        HAVING count(DISTINCT a.case_id) >= $2
        "#,
        challenge.0,
        CASES_MIN,
    )
    .fetch_all(db)
    .await?;
    let seen = rows.into_iter().map(|row| Seen {
        kind: SignKind::Outputs,
        detail: format!(
            "their containers wrote the same for {} cases of {}: {}",
            row.cases, row.track, row.phase
        ),
        teams: vec![TeamId(row.one), TeamId(row.other)],
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
    });
    Ok(seen.collect())
}
