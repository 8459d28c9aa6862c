use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

/// A request as its row says it, with what it is about.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: Uuid,
    pub act: String,
    pub subject_id: Uuid,
    pub subject: Option<String>,
    pub challenge_id: Uuid,
    pub challenge: String,
    pub requested_by: Uuid,
    pub requester: String,
    pub requested_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub reason: Option<String>,
    pub decision: Option<String>,
    pub decider: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
}

/// Whose requests.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    pub is_admin: bool,
    pub challenges: &'a [Uuid],
}

/// Newest first; the name of what each is about comes from the role that does it.
pub async fn list(
    db: impl PgExecutor<'_>,
    sight: Sight<'_>,
    id: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Request>> {
    sqlx::query_as!(
        Request,
        r#"SELECT r.id, r.act, r.subject_id, r.challenge_id, c.slug AS challenge, r.requested_by,
                  u.name AS requester, r.requested_at, r.expires_at, r.reason, r.decision, d.name AS "decider?", r.decided_at,
                  CASE r.act
                      WHEN 'publish' THEN (
                          SELECT f.track_slug || '/' || f.phase_slug FROM tracks.phase_facts f WHERE f.phase_id = r.subject_id)
                      WHEN 'disqualify' THEN (
                          SELECT t.name || ' in ' || k.slug FROM registration.participations p
                          JOIN registration.teams t ON t.id = p.team_id JOIN tracks.tracks k ON k.id = p.track_id
                          WHERE p.id = r.subject_id)
                      ELSE (
                          SELECT f.track_slug || '/' || f.phase_slug FROM scoring.rescoring_facts s
                          JOIN tracks.phase_facts f ON f.phase_id = s.phase_id WHERE s.rescoring_id = r.subject_id)
                  END AS subject
           FROM audit.requests r
           JOIN tracks.challenges c ON c.id = r.challenge_id
           JOIN registration.users u ON u.id = r.requested_by
           LEFT JOIN registration.users d ON d.id = r.decided_by
           WHERE ($1 OR r.challenge_id = ANY ($2)) AND ($3::uuid IS NULL OR r.id = $3) AND ($4::uuid IS NULL OR r.id < $4)
           ORDER BY r.id DESC LIMIT $5"#,
        sight.is_admin,
        sight.challenges,
        id,
        before,
        limit,
    )
    .fetch_all(db)
    .await
}
