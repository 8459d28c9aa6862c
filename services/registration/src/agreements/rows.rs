use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, UserId, ids};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

pub struct Signature<'a> {
    pub user: UserId,
    pub challenge: ChallengeId,
    pub version: &'a str,
    pub text_sha256: &'a str,
    pub name: &'a str,
    pub affiliation: &'a str,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AgreementView {
    pub id: Uuid,
    #[schema(value_type = Uuid)]
    pub challenge_id: ChallengeId,
    /// The challenge's slug.
    pub challenge: String,
    pub version: String,
    pub text_sha256: String,
    /// As it was signed.
    pub name: String,
    pub affiliation: String,
    pub signed_at: DateTime<Utc>,
    /// Whether a newer version waits to be signed, if not.
    pub is_newest: bool,
}

/// Signing a version again leaves the first signature, and gives no id.
pub async fn insert(
    conn: &mut PgConnection,
    signature: &Signature<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "INSERT INTO registration.agreements
             (id, user_id, challenge_id, version, text_sha256, signed_name, affiliation, signed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT ON CONSTRAINT agreements_once DO NOTHING
         RETURNING id",
        ids::uuid_at(now),
        signature.user.0,
        signature.challenge.0,
        signature.version,
        signature.text_sha256,
        signature.name,
        signature.affiliation,
        now,
    )
    .fetch_optional(conn)
    .await
}

/// What a user signed, the last first.
pub async fn list(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<AgreementView>> {
    sqlx::query_as!(
        AgreementView,
        r#"
        SELECT a.id, a.challenge_id, c.slug AS challenge, a.version, a.text_sha256,
               a.signed_name AS name, a.affiliation, a.signed_at,
               a.version = (SELECT t.version FROM tracks.agreement_texts t
                            WHERE t.challenge_id = a.challenge_id
                            ORDER BY t.created_at DESC, t.version DESC LIMIT 1) AS "is_newest!"
        FROM registration.agreements a
        JOIN tracks.challenges c ON c.id = a.challenge_id
        WHERE a.user_id = $1
        ORDER BY a.id DESC
        "#,
        user.0
    )
    .fetch_all(db)
    .await
}
