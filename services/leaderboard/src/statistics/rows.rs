//! `leaderboard.statistics`: of each phase the newest, and those of the version that a frozen board shows.

use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::document::{Document, LeftOut};

/// A version of a ranking whose statistics are to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub phase_id: PhaseId,
    pub ranking_id: Uuid,
    pub version: i32,
}

/// The newest version of each phase, or of one, unless there are statistics of it or any were made after `since`; and
/// the version at which a board has frozen, for which nobody has to wait. A large phase waits ten times as long as its
/// last ones took, so that it keeps no core for itself.
pub async fn due(
    db: impl PgExecutor<'_>,
    phase: Option<PhaseId>,
    now: DateTime<Utc>,
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"WITH wanted AS (
               SELECT p.phase_id, r.id, r.version, false AS is_frozen
               FROM tracks.phase_facts p
               CROSS JOIN LATERAL (SELECT id, version FROM leaderboard.rankings
                                   WHERE phase_id = p.phase_id ORDER BY version DESC LIMIT 1) r
               UNION ALL
               SELECT p.phase_id, r.id, r.version, true
               FROM tracks.phase_facts p
               JOIN tracks.phase_rules f ON f.phase_id = p.phase_id
               CROSS JOIN LATERAL (SELECT id, version FROM leaderboard.rankings
                                   WHERE phase_id = p.phase_id AND created_at <= f.freezes_at
                                   ORDER BY version DESC LIMIT 1) r
               WHERE f.freezes_at <= $2 AND p.published_at IS NULL)
           SELECT DISTINCT ON (w.phase_id, w.version)
                  w.phase_id AS "phase_id!", w.id AS "ranking_id!", w.version AS "version!"
           FROM wanted w
           WHERE ($1::uuid IS NULL OR w.phase_id = $1)
             AND NOT EXISTS (SELECT FROM leaderboard.statistics s
                             WHERE s.phase_id = w.phase_id AND s.version = w.version)
             AND (w.is_frozen OR NOT EXISTS (SELECT FROM leaderboard.statistics s
                                             WHERE s.phase_id = w.phase_id
                                               AND (s.computed_at > $3 OR s.computed_at
                                                    + 10 * s.took_ms * interval '1 millisecond' > $2)))
           ORDER BY w.phase_id, w.version"#,
        phase.map(|phase| phase.0),
        now,
        since,
    )
    .fetch_all(db)
    .await
}

pub struct New<'a> {
    pub of: Due,
    pub computed_at: DateTime<Utc>,
    pub took_ms: i32,
    pub seed: u64,
    pub draws: u32,
    pub library: &'a str,
    pub document: &'a Document,
}

/// Keeps them, unless another process was quicker.
pub async fn insert(tx: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO leaderboard.statistics
             (phase_id, version, computed_at, took_ms, seed, draws, library, document, intervals)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (phase_id, version) DO NOTHING",
        new.of.phase_id.0,
        new.of.version,
        new.computed_at,
        new.took_ms,
        new.seed.cast_signed(),
        new.draws.cast_signed(),
        new.library,
        Json(new.document) as _,
        Json(new.document.intervals()) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets those that nobody is shown any more. While a board is frozen its last version and those after it are told
/// apart: newer ones take the place of neither that version nor what is shown until it is made.
pub async fn forget(tx: &mut PgConnection, phase: PhaseId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM leaderboard.statistics s
         USING tracks.phase_facts p
         JOIN tracks.phase_rules f ON f.phase_id = p.phase_id
         LEFT JOIN LATERAL (SELECT max(version) AS version FROM leaderboard.rankings
                            WHERE phase_id = p.phase_id AND created_at <= f.freezes_at
                              AND f.freezes_at <= $2 AND p.published_at IS NULL) frozen ON true
         WHERE s.phase_id = $1 AND p.phase_id = $1
           AND EXISTS (SELECT FROM leaderboard.statistics newer
                       WHERE newer.phase_id = $1 AND newer.version > s.version
                         AND (frozen.version IS NULL OR s.version > frozen.version
                              OR newer.version <= frozen.version))",
        phase.0,
        now,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Of one version, as they are read back.
pub struct Stored {
    pub version: i32,
    /// When the version was ranked.
    pub ranked_at: DateTime<Utc>,
    pub computed_at: DateTime<Utc>,
    pub seed: i64,
    pub draws: i32,
    pub library: String,
    pub document: Json<Document>,
}

/// The newest that are of no newer version than this.
pub async fn newest(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
) -> sqlx::Result<Option<Stored>> {
    sqlx::query_as!(
        Stored,
        r#"SELECT s.version, r.created_at AS ranked_at, s.computed_at, s.seed, s.draws, s.library,
                  s.document AS "document: Json<Document>"
           FROM leaderboard.statistics s
           JOIN leaderboard.rankings r ON r.phase_id = s.phase_id AND r.version = s.version
           WHERE s.phase_id = $1 AND s.version <= $2
           ORDER BY s.version DESC LIMIT 1"#,
        phase.0,
        version,
    )
    .fetch_optional(db)
    .await
}

/// Of exactly this version.
pub async fn of(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
) -> sqlx::Result<Option<Stored>> {
    let stored = newest(db, phase, version).await?;
    Ok(stored.filter(|stored| stored.version == version))
}

/// Whether the ranking that was drawn is that of the board, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// Why nothing could be drawn.
    pub undrawn: Option<String>,
    pub is_board_ranking: bool,
    pub left_out: Vec<LeftOut>,
}

/// Of exactly this version; columns of their own, since the document is large.
pub async fn basis(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
) -> sqlx::Result<Option<Basis>> {
    let row = sqlx::query!(
        r#"SELECT undrawn, is_board_ranking, left_out AS "left_out: Json<Vec<LeftOut>>"
           FROM leaderboard.statistics WHERE phase_id = $1 AND version = $2"#,
        phase.0,
        version,
    );
    let row = row.fetch_optional(db).await?;
    Ok(row.map(|row| Basis {
        undrawn: row.undrawn,
        is_board_ranking: row.is_board_ranking,
        left_out: row.left_out.0,
    }))
}
