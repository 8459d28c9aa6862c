//! Outputs and scores of a phase, and `scoring.exported_files`: append only.

use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, UserId, uuid_at};
use molar_web_kit::{Caller, PageQuery};
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{Error, Result};

pub struct Phase {
    pub challenge: ChallengeId,
    /// challenge-track-phase
    pub file_name: String,
}

/// A phase that the caller may know of.
pub async fn phase(db: impl PgExecutor<'_>, caller: &Caller, id: Uuid) -> Result<Phase> {
    let row = sqlx::query!(
        r#"SELECT challenge_id AS "challenge_id!", challenge_slug || '-' || track_slug || '-' || phase_slug AS "name!"
           FROM tracks.phase_facts WHERE phase_id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| Phase {
        challenge: ChallengeId(row.challenge_id),
        file_name: row.name,
    })
    .filter(|phase| caller.may_review(phase.challenge))
    .ok_or(Error::NotFound("phase"))
}

pub struct Output {
    pub case_run_id: Uuid,
    pub submission_id: Uuid,
    pub team: String,
    pub case: String,
    pub path: String,
    pub object_key: String,
    pub size_bytes: i64,
    pub sha256: String,
}

/// Of each run that left one, of every attempt, by the ids of the runs.
pub async fn outputs(
    db: impl PgExecutor<'_>,
    phase: Uuid,
    page: &PageQuery,
) -> sqlx::Result<Vec<Output>> {
    sqlx::query_as!(
        Output,
        r#"SELECT r.case_run_id AS "case_run_id!", a.submission_id AS "submission_id!",
                  COALESCE(n.team_name, '') AS "team!", c.name AS "case!",
                  'outputs/' || a.submission_id || '/' || a.number || '/'
                      || CASE WHEN r.kind = 'canary' THEN 'canary-' ELSE '' END
                      || substring(r.output_key FROM '[^/]*$') AS "path!",
                  r.output_key AS "object_key!", r.output_size_bytes AS "size_bytes!", r.output_sha256 AS "sha256!"
           FROM execution.case_run_facts r
           JOIN execution.attempt_facts a ON a.attempt_id = r.attempt_id
           JOIN tracks.stored_cases c ON c.case_id = r.case_id
           JOIN tracks.phase_facts p ON p.phase_id = a.phase_id
           LEFT JOIN registration.participants n ON n.team_id = a.team_id AND n.track_id = p.track_id
           WHERE a.phase_id = $1 AND r.output_key IS NOT NULL AND ($2::uuid IS NULL OR r.case_run_id > $2)
             AND NOT EXISTS (SELECT FROM submission.trials t WHERE t.submission_id = a.submission_id)
             AND NOT EXISTS (SELECT FROM execution.removed g WHERE g.attempt_id = a.attempt_id)
           ORDER BY r.case_run_id LIMIT $3"#,
        phase,
        page.after(),
        page.fetch(),
    )
    .fetch_all(db)
    .await
}

/// Before the link is told: what is not noted is not handed out.
pub async fn note(
    db: impl PgExecutor<'_>,
    (challenge, user): (ChallengeId, UserId),
    output: &Output,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO scoring.exported_files
             (id, challenge_id, user_id, kind, file_id, place, size_bytes, handed_at, expires_at)
         VALUES ($1, $2, $3, 'output', $4, $5, $6, $7, $8)",
        uuid_at(now),
        challenge.0,
        user.0,
        output.case_run_id,
        output.path,
        output.size_bytes,
        now,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The metrics that some case of the phase was measured by.
pub async fn metrics(db: impl PgExecutor<'_>, phase: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT key AS "key!" FROM scoring.evaluation_facts e
           JOIN scoring.case_scores c ON c.evaluation_id = e.evaluation_id
           CROSS JOIN LATERAL jsonb_object_keys(c.values) AS key
           WHERE e.phase_id = $1 AND e.state = 'finished' ORDER BY 1"#,
        phase,
    )
    .fetch_all(db)
    .await
}

pub struct Score {
    pub evaluation_id: Uuid,
    pub submission_id: Uuid,
    pub team: String,
    pub attempt: Option<i32>,
    pub is_current: bool,
    pub scorer_version: String,
    pub reference_set_version: i32,
    pub case: String,
    pub values: Value,
    pub reason: Option<String>,
}

/// The cases of the next finished evaluations after one, whole evaluations only.
pub async fn scores(
    db: impl PgExecutor<'_>,
    phase: Uuid,
    after: Option<Uuid>,
    evaluations: i64,
) -> sqlx::Result<Vec<Score>> {
    sqlx::query_as!(
        Score,
        r#"SELECT e.evaluation_id AS "evaluation_id!", e.submission_id AS "submission_id!",
                  COALESCE(n.team_name, '') AS "team!", a.number AS "attempt?", e.is_current AS "is_current!",
                  e.scorer_version AS "scorer_version!", v.version AS "reference_set_version!",
                  t.name AS "case!", c.values AS "values!", c.reason
           FROM (SELECT * FROM scoring.evaluation_facts f
                 WHERE f.phase_id = $1 AND f.state = 'finished' AND ($2::uuid IS NULL OR f.evaluation_id > $2)
                 ORDER BY f.evaluation_id LIMIT $3) e
           JOIN tracks.phase_facts p ON p.phase_id = e.phase_id
           JOIN tracks.reference_set_versions v ON v.reference_set_id = e.reference_set_id
           JOIN scoring.case_scores c ON c.evaluation_id = e.evaluation_id
           JOIN tracks.stored_cases t ON t.case_id = c.case_id
           LEFT JOIN execution.attempt_facts a ON a.attempt_id = e.attempt_id
           LEFT JOIN registration.participants n ON n.team_id = e.team_id AND n.track_id = p.track_id
           ORDER BY e.evaluation_id, t.name, c.case_id"#,
        phase,
        after,
        evaluations,
    )
    .fetch_all(db)
    .await
}
