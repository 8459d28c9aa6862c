//! `POST /api/v1/participations/{id}/approve`, `/refuse`, `/disqualify`, `/reinstate`

use actix_web::{HttpResponse, web};
use molar_domain::ParticipationId;
use molar_domain::consent::Act;
use molar_service::consent::{self, Outcome, Wish};
use molar_service::{audit, outbox};
use molar_web_kit::{ApiError, Caller, Complaints, Kit, Waiting};
use serde::Deserialize;
use serde_json::json;

use super::rows::{self, Change, Place};
use super::{ParticipationView, Step, list};
use crate::{Error, teams};

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Shown to the team. Everything but an approval needs one.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
    /// Of an approval out of competition: why the team is on the board, but not ranked.
    #[schema(max_length = 200)]
    pub out_reason: Option<String>,
    /// Of a disqualification: whether its reason stands on the boards for everybody to read, or only
    /// the team is told.
    #[serde(default)]
    pub is_public: bool,
}

/// Gives a team its place in a track.
#[utoipa::path(
    post,
    path = "/api/v1/participations/{id}/approve",
    tag = "participations",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = ParticipationView))
)]
#[tracing::instrument(name = "participations.approve", skip_all)]
pub async fn approve(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ParticipationId>,
    body: web::Json<Decision>,
) -> Result<web::Json<ParticipationView>, ApiError> {
    Ok(web::Json(
        decide(&kit, &caller, *id, Step::Approve, &body).await?,
    ))
}

/// Refuses a team its place in a track; it may ask again.
#[utoipa::path(
    post,
    path = "/api/v1/participations/{id}/refuse",
    tag = "participations",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = ParticipationView))
)]
#[tracing::instrument(name = "participations.refuse", skip_all)]
pub async fn refuse(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ParticipationId>,
    body: web::Json<Decision>,
) -> Result<web::Json<ParticipationView>, ApiError> {
    Ok(web::Json(
        decide(&kit, &caller, *id, Step::Refuse, &body).await?,
    ))
}

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disqualification {
    /// Shown to the team. Only a confirmation needs none: that of the request stands.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
    /// Whether its reason stands on the boards for everybody to read, or only the team is told. Where two
    /// organizers are needed, the one who confirms says it.
    #[serde(default)]
    pub is_public: bool,
    /// The request of another organizer that this confirms.
    pub confirms: Option<uuid::Uuid>,
}

/// What became of the wish to disqualify.
pub enum Disqualified {
    Now(Box<ParticipationView>),
    Waits(Waiting),
}

/// Takes a team's place away; its entries leave the board. Where the challenge file wants two organizers for it, the
/// first is answered 202 and another sends the same with `confirms`.
#[utoipa::path(
    post,
    path = "/api/v1/participations/{id}/disqualify",
    tag = "participations",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = ParticipationView), (status = ACCEPTED, body = Waiting))
)]
#[tracing::instrument(name = "participations.disqualify", skip_all)]
pub async fn disqualify(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ParticipationId>,
    body: web::Json<Disqualification>,
) -> Result<HttpResponse, ApiError> {
    match take_away(&kit, &caller, *id, &body).await? {
        Disqualified::Now(view) => Ok(HttpResponse::Ok().json(view)),
        Disqualified::Waits(waiting) => Ok(waiting.respond()),
    }
}

/// Takes a disqualification back.
#[utoipa::path(
    post,
    path = "/api/v1/participations/{id}/reinstate",
    tag = "participations",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = ParticipationView))
)]
#[tracing::instrument(name = "participations.reinstate", skip_all)]
pub async fn reinstate(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ParticipationId>,
    body: web::Json<Decision>,
) -> Result<web::Json<ParticipationView>, ApiError> {
    Ok(web::Json(
        decide(&kit, &caller, *id, Step::Reinstate, &body).await?,
    ))
}

