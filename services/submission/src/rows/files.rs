//! What organizers take out of a phase in bulk, and `submission.exported_files`: append only.

use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, UserId, uuid_at};
use molar_web_kit::PageQuery;
use sqlx::PgExecutor;
use uuid::Uuid;

pub struct File {
    /// By which they are ordered.
    pub id: Uuid,
    pub submission_id: Uuid,
    pub team: String,
    pub case: Option<String>,
    pub path: String,
    pub object_key: String,
    pub sha256: Option<String>,
}

/// Zips that passed their check.
pub async fn predictions(
    db: impl PgExecutor<'_>,
    phase: Uuid,
    page: &PageQuery,
) -> sqlx::Result<Vec<File>> {
    sqlx::query_as!(
        File,
        r#"SELECT s.submission_id AS "id!", s.submission_id AS "submission_id!", COALESCE(n.team_name, '') AS "team!",
                  NULL::text AS "case", 'predictions/' || s.submission_id || '.zip' AS "path!",
                  s.object_key AS "object_key!", s.sha256
           FROM submission.accepted s
           JOIN tracks.phase_facts p ON p.phase_id = s.phase_id
           LEFT JOIN registration.participants n ON n.team_id = s.team_id AND n.track_id = p.track_id
           WHERE s.phase_id = $1 AND s.kind = 'predictions' AND ($2::uuid IS NULL OR s.submission_id > $2)
             AND NOT EXISTS (SELECT FROM submission.removed g WHERE g.submission_id = s.submission_id)
           ORDER BY s.submission_id LIMIT $3"#,
        phase,
        page.after(),
        page.fetch(),
    )
    .fetch_all(db)
    .await
}

/// The series of each run that left one, of every attempt.
pub async fn runs(
    db: impl PgExecutor<'_>,
    phase: Uuid,
    page: &PageQuery,
) -> sqlx::Result<Vec<File>> {
    sqlx::query_as!(
        File,
        r#"SELECT m.case_run_id AS "id!", a.submission_id AS "submission_id!", COALESCE(n.team_name, '') AS "team!",
                  c.name AS "case", 'runs/' || a.submission_id || '/' || a.number || '/'
                      || CASE WHEN m.kind = 'canary' THEN 'canary-' ELSE '' END || c.name || '.json.gz' AS "path!",
                  m.series_key AS "object_key!", NULL::text AS sha256
           FROM execution.case_run_measures m
           JOIN execution.attempt_facts a ON a.attempt_id = m.attempt_id
           JOIN submission.submissions s ON s.id = a.submission_id AND NOT s.is_trial
           JOIN tracks.stored_cases c ON c.case_id = m.case_id
           JOIN tracks.phase_facts p ON p.phase_id = a.phase_id
           LEFT JOIN registration.participants n ON n.team_id = a.team_id AND n.track_id = p.track_id
           WHERE a.phase_id = $1 AND m.series_key IS NOT NULL AND ($2::uuid IS NULL OR m.case_run_id > $2)
           ORDER BY m.case_run_id LIMIT $3"#,
        phase,
        page.after(),
        page.fetch(),
    )
    .fetch_all(db)
    .await
}

pub struct Link<'a> {
    pub challenge: ChallengeId,
    pub user: UserId,
    pub kind: &'static str,
    pub file: Uuid,
    pub path: &'a str,
    pub size_bytes: i64,
    pub expires_at: DateTime<Utc>,
}

pub async fn note(
    db: impl PgExecutor<'_>,
    link: &Link<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO submission.exported_files
             (id, challenge_id, user_id, kind, file_id, place, size_bytes, handed_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        uuid_at(now),
        link.challenge.0,
        link.user.0,
        link.kind,
        link.file,
        link.path,
        link.size_bytes,
        now,
        link.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}
