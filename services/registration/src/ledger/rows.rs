use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, UserId};
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

/// A person with what they signed last and what they have.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PersonView {
    #[schema(value_type = uuid::Uuid)]
    pub user_id: UserId,
    pub name: String,
    /// Absent where the account was deleted.
    pub email: Option<String>,
    pub teams: Vec<String>,
    /// As it was signed.
    pub signed_name: Option<String>,
    pub affiliation: Option<String>,
    pub version: Option<String>,
    pub signed_at: Option<DateTime<Utc>>,
    /// Whether that is the newest version.
    pub has_signed_newest: bool,
    /// Different files to which a link was handed out.
    pub files: i64,
    /// Links, those to the same file included.
    pub links: i64,
    pub last_link_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SignatureView {
    pub id: Uuid,
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// Absent where the account was deleted.
    pub email: Option<String>,
    pub version: String,
    pub text_sha256: String,
    /// As it was signed.
    pub name: String,
    pub affiliation: String,
    pub signed_at: DateTime<Utc>,
    /// From where, as long as it is kept.
    pub address: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DownloadView {
    pub id: Uuid,
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    pub user: String,
    /// `image`, `reference` or `pack`; of what organizers took out in bulk `prediction`, `output` or `run`.
    pub kind: String,
    /// The case, the pack, the submission or the case run.
    pub file_id: Uuid,
    /// track/split/file, or its place in an export.
    pub place: String,
    pub size_bytes: i64,
    pub handed_at: DateTime<Utc>,
    /// Of the link.
    pub expires_at: DateTime<Utc>,
}

pub async fn people(
    db: impl PgExecutor<'_>,
    challenge: ChallengeId,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<PersonView>> {
    sqlx::query_as!(
        PersonView,
        r#"
        SELECT u.id AS user_id, u.name, CASE WHEN u.anonymised_at IS NULL THEN u.email END AS email,
               ARRAY(SELECT t.name FROM registration.memberships m
                     JOIN registration.teams t ON t.id = m.team_id
                     WHERE m.user_id = u.id AND t.challenge_id = $1 ORDER BY t.name) AS "teams!",
               s.signed_name AS "signed_name?", s.affiliation AS "affiliation?",
               s.version AS "version?", s.signed_at AS "signed_at?",
               COALESCE(s.version = (SELECT a.version FROM tracks.agreement_texts a
                                     WHERE a.challenge_id = $1
                                     ORDER BY a.created_at DESC, a.version DESC LIMIT 1), false)
                   AS "has_signed_newest!",
               d.files AS "files!", d.links AS "links!", d.last_link_at
        FROM registration.users u
        LEFT JOIN LATERAL (
            SELECT a.signed_name, a.affiliation, a.version, a.signed_at
            FROM registration.agreements a
            JOIN tracks.agreement_texts t ON t.challenge_id = a.challenge_id AND t.version = a.version
            WHERE a.user_id = u.id AND a.challenge_id = $1
            ORDER BY t.created_at DESC, t.version DESC LIMIT 1) s ON true
        CROSS JOIN LATERAL (
            SELECT count(DISTINCT (h.kind, h.file_id)) AS files, count(*) AS links,
                   max(h.handed_at) AS last_link_at
            FROM tracks.handed_out h
            WHERE h.challenge_id = $1 AND h.user_id = u.id) d
        WHERE ($2::uuid IS NULL OR u.id > $2) AND (s.version IS NOT NULL OR d.links > 0)
        ORDER BY u.id LIMIT $3
        "#,
        challenge.0,
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

pub async fn signatures(
    db: impl PgExecutor<'_>,
    challenge: ChallengeId,
    user: Option<UserId>,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<SignatureView>> {
    sqlx::query_as!(
        SignatureView,
        r#"
        SELECT a.id, a.user_id, CASE WHEN u.anonymised_at IS NULL THEN u.email END AS email,
               a.version, a.text_sha256, a.signed_name AS name, a.affiliation, a.signed_at,
               (SELECT host(s.address) FROM registration.sightings s
                WHERE s.subject_id = a.id AND s.occasion = 'agreement-signed' LIMIT 1) AS address
        FROM registration.agreements a
        JOIN registration.users u ON u.id = a.user_id
        WHERE a.challenge_id = $1 AND ($2::uuid IS NULL OR a.user_id = $2)
          AND ($3::uuid IS NULL OR a.id > $3)
        ORDER BY a.id LIMIT $4
        "#,
        challenge.0,
        user.map(Uuid::from),
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

pub async fn downloads(
    db: impl PgExecutor<'_>,
    challenge: ChallengeId,
    user: Option<UserId>,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<DownloadView>> {
    sqlx::query_as!(
        DownloadView,
        r#"
        SELECT d.download_id AS "id!", d.user_id AS "user_id!", u.name AS user, d.kind AS "kind!",
               d.file_id AS "file_id!", d.place AS "place!", d.size_bytes AS "size_bytes!",
               d.handed_at AS "handed_at!", d.expires_at AS "expires_at!"
        FROM tracks.handed_out d
        JOIN registration.users u ON u.id = d.user_id
        WHERE d.challenge_id = $1 AND ($2::uuid IS NULL OR d.user_id = $2)
          AND ($3::uuid IS NULL OR d.download_id > $3)
        ORDER BY d.download_id LIMIT $4
        "#,
        challenge.0,
        user.map(Uuid::from),
        after,
        limit,
    )
    .fetch_all(db)
    .await
}