pub async fn take_away(
    kit: &Kit,
    caller: &Caller,
    id: ParticipationId,
    body: &Disqualification,
) -> Result<Disqualified, Error> {
    let (step, now) = (Step::Disqualify, kit.clock.now());
    let seen = list::find(kit, caller, id).await?;
    caller.require_organizer(seen.challenge_id)?;
    let decision = Decision {
        reason: body.reason.clone(),
        out_reason: None,
        is_public: body.is_public,
    };
    let needs_words = body.confirms.is_none() || decision.reason.is_some();
    let words = match needs_words {
        true => Words::of(&decision, step)?,
        false => Words {
            is_public: body.is_public,
            ..Words::default()
        },
    };

    let mut tx = kit.db.begin().await?;
    teams::rows::lock(&mut tx, seen.team_id).await?;
    let place = rows::find(&mut *tx, id).await?;
    place.state.apply(step)?;
    let wish = Wish {
        act: Act::Disqualify,
        subject: id.0,
        challenge: seen.challenge_id,
        by: caller.user_id,
        reason: words.reason.as_deref(),
        confirms: body.confirms,
    };
    match consent::settle(&mut tx, &wish, now).await? {
        Outcome::Waits(asked) => {
            tx.commit().await?;
            Ok(Disqualified::Waits(Waiting::of(&asked)))
        }
        Outcome::Act { reason, .. } => {
            let words = Words { reason, ..words };
            take(&mut tx, kit, caller, &place, step, &words).await?;
            tx.commit().await?;
            let view = list::find(kit, caller, id).await?;
            Ok(Disqualified::Now(Box::new(view)))
        }
    }
}

/// Of a step that one organizer takes alone.
pub async fn decide(
    kit: &Kit,
    caller: &Caller,
    id: ParticipationId,
    step: Step,
    decision: &Decision,
) -> Result<ParticipationView, Error> {
    // To whoever may not see it there is none; a member who sees it is told that it is not theirs.
    let seen = list::find(kit, caller, id).await?;
    caller.require_organizer(seen.challenge_id)?;
    let words = Words::of(decision, step)?;

    let mut tx = kit.db.begin().await?;
    teams::rows::lock(&mut tx, seen.team_id).await?;
    let place = rows::find(&mut *tx, id).await?;
    take(&mut tx, kit, caller, &place, step, &words).await?;
    tx.commit().await?;
    list::find(kit, caller, id).await
}

/// The texts of a decision, checked.
#[derive(Debug, Default)]
pub struct Words {
    pub reason: Option<String>,
    pub out_reason: Option<String>,
    pub is_public: bool,
}

impl Words {
    fn of(decision: &Decision, step: Step) -> Result<Self, ApiError> {
        let mut wrong = Complaints::new();
        let reason = text(&mut wrong, "/reason", decision.reason.as_deref(), 1000);
        let out_reason = text(
            &mut wrong,
            "/out_reason",
            decision.out_reason.as_deref(),
            200,
        );
        let is_told = reason.is_some() || !step.needs_reason();
        wrong.check(is_told, "/reason", "tell the team why");
        let is_approval = out_reason.is_none() || step == Step::Approve;
        wrong.check(is_approval, "/out_reason", "belongs to an approval");
        let is_public = decision.is_public;
        let is_disqualification = !is_public || step == Step::Disqualify;
        wrong.check(
            is_disqualification,
            "/is_public",
            "belongs to a disqualification",
        );
        wrong.finish()?;
        Ok(Self {
            reason,
            out_reason,
            is_public,
        })
    }
}

/// An empty text is none.
fn text(wrong: &mut Complaints, pointer: &str, given: Option<&str>, max: usize) -> Option<String> {
    let given = given.map(str::trim).filter(|text| !text.is_empty())?;
    Some(wrong.text(pointer, given, 1..=max))
}

/// Takes a step with all that belongs to it. The team's lock is held.
pub async fn take(
    conn: &mut sqlx::PgConnection,
    kit: &Kit,
    caller: &Caller,
    place: &Place,
    step: Step,
    words: &Words,
) -> Result<(), Error> {
    let now = kit.clock.now();
    let to = place.state.apply(step)?;
    let change = Change {
        to,
        reason: words.reason.as_deref(),
        out_reason: words.out_reason.as_deref(),
        is_public: words.is_public,
        by: caller.user_id,
    };
    rows::change(conn, place, &change, now).await?;
    if !to.binds_members() {
        rows::release_members(conn, place.team_id, place.track_id).await?;
    }
    outbox::announce(conn, now, "participation.decided", place.id.0, None).await?;
    let details = json!({
        "team_id": place.team_id,
        "track_id": place.track_id,
        "from": place.state,
        "to": to,
        "is_out_of_competition": words.out_reason.is_some(),
        "is_public": words.is_public,
    });
    let reason = words.reason.as_deref().or(words.out_reason.as_deref());
    let actor = Some(caller.user_id);
    audit::append(conn, now, actor, step.action(), place.id.0, details, reason).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
