//! `POST /api/v1/rescorings`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::evaluation::EvaluationState;
use molar_domain::rescoring::Scope;
use molar_domain::{ChallengeId, uuid_at};
use molar_service::{audit, db};
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::rows::{self, New};
use crate::error::{Error, Result};
use crate::evaluations::frame::{self, Frame};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRescoring {
    pub phase_id: Uuid,
    /// Kept with it and in the audit log.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
    /// `touched`: only cases for which scorer, metrics or reference differ; `everything`: all of them.
    #[serde(default = "touched")]
    #[schema(value_type = String)]
    pub scope: Scope,
    /// The phase's name, `challenge/track/phase`, where everything is measured again.
    pub confirm: Option<String>,
}

fn touched() -> Scope {
    Scope::Touched
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CreatedRescoring {
    pub id: Uuid,
}

/// Prepares a re-scoring of a phase: by its file, its references and the scorer as they are now. Nothing is
/// measured until it is told to compute, and nothing counts until it is published.
#[utoipa::path(post, path = "/api/v1/rescorings", tag = "scoring",
    responses((status = 201, body = CreatedRescoring)))]
#[tracing::instrument(name = "rescorings.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    once: Once,
    body: web::Json<CreateRescoring>,
) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(once) => once,
    };
    let id = draft(&mut tx, &caller, &body, now).await?;
    let location = format!("/api/v1/rescorings/{id}");
    let view = CreatedRescoring { id };
    let answer = once
        .finish(&mut tx, StatusCode::CREATED, Some(location), &view)
        .await?;
    tx.commit().await?;
    Ok(answer)
}

/// Writes the draft, once it is clear that there is something to measure and by what.
pub async fn draft(
    conn: &mut PgConnection,
    caller: &Caller,
    body: &CreateRescoring,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    let phase = phase(&mut *conn, body.phase_id).await?;
    if !caller.may_review(phase.challenge_id) {
        return Err(Error::NotFound("phase"));
    }
    caller.require_organizer(phase.challenge_id)?;
    db::lock_phase(conn, body.phase_id).await?;
    require_kept(conn, body.phase_id).await?;
    let (from, to) = frames(conn, body.phase_id).await?;
    let reason = body.check(&phase.name, from.measures_otherwise(&to))?;
    if body.scope == Scope::Touched && from.is_same(&to) {
        return Err(conflict(
            "nothing-differs",
            "the phase is measured by its file, its newest references and the present scorer already; \
             to measure every case again all the same, ask for everything",
        ));
    }
    require_good(conn, to.reference_set_id).await?;
    let new = New {
        id: uuid_at(now),
        from: &from,
        to: &to,
        scope: body.scope,
        reason: &reason,
        by: caller.user_id.0,
    };
    if !rows::insert(conn, &new, now).await? {
        return Err(conflict(
            "rescoring-open",
            "a re-scoring of this phase is open; publish or drop it first, under /organize/rescorings",
        ));
    }
    let details = json!({"phase_id": body.phase_id, "scope": body.scope, "scorer_version": to.scorer_version,
        "reference_set_id": to.reference_set_id, "parameters_hash": to.parameters_hash});
    let actor = Some(caller.user_id);
    let action = "rescoring.created";
    audit::append(conn, now, actor, action, new.id, details, Some(&reason)).await?;
    Ok(new.id)
}

pub struct Named {
    pub challenge_id: ChallengeId,
    /// `challenge/track/phase`
    pub name: String,
}

async fn phase(db: impl PgExecutor<'_>, id: Uuid) -> Result<Named> {
    let row = sqlx::query!(
        r#"SELECT challenge_id AS "challenge_id!", challenge_slug || '/' || track_slug || '/' || phase_slug AS "name!"
           FROM tracks.phase_facts WHERE phase_id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::NotFound("phase"))?;
    Ok(Named {
        challenge_id: row.challenge_id.into(),
        name: row.name,
    })
}

/// What counts, and what would by now.
async fn frames(conn: &mut PgConnection, phase: Uuid) -> Result<(Frame, Frame)> {
    let nothing = || {
        conflict(
            "nothing-scored",
            "nothing of this phase is scored yet: a change of its file or references counts at once",
        )
    };
    let wanted = frame::phases(&mut *conn, Some(phase))
        .await?
        .pop()
        .ok_or_else(nothing)?
        .wanted()?;
    let held = frame::held(&mut *conn, &wanted).await?;
    let is_scored = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM scoring.evaluations WHERE phase_id = $1 AND state = $2) AS "is!""#,
        phase,
        EvaluationState::Finished.as_str(),
    )
    .fetch_one(conn)
    .await?;
    match held {
        Some(held) if is_scored => Ok((held, wanted)),
        _ => Err(nothing()),
    }
}

/// What the retention of a phase took away cannot be measured again. Hold the phase's lock.
pub async fn require_kept(conn: &mut PgConnection, phase: Uuid) -> Result<()> {
    let Some(removed) = rows::removed(conn, phase).await? else {
        return Ok(());
    };
    let why = format!(
        "predictions of this phase are gone, {removed}: it cannot be measured again. Its scores and ranks stay as they are"
    );
    Err(Error::Request(
        ApiError::conflict(why).with_code("files-removed"),
    ))
}

async fn require_good(conn: &mut PgConnection, set: Uuid) -> Result<()> {
    let bad = rows::bad_references(conn, set).await?;
    if bad.is_empty() {
        return Ok(());
    }
    let why = format!(
        "the newest references cannot be measured against: {}; correct them first",
        bad.join("; ")
    );
    Err(Error::Request(
        ApiError::conflict(why).with_code("references-not-good"),
    ))
}

fn conflict(code: &'static str, why: &'static str) -> Error {
    Error::Request(ApiError::conflict(why).with_code(code))
}

impl CreateRescoring {
    /// Returns the reason, trimmed. `is_everything`: whatever the scope, no score can be taken over.
    fn check(&self, phase: &str, is_everything: bool) -> Result<String> {
        let mut wrong = Complaints::new();
        let reason = wrong.text("/reason", &self.reason, 1..=1000);
        if is_everything || self.scope == Scope::Everything {
            wrong.check(
                self.confirm.as_deref() == Some(phase),
                "/confirm",
                format!(
                    "every case of every submission is measured again: type the phase's name, {phase}"
                ),
            );
        }
        wrong.finish()?;
        Ok(reason)
    }
}
