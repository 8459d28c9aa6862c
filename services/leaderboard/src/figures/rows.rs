//! `leaderboard.drawings` and `leaderboard.figures`: of each phase the newest, and those of the version that a frozen
//! board shows.

use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// A version of a ranking that is to be drawn.
#[derive(Debug, Clone)]
pub struct Due {
    pub phase_id: PhaseId,
    pub ranking_id: Uuid,
    pub version: i32,
    /// Since when the public sees this version and no newer one.
    pub frozen_at: Option<DateTime<Utc>>,
}

/// The newest version of each phase that has statistics, unless it is drawn with the names that teams have now or anything
/// of the phase was drawn after `since`; and the version at which a board has frozen, for which nobody has to wait. Names are those of
/// teams that have their place in the track.
pub async fn due(
    db: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"WITH wanted AS (
               SELECT p.phase_id, p.track_id, r.id, r.version, NULL::timestamptz AS frozen_at
               FROM tracks.phase_facts p
               CROSS JOIN LATERAL (SELECT n.id, n.version FROM leaderboard.rankings n
                                   JOIN leaderboard.statistics s USING (phase_id, version)
                                   WHERE n.phase_id = p.phase_id ORDER BY n.version DESC LIMIT 1) r
               UNION ALL
               SELECT p.phase_id, p.track_id, r.id, r.version, f.freezes_at
               FROM tracks.phase_facts p
               JOIN tracks.phase_rules f ON f.phase_id = p.phase_id
               CROSS JOIN LATERAL (SELECT id, version FROM leaderboard.rankings
                                   WHERE phase_id = p.phase_id AND created_at <= f.freezes_at
                                   ORDER BY version DESC LIMIT 1) r
               WHERE f.freezes_at <= $1 AND p.published_at IS NULL)
           SELECT DISTINCT ON (w.phase_id, w.version)
                  w.phase_id AS "phase_id!", w.id AS "ranking_id!", w.version AS "version!", w.frozen_at
           FROM wanted w
           JOIN leaderboard.statistics s ON s.phase_id = w.phase_id AND s.version = w.version
           CROSS JOIN LATERAL (SELECT COALESCE(array_agg(t.team_name ORDER BY t.team_name COLLATE "C"), '{}') AS names
                               FROM leaderboard.entries e
                               JOIN registration.participants t ON t.team_id = e.team_id AND t.track_id = w.track_id
                               WHERE e.ranking_id = w.id AND e.final_rank IS NOT NULL AND t.state = 'approved') n
           LEFT JOIN leaderboard.drawings d ON d.phase_id = w.phase_id AND d.version = w.version
           WHERE d.names IS DISTINCT FROM n.names
             AND (w.frozen_at IS NOT NULL OR NOT EXISTS (SELECT FROM leaderboard.drawings late
                                                         WHERE late.phase_id = w.phase_id AND late.made_at > $2))
           ORDER BY w.phase_id, w.version, w.frozen_at"#,
        now,
        since,
    )
    .fetch_all(db)
    .await
}

/// One figure in its three looks.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// In its address.
    pub name: String,
    pub title: String,
    pub note: String,
    pub wide: String,
    pub narrow: String,
    pub file: String,
}

/// Takes the place of an earlier drawing of the same version.
pub async fn put(
    tx: &mut PgConnection,
    due: &Due,
    names: &[String],
    figures: &[Drawn],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    // Who comes second waits here for who came first.
    sqlx::query!(
        "INSERT INTO leaderboard.drawings (phase_id, version, made_at, names) VALUES ($1, $2, $3, $4)
         ON CONFLICT (phase_id, version) DO UPDATE SET made_at = excluded.made_at, names = excluded.names",
        due.phase_id.0,
        due.version,
        now,
        names,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "DELETE FROM leaderboard.figures WHERE phase_id = $1 AND version = $2",
        due.phase_id.0,
        due.version,
    )
    .execute(&mut *tx)
    .await?;
    for (position, figure) in (0..).zip(figures) {
        sqlx::query!(
            "INSERT INTO leaderboard.figures (phase_id, version, name, position, title, note, wide, narrow, file)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            due.phase_id.0,
            due.version,
            figure.name,
            position,
            figure.title,
            figure.note,
            figure.wide,
            figure.narrow,
            figure.file,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Forgets what is older than the version just drawn, but for what a frozen board shows.
pub async fn forget(tx: &mut PgConnection, drawn: &Due, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM leaderboard.drawings d
         WHERE d.phase_id = $1 AND d.version < $2
           AND d.version IS DISTINCT FROM (SELECT max(r.version) FROM leaderboard.rankings r
                                           JOIN tracks.phase_facts p ON p.phase_id = r.phase_id
                                           JOIN tracks.phase_rules f ON f.phase_id = r.phase_id
                                           WHERE r.phase_id = $1 AND r.created_at <= f.freezes_at
                                             AND f.freezes_at <= $3 AND p.published_at IS NULL)",
        drawn.phase_id.0,
        drawn.version,
        now,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// That there are figures of a version.
#[derive(Debug, Clone)]
pub struct Drawing {
    pub version: i32,
    pub made_at: DateTime<Utc>,
    pub names: Vec<String>,
    /// When the version was ranked.
    pub ranked_at: DateTime<Utc>,
}

/// The newest that is of no newer version than this.
pub async fn newest(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
) -> sqlx::Result<Option<Drawing>> {
    sqlx::query_as!(
        Drawing,
        "SELECT d.version, d.made_at, d.names, r.created_at AS ranked_at
         FROM leaderboard.drawings d
         JOIN leaderboard.rankings r ON r.phase_id = d.phase_id AND r.version = d.version
         WHERE d.phase_id = $1 AND d.version <= $2
         ORDER BY d.version DESC LIMIT 1",
        phase.0,
        version,
    )
    .fetch_optional(db)
    .await
}

/// One figure for the page.
#[derive(Debug, Clone)]
pub struct Shown {
    pub name: String,
    pub title: String,
    pub note: String,
    pub wide: String,
    pub narrow: String,
}

/// In the order of the page.
pub async fn list(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
) -> sqlx::Result<Vec<Shown>> {
    sqlx::query_as!(
        Shown,
        "SELECT name, title, note, wide, narrow FROM leaderboard.figures
         WHERE phase_id = $1 AND version = $2 ORDER BY position",
        phase.0,
        version,
    )
    .fetch_all(db)
    .await
}

/// As it is downloaded.
pub async fn file(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
    name: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "SELECT file FROM leaderboard.figures WHERE phase_id = $1 AND version = $2 AND name = $3",
        phase.0,
        version,
        name,
    )
    .fetch_optional(db)
    .await
}
