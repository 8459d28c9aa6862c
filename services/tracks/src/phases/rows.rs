//! Phases with all that is shown of them.

use chrono::{DateTime, Utc};
use molar_domain::board::BoardRules;
use molar_domain::limits::Limits;
use molar_domain::phase::{Opening, PhaseState, Visibility, Window};
use molar_domain::quota::Quota;
use molar_domain::{ChallengeId, PhaseId};
use molar_web_kit::Caller;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use crate::Error;

#[derive(Debug, Clone)]
pub struct Phase {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    pub kind: String,
    pub challenge_id: Uuid,
    pub challenge: String,
    pub zone: String,
    pub track_id: Uuid,
    pub track: String,
    pub format: String,
    pub split_id: Uuid,
    pub split: String,
    pub canary_case: Option<String>,
    /// Where it opened with the publication of another, when that was.
    pub opens_at: DateTime<Utc>,
    pub closes_at: DateTime<Utc>,
    pub upload_grace_s: i32,
    pub is_final: bool,
    pub paused_at: Option<DateTime<Utc>>,
    pub published_at: Option<DateTime<Utc>>,
    pub metrics: Vec<String>,
    pub keep: String,
    pub keep_metric: Option<String>,
    pub quota: Json<Quota>,
    pub limits: Json<Limits>,
    pub device_class: String,
    pub requires_code_url: bool,
    pub allowed_licences: Vec<String>,
    pub freezes_at: Option<DateTime<Utc>>,
    pub visibility: String,
    pub board: Json<BoardRules>,
    /// Title of the phase whose best may submit.
    pub finalists_title: Option<String>,
    pub finalists_top: Option<i32>,
    /// The phase after whose publication it opens, and its title.
    pub opens_after: Option<Uuid>,
    pub opens_after_title: Option<String>,
    /// Whether that is not published yet.
    pub is_held: bool,
    pub retention_days: Option<i32>,
    pub announced_cases: i64,
    pub stored_cases: i64,
    pub good_references: i64,
    pub has_canary: bool,
    pub is_ready: bool,
    pub is_work_in_flight: bool,
}

impl Phase {
    pub fn window(&self) -> Window {
        Window {
            opening: self.opening(),
            closes_at: self.closes_at,
            upload_grace_s: self.upload_grace_s,
            is_paused: self.paused_at.is_some(),
            is_published: self.published_at.is_some(),
        }
    }

    pub fn opening(&self) -> Opening {
        Opening {
            at: self.opens_at,
            is_held: self.is_held,
        }
    }

    /// Title of the phase that has to be published before this one opens.
    pub fn held_by(&self) -> Option<&str> {
        self.opens_after_title.as_deref().filter(|_| self.is_held)
    }

    pub fn state(&self, now: DateTime<Utc>) -> PhaseState {
        self.window().state(now, self.is_work_in_flight)
    }

    pub fn challenge_id(&self) -> ChallengeId {
        ChallengeId(self.challenge_id)
    }

    pub fn visibility(&self) -> Visibility {
        self.visibility.parse().unwrap_or_default()
    }

    /// Whether the caller is told of the phase at all.
    pub fn is_shown(&self, caller: Option<&Caller>) -> bool {
        let may_review = caller.is_some_and(|caller| caller.may_review(self.challenge_id()));
        self.visibility().shows_phase(may_review)
    }

    /// As in plans and in the audit log.
    pub fn name(&self) -> String {
        format!("phase {}/{}", self.track, self.slug)
    }
}

/// Of one challenge, or of all; in the order in which its file names them.
pub async fn list(
    db: impl PgExecutor<'_>,
    challenge: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Vec<Phase>, Error> {
    Ok(select(db, challenge, None, now).await?)
}

pub async fn find(
    db: impl PgExecutor<'_>,
    id: PhaseId,
    now: DateTime<Utc>,
) -> Result<Phase, Error> {
    let mut found = select(db, None, Some(id.0), now).await?;
    found.pop().ok_or(Error::NotFound("phase"))
}

/// The phases that wait for this one and have not ended, with their titles.
pub async fn opened_by(
    db: impl PgExecutor<'_>,
    phase: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        r#"SELECT p.id, p.title FROM tracks.phases p
           JOIN tracks.openings o ON o.phase_id = p.id
           WHERE p.opens_after = $1 AND o.is_held AND p.closes_at > $2
           ORDER BY p.position, p.id"#,
        phase,
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.title)).collect())
}

