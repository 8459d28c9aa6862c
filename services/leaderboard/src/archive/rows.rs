//! What only an archive reads.

use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use serde_json::Value;
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use super::content::Figure;
use crate::audit_head::Head;

/// What was ranked, with what the team says of its code.
pub struct Entry {
    pub team_id: Uuid,
    pub evaluation_id: Uuid,
    pub code_url: Option<String>,
    pub licence: Option<String>,
    /// Whether the team has its place in the track today.
    pub has_place: bool,
}

pub async fn entries(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as!(
        Entry,
        r#"SELECT e.team_id, e.evaluation_id, c.code_url AS "code_url?", c.licence AS "licence?",
                  EXISTS (SELECT FROM registration.participants p
                          WHERE p.team_id = e.team_id AND p.track_id = f.track_id AND p.state = 'approved')
                      AS "has_place!"
           FROM leaderboard.entries e
           JOIN leaderboard.rankings r ON r.id = e.ranking_id
           JOIN tracks.phase_facts f ON f.phase_id = r.phase_id
           LEFT JOIN submission.code_facts c ON c.submission_id = e.submission_id
           WHERE r.phase_id = $1 AND r.version = $2"#,
        phase.0,
        version,
    )
    .fetch_all(db)
    .await
}

/// Whether an entry of the version has a value of one of these in some case.
pub async fn is_measured(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
    metrics: &[String],
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM leaderboard.rankings r
               JOIN leaderboard.entries e ON e.ranking_id = r.id
               JOIN scoring.scored_cases c ON c.evaluation_id = e.evaluation_id
               CROSS JOIN unnest($3::text[]) AS metric (name)
               WHERE r.phase_id = $1 AND r.version = $2 AND jsonb_typeof(c.values -> metric.name) = 'number')
           AS "is_measured!""#,
        phase.0,
        version,
        metrics,
    )
    .fetch_one(db)
    .await
}

pub struct Scored {
    pub evaluation_id: Uuid,
    pub case_id: Uuid,
    pub values: Value,
    pub is_failed: bool,
}

/// Case after case, in the order of their names, to which numbers go by.
pub async fn cases(
    db: &PgPool,
    evaluations: &[Uuid],
    mut take: impl FnMut(Scored),
) -> sqlx::Result<()> {
    use futures_util::TryStreamExt as _;
    let mut rows = sqlx::query_as!(
        Scored,
        r#"SELECT evaluation_id AS "evaluation_id!", case_id AS "case_id!", values AS "values!",
                  reason IS NOT NULL AS "is_failed!"
           FROM scoring.scored_cases WHERE evaluation_id = ANY($1) ORDER BY case_name, case_id"#,
        evaluations,
    )
    .fetch(db);
    while let Some(row) = rows.try_next().await? {
        take(row);
    }
    Ok(())
}

/// As they are downloaded one by one, in the order of their page.
pub async fn figures(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
) -> sqlx::Result<Vec<Figure>> {
    sqlx::query_as!(
        Figure,
        "SELECT name, title, file AS svg FROM leaderboard.figures
         WHERE phase_id = $1 AND version = $2 ORDER BY position",
        phase.0,
        version,
    )
    .fetch_all(db)
    .await
}

/// The last entry of the audit log until then.
pub async fn audit_head(
    db: impl PgExecutor<'_>,
    until: DateTime<Utc>,
) -> sqlx::Result<Option<Head>> {
    sqlx::query_as!(
        Head,
        r#"SELECT seq AS "seq!", encode(hash, 'hex') AS "hash!", at AS "at!"
           FROM audit.log WHERE at <= $1 ORDER BY seq DESC LIMIT 1"#,
        until,
    )
    .fetch_optional(db)
    .await
}
