//! `PUT /api/v1/challenges`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_contracts::keys;
use molar_domain::challenge::{self, ChallengeFile};
use molar_domain::{ChallengeId, uuid_at};
use molar_service::{audit, outbox};
use molar_web_kit::{ApiError, Caller, Complaint, Kit};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::plan::{Plan, Step};
use super::upsert::Upsert;
use crate::Error;
use crate::state::AppState;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyChallenge {
    /// The challenge file, TOML.
    pub file: String,
    /// A second file whose values replace those of the first; it alone may say `now+30d`.
    pub overlay: Option<String>,
    /// Only says what would change.
    #[serde(default)]
    pub dry_run: bool,
    /// Needed where a phase with submissions is changed; kept in the audit log.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Applied {
    /// None where a dry run would create it.
    pub challenge_id: Option<Uuid>,
    pub agreement_version: String,
    pub dry_run: bool,
    /// What changes; empty where the file says what is there already.
    pub plan: Vec<Step>,
}

/// Makes a challenge what its file says. Only an administrator makes a new one; nothing that has
/// submissions is removed, and a file that is wrong anywhere changes nothing.
#[utoipa::path(
    put,
    path = "/api/v1/challenges",
    tag = "challenges",
    responses((status = OK, body = Applied))
)]
#[tracing::instrument(name = "challenges.apply", skip_all)]
pub async fn apply(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    body: web::Json<ApplyChallenge>,
) -> Result<web::Json<Applied>, ApiError> {
    let now = kit.clock.now();
    let file = body.read(now)?;
    refuse(file.beyond(&state.caps))?;
    let reason = body
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|reason| !reason.is_empty());

    let mut tx = kit.db.begin().await?;
    lock(&mut tx, &file.challenge.slug).await?;
    let known = known(&mut tx, &file.challenge.slug).await?;
    require_right(&caller, known)?;
    let mut upsert = Upsert::new(&mut tx, &file, now, reason.is_some())?.by_admin(caller.is_admin);
    let id = upsert.challenge(known.map(|id| id.0)).await?;
    let plan = upsert.finish();
    let applied = Applied {
        challenge_id: (known.is_some() || !body.dry_run).then_some(id),
        agreement_version: file.agreement.version.clone(),
        dry_run: body.dry_run,
        plan: plan.steps.clone(),
    };
    // A dry run went through everything that can go wrong; dropping the transaction undoes it.
    if !body.dry_run && plan.changes_anything() {
        record(&mut tx, &caller, id, &body, &plan, now).await?;
        tx.commit().await?;
    }
    Ok(web::Json(applied))
}

impl ApplyChallenge {
    fn read(&self, now: DateTime<Utc>) -> Result<ChallengeFile, ApiError> {
        let read = match &self.overlay {
            Some(overlay) => challenge::parse_with_overlay(&self.file, overlay, now),
            None => challenge::parse(&self.file),
        };
        read.map_err(invalid)
    }

    /// Both files, as they were.
    fn text(&self) -> String {
        match &self.overlay {
            Some(overlay) => format!("{}\n\n# overlay\n\n{overlay}", self.file),
            None => self.file.clone(),
        }
    }
}

fn refuse(complaints: Vec<challenge::Complaint>) -> Result<(), ApiError> {
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(invalid(complaints)),
    }
}

fn invalid(complaints: Vec<challenge::Complaint>) -> ApiError {
    let complaints = complaints.into_iter().map(|c| Complaint {
        pointer: c.pointer,
        detail: c.detail,
    });
    ApiError::Invalid(complaints.collect())
}

fn require_right(caller: &Caller, known: Option<ChallengeId>) -> Result<(), ApiError> {
    match known {
        Some(id) => caller.require_organizer(id),
        None if caller.is_admin => Ok(()),
        None => Err(ApiError::forbidden(
            "there is no challenge with this slug, and only an administrator makes a new one",
        )),
    }
}

/// Of two that apply a file to one challenge, the second waits for the first.
async fn lock(conn: &mut PgConnection, slug: &str) -> sqlx::Result<()> {
    let name = format!("tracks.challenges {slug}");
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        name
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn known(conn: &mut PgConnection, slug: &str) -> sqlx::Result<Option<ChallengeId>> {
    let id = sqlx::query_scalar!("SELECT id FROM tracks.challenges WHERE slug = $1", slug)
        .fetch_optional(conn)
        .await?;
    Ok(id.map(ChallengeId))
}

async fn record(
    conn: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
    body: &ApplyChallenge,
    plan: &Plan,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let text = body.text();
    let sha256 = hex::encode(Sha256::digest(&text));
    let file_id = uuid_at(now);
    sqlx::query!(
        "INSERT INTO tracks.challenge_files (id, challenge_id, applied_by, applied_at, sha256, text)
         VALUES ($1, $2, $3, $4, $5, $6)",
        file_id,
        id,
        caller.user_id.0,
        now,
        sha256,
        text,
    )
    .execute(&mut *conn)
    .await?;
    outbox::announce(conn, now, keys::CHALLENGE_APPLIED, id, None).await?;
    let details = json!({"file_id": file_id, "sha256": sha256, "plan": plan.steps});
    let (actor, reason) = (Some(caller.user_id), body.reason.as_deref());
    audit::append(conn, now, actor, "challenge.applied", id, details, reason).await?;
    Ok(())
}