/// Only a phase that is past its end can have work that it waits for.
async fn select(
    db: impl PgExecutor<'_>,
    challenge: Option<Uuid>,
    id: Option<Uuid>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Phase>> {
    sqlx::query_as!(
        Phase,
        r#"
        SELECT p.id, p.slug, p.title, p.kind, c.id AS challenge_id, c.slug AS challenge, c.zone,
               t.id AS track_id, t.slug AS track, t.format, s.id AS split_id, s.slug AS split,
               p.canary_case, o.opens_at AS "opens_at!", p.closes_at, p.upload_grace_s, p.is_final, p.paused_at,
               p.published_at, p.metrics, p.keep, p.keep_metric, p.quota AS "quota: Json<Quota>",
               p.limits AS "limits: Json<Limits>", p.device_class, p.requires_code_url,
               p.allowed_licences, p.freezes_at, p.visibility, p.board AS "board: Json<BoardRules>", p.finalists_top, p.retention_days,
               (SELECT f.title FROM tracks.phases f WHERE f.id = p.finalists_of) AS finalists_title,
               p.opens_after, o.opens_after_title,
               o.is_held AS "is_held!",
               r.announced_cases AS "announced_cases!", r.stored_cases AS "stored_cases!",
               r.good_references AS "good_references!", r.has_canary AS "has_canary!",
               r.is_ready AS "is_ready!",
               (p.closes_at <= $3 AND EXISTS (
                   SELECT FROM submission.in_flight l WHERE l.phase_id = p.id
               )) AS "is_work_in_flight!"
        FROM tracks.phases p
        JOIN tracks.tracks t ON t.id = p.track_id
        JOIN tracks.challenges c ON c.id = t.challenge_id
        JOIN tracks.splits s ON s.id = p.split_id
        JOIN tracks.phase_readiness r ON r.phase_id = p.id
        JOIN tracks.openings o ON o.phase_id = p.id
        WHERE ($1::uuid IS NULL OR c.id = $1) AND ($2::uuid IS NULL OR p.id = $2)
        ORDER BY c.id, t.position, t.slug, p.position, p.slug
        "#,
        challenge,
        id,
        now,
    )
    .fetch_all(db)
    .await
}

/// What keeps references of the phase's split from being good, by case.
pub async fn bad_references(
    db: impl PgExecutor<'_>,
    split_id: Uuid,
) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        r#"
        SELECT c.name, f.complaint AS "complaint!"
        FROM tracks.cases c
        JOIN tracks.case_references r ON r.case_id = c.id
        JOIN scoring.reference_facts f ON f.reference_id = r.id
        WHERE c.split_id = $1 AND c.state = 'stored' AND NOT f.is_good AND r.reference_set_id =
            (SELECT s.id FROM tracks.reference_sets s WHERE s.split_id = $1
             ORDER BY s.version DESC LIMIT 1)
        ORDER BY c.name LIMIT 20
        "#,
        split_id,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|r| (r.name, r.complaint)).collect())
}

/// Points the phases of a challenge at their canaries. A file may name a case that is stored later.
pub async fn resolve_canaries(db: impl PgExecutor<'_>, challenge: Uuid) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        UPDATE tracks.phases p SET canary_case_id = found.case_id
        FROM (SELECT q.id, (SELECT c.id FROM tracks.cases c
                            JOIN tracks.splits s ON s.id = c.split_id
                            WHERE s.track_id = q.track_id AND c.state = 'stored'
                              AND s.slug || '/' || c.name = q.canary_case) AS case_id
              FROM tracks.phases q
              JOIN tracks.tracks t ON t.id = q.track_id
              WHERE t.challenge_id = $1 AND q.canary_case IS NOT NULL) found
        WHERE found.id = p.id AND p.canary_case_id IS DISTINCT FROM found.case_id
        "#,
        challenge,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
