//! What archives and reports tell of a phase beside its board.

use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

/// Of a phase what no board shows.
pub struct Definition {
    pub summary: String,
    pub format: String,
    pub labels: Vec<i32>,
    pub groups: Value,
    pub pixel_spacing_mm: Option<f64>,
    pub quota: Value,
    pub limits: Value,
    pub requires_code_url: bool,
    pub allowed_licences: Vec<String>,
    pub published_at: Option<DateTime<Utc>>,
    pub team_size_max: i16,
    /// On which entries are scored.
    pub split_id: Uuid,
}

pub async fn definition(db: impl PgExecutor<'_>, phase: PhaseId) -> sqlx::Result<Definition> {
    sqlx::query_as!(
        Definition,
        r#"SELECT s.summary AS "summary!", p.format AS "format!", p.labels AS "labels!", p.groups AS "groups!",
                  p.pixel_spacing_mm, p.quota AS "quota!", p.limits AS "limits!",
                  p.requires_code_url AS "requires_code_url!", r.allowed_licences AS "allowed_licences!",
                  p.published_at, s.team_size_max AS "team_size_max!", p.split_id AS "split_id!"
           FROM tracks.phase_facts p
           JOIN tracks.phase_rules r ON r.phase_id = p.phase_id
           JOIN tracks.phase_reports s ON s.phase_id = p.phase_id
           WHERE p.phase_id = $1"#,
        phase.0,
    )
    .fetch_one(db)
    .await
}

/// Data of a track; nothing of a single case.
#[derive(Debug, Clone)]
pub struct Split {
    pub split_id: Uuid,
    pub slug: String,
    pub is_public: bool,
    pub has_references: bool,
    pub are_references_public: bool,
    pub announced_cases: Option<i32>,
    pub announced_labelled: Option<i32>,
    /// That are there.
    pub cases: i64,
}

pub async fn splits(db: impl PgExecutor<'_>, track: Uuid) -> sqlx::Result<Vec<Split>> {
    sqlx::query_as!(
        Split,
        r#"SELECT split_id AS "split_id!", slug AS "slug!", is_public AS "is_public!",
                  has_references AS "has_references!", are_references_public AS "are_references_public!",
                  announced_cases, announced_labelled, cases AS "cases!"
           FROM tracks.split_reports WHERE track_id = $1 ORDER BY is_public DESC, slug"#,
        track,
    )
    .fetch_all(db)
    .await
}

/// What measured entries: more than one where what counts was not all measured by the same.
#[derive(Debug, Clone, Serialize)]
pub struct Scorer {
    pub version: String,
    pub reference_set_version: i32,
    pub parameters_hash: String,
    pub parameters: Option<Value>,
    /// So many were measured by it.
    pub entries: i64,
}

pub async fn scorers(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
) -> sqlx::Result<Vec<Scorer>> {
    sqlx::query_as!(
        Scorer,
        r#"SELECT e.scorer_version AS "version!", s.version AS "reference_set_version!",
                  e.parameters_hash AS "parameters_hash!", (array_agg(e.parameters))[1] AS parameters,
                  count(*) AS "entries!"
           FROM leaderboard.rankings r
           JOIN leaderboard.entries ranked ON ranked.ranking_id = r.id
           JOIN scoring.evaluation_facts e ON e.evaluation_id = ranked.evaluation_id
           JOIN tracks.reference_set_versions s ON s.reference_set_id = e.reference_set_id
           WHERE r.phase_id = $1 AND r.version = $2
           GROUP BY e.scorer_version, s.version, e.parameters_hash
           ORDER BY 1, 2, 3"#,
        phase.0,
        version,
    )
    .fetch_all(db)
    .await
}

/// How often a version of the data-use terms was signed.
#[derive(Debug, Clone, Serialize)]
pub struct Agreement {
    pub version: String,
    pub text_sha256: String,
    pub signatures: i64,
}

/// How often each version of the terms was signed until then; nothing of who did.
pub async fn agreements(
    db: impl PgExecutor<'_>,
    challenge: Uuid,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<Agreement>> {
    sqlx::query_as!(
        Agreement,
        r#"SELECT version AS "version!", text_sha256 AS "text_sha256!", count(*) AS "signatures!"
           FROM registration.signatures WHERE challenge_id = $1 AND signed_at <= $2
           GROUP BY version, text_sha256 ORDER BY 1, 2"#,
        challenge,
        until,
    )
    .fetch_all(db)
    .await
}
