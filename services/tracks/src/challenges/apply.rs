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

use super::history::{self, NewChange};
use super::plan::{Plan, Step};
use super::upsert::Upsert;
use crate::Error;
use crate::phases::publish::reason;
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
    /// Needed where a phase that has opened, or has submissions, is changed; kept in the audit log.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
    /// `plan_id` of the dry run that was shown: nothing else is applied. 409 `plan-changed` if the
    /// challenge has changed since.
    #[serde(default)]
    pub plan: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Applied {
    /// None where a dry run would create it.
    pub challenge_id: Option<Uuid>,
    /// Slug.
    pub challenge: String,
    pub agreement_version: String,
    pub dry_run: bool,
    /// What changes; empty where the file says what is there already.
    pub plan: Vec<Step>,
    pub plan_id: String,
    /// The changes for which a reason must be given.
    pub needs_reason: Vec<String>,
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
    Ok(web::Json(
        apply_file(&kit, &state, &caller, &body.into_inner()).await?,
    ))
}

pub async fn apply_file(
    kit: &Kit,
    state: &AppState,
    caller: &Caller,
    body: &ApplyChallenge,
) -> Result<Applied, ApiError> {
    let now = kit.clock.now();
    let read_at = body.plan.as_deref().and_then(Plan::read_at).unwrap_or(now);
    let file = body.read(read_at)?;
    refuse(file.beyond(&state.caps))?;
    let reason = reason(body.reason.as_deref())?;

    let mut tx = kit.db.begin().await?;
    lock(&mut tx, &file.challenge.slug).await?;
    let known = known(&mut tx, &file.challenge.slug).await?;
    require_right(caller, known)?;
    let mut upsert = Upsert::new(&mut tx, &file, now)?.by_admin(caller.is_admin);
    let id = upsert.challenge(known.map(|id| id.0)).await?;
    let plan = upsert.finish();
    let plan_id = plan.id(read_at)?;
    if body.plan.as_ref().is_some_and(|shown| *shown != plan_id) {
        let why = "the challenge, or the file, is not what it was when this plan was shown; look at the plan again";
        return Err(ApiError::conflict(why).with_code("plan-changed"));
    }
    // A dry run went through everything that can go wrong; dropping the transaction undoes it.
    if !body.dry_run && plan.changes_anything() {
        plan.require_reason(reason)?;
        record(&mut tx, caller, id, body, &plan, now).await?;
        tx.commit().await?;
    }
    Ok(Applied {
        challenge_id: (known.is_some() || !body.dry_run).then_some(id),
        challenge: file.challenge.slug.clone(),
        agreement_version: file.agreement.version.clone(),
        dry_run: body.dry_run,
        plan: plan.steps,
        plan_id,
        needs_reason: plan.needs_reason,
    })
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
pub async fn lock(conn: &mut PgConnection, slug: &str) -> sqlx::Result<()> {
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
    let change = NewChange {
        challenge_id: id,
        file_id: Some(file_id),
        reason: reason(body.reason.as_deref())?,
        steps: &plan.steps,
    };
    history::insert(conn, caller, &change, now).await?;
    outbox::announce(conn, now, keys::CHALLENGE_APPLIED, id, None).await?;
    let details = json!({"file_id": file_id, "sha256": sha256, "plan": plan.steps});
    let (actor, reason) = (Some(caller.user_id), change.reason);
    audit::append(conn, now, actor, "challenge.applied", id, details, reason).await?;
    Ok(())
}
