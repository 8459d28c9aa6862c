//! `POST /api/v1/phases/{id}/publish`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_contracts::keys;
use molar_domain::consent::Act;
use molar_domain::{PhaseId, UserId};
use molar_service::consent::{self, Outcome, Wish};
use molar_service::{audit, outbox};
use molar_web_kit::{ApiError, Caller, Kit, Waiting};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{self, Phase};
use super::view::PhaseView;

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Kept in the audit log.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

impl Decision {
    /// An empty reason is none.
    pub fn reason(&self) -> Result<Option<&str>, ApiError> {
        let reason = self.reason.as_deref().map(str::trim).unwrap_or_default();
        if reason.chars().count() > 1000 {
            return Err(ApiError::invalid(
                "/reason",
                "must have 1000 characters at most",
            ));
        }
        Ok(Some(reason).filter(|reason| !reason.is_empty()))
    }
}

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// Kept in the audit log.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
    /// The request of another organizer that this confirms.
    pub confirms: Option<Uuid>,
}

/// What became of the wish to publish.
pub enum Published {
    Now(Box<PhaseView>),
    Waits(Waiting),
}

/// Shows the scores of a final phase to everybody. Doing so twice changes nothing. Where the challenge file wants
/// two organizers for it, the first is answered 202 and another sends the same with `confirms`.
#[utoipa::path(
    post,
    path = "/api/v1/phases/{id}/publish",
    tag = "phases",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = PhaseView), (status = ACCEPTED, body = Waiting))
)]
#[tracing::instrument(name = "phases.publish", skip_all)]
pub async fn publish(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<PhaseId>,
    body: web::Json<Publication>,
) -> Result<HttpResponse, ApiError> {
    match take(&kit, &caller, *id, &body).await? {
        Published::Now(phase) => Ok(HttpResponse::Ok().json(phase)),
        Published::Waits(waiting) => Ok(waiting.respond()),
    }
}

pub async fn take(
    kit: &Kit,
    caller: &Caller,
    id: PhaseId,
    body: &Publication,
) -> Result<Published, ApiError> {
    let now = kit.clock.now();
    let phase = rows::find(&kit.db, id, now).await?;
    caller.require_organizer(phase.challenge_id())?;
    let given = Decision {
        reason: body.reason.clone(),
    };
    let reason = given.reason()?;
    if !phase.is_final {
        let why = "the scores of this phase are shown all along; only a final phase is published";
        return Err(ApiError::conflict(why));
    }

    let mut tx = kit.db.begin().await?;
    if !is_published(&mut tx, id).await? {
        let wish = Wish {
            act: Act::Publish,
            subject: id.0,
            challenge: phase.challenge_id(),
            by: caller.user_id,
            reason,
            confirms: body.confirms,
        };
        match consent::settle(&mut tx, &wish, now).await? {
            Outcome::Waits(asked) => {
                tx.commit().await?;
                return Ok(Published::Waits(Waiting::of(&asked)));
            }
            Outcome::Act { reason, asked_by } => {
                let by = Signed { caller, asked_by };
                write(&mut tx, &phase, &by, reason.as_deref(), now).await?;
            }
        }
    }
    tx.commit().await?;
    let phase = rows::find(&kit.db, id, now).await?;
    Ok(Published::Now(Box::new(PhaseView::of(phase, now))))
}

/// Who did it, and who asked for it where these are two.
struct Signed<'a> {
    caller: &'a Caller,
    asked_by: Option<UserId>,
}

/// Of two who publish at once the second waits here, and finds it done.
async fn is_published(conn: &mut PgConnection, id: PhaseId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT published_at IS NOT NULL AS "is!" FROM tracks.phases WHERE id = $1 FOR UPDATE"#,
        id.0,
    )
    .fetch_one(conn)
    .await
}

async fn write(
    conn: &mut PgConnection,
    phase: &Phase,
    by: &Signed<'_>,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    sqlx::query!(
        "UPDATE tracks.phases SET published_at = $2, published_by = $3 WHERE id = $1",
        phase.id,
        now,
        by.caller.user_id.0,
    )
    .execute(&mut *conn)
    .await?;
    outbox::announce(conn, now, keys::PHASE_PUBLISHED, phase.id, Some(phase.id)).await?;
    let mut details = json!({"challenge_id": phase.challenge_id, "state": phase.state(now)});
    if let Some(first) = by.asked_by {
        details["asked_by"] = json!(first);
    }
    let actor = Some(by.caller.user_id);
    let action = "phase.published";
    audit::append(conn, now, actor, action, phase.id, details, reason).await?;
    Ok(())
}
