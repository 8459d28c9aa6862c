//! `POST /api/v1/rescorings/{id}/publish`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_contracts::keys;
use molar_domain::consent::Act;
use molar_domain::rescoring::Event;
use molar_domain::{RescoringId, UserId};
use molar_service::consent::{self, Outcome, Wish};
use molar_service::{audit, db, outbox};
use molar_web_kit::{ApiError, Caller, Complaints, Kit, Waiting};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::RescoringView;
use super::find::seen;
use super::round::is_complete;
use super::rows::{self, Rescoring};
use crate::error::{Error, Result};

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishRescoring {
    /// Kept in the audit log.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
    /// The request of another organizer that this confirms.
    pub confirms: Option<Uuid>,
}

pub enum Published {
    Now(Box<Rescoring>),
    Waits(Waiting),
}

/// Makes what was measured count: all of it at once, as one new version of the board. Where the challenge file
/// wants two organizers for it, the first is answered 202 and another sends the same with `confirms`.
#[utoipa::path(post, path = "/api/v1/rescorings/{id}/publish", tag = "scoring", params(("id" = Uuid, Path)),
    responses((status = 200, body = RescoringView), (status = 202, body = Waiting)))]
#[tracing::instrument(name = "rescorings.publish", skip_all, fields(rescoring.id = %id))]
pub async fn publish(
    kit: web::Data<Kit>,
    id: web::Path<RescoringId>,
    caller: Caller,
    body: web::Json<PublishRescoring>,
) -> Result<HttpResponse, ApiError> {
    match take(&kit, &caller, *id, &body).await? {
        Published::Now(row) => {
            let view = RescoringView::of(&kit.db, *row).await?;
            Ok(HttpResponse::Ok().json(view))
        }
        Published::Waits(waiting) => Ok(waiting.respond()),
    }
}

pub async fn take(
    kit: &Kit,
    caller: &Caller,
    id: RescoringId,
    body: &PublishRescoring,
) -> Result<Published> {
    let now = kit.clock.now();
    let row = seen(&kit.db, caller, id).await?;
    caller.require_organizer(row.challenge_id)?;
    let reason = body.reason()?;
    let mut tx = kit.db.begin().await?;
    db::lock_phase(&mut tx, row.phase_id).await?;
    let row = rows::find(&mut *tx, row.id).await?;
    row.after(Event::Publish)?;
    if !is_complete(&mut tx, &row).await? {
        return Err(Error::Incomplete);
    }
    let wish = Wish {
        act: Act::Rescore,
        subject: row.id,
        challenge: row.challenge_id,
        by: caller.user_id,
        reason: reason.as_deref(),
        confirms: body.confirms,
    };
    match consent::settle(&mut tx, &wish, now).await? {
        Outcome::Waits(asked) => {
            tx.commit().await?;
            Ok(Published::Waits(Waiting::of(&asked)))
        }
        Outcome::Act { reason, asked_by } => {
            write(&mut tx, &row, caller, asked_by, reason.as_deref(), now).await?;
            tx.commit().await?;
            Ok(Published::Now(Box::new(rows::find(&kit.db, row.id).await?)))
        }
    }
}

async fn write(
    conn: &mut PgConnection,
    row: &Rescoring,
    caller: &Caller,
    asked_by: Option<UserId>,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    if !rows::put_in_force(conn, row).await? {
        return Err(Error::MovedOn);
    }
    let by = caller.user_id;
    rows::step(conn, row, Event::Publish, Some(by.0), now).await?;
    let key = keys::RESCORING_PUBLISHED;
    outbox::announce(conn, now, key, row.id, Some(row.phase_id)).await?;
    let progress = rows::progress(&mut *conn, row.id).await?;
    let details = json!({"phase_id": row.phase_id, "asked_by": asked_by, "evaluations": progress.submissions,
        "from": {"scorer_version": row.from_scorer_version, "reference_set_id": row.from_reference_set_id, "parameters_hash": row.from_parameters_hash},
        "to": {"scorer_version": row.scorer_version, "reference_set_id": row.reference_set_id, "parameters_hash": row.parameters_hash}});
    let action = "rescoring.published";
    audit::append(conn, now, Some(by), action, row.id, details, reason).await?;
    Ok(())
}

impl PublishRescoring {
    /// An empty reason is none.
    fn reason(&self) -> Result<Option<String>, ApiError> {
        let given = self
            .reason
            .as_deref()
            .map(str::trim)
            .filter(|reason| !reason.is_empty());
        let Some(given) = given else { return Ok(None) };
        let mut wrong = Complaints::new();
        let reason = wrong.text("/reason", given, 1..=1000);
        wrong.finish()?;
        Ok(Some(reason))
    }
}
