//! `POST /api/v1/participations/{id}/rule-out`, `/rule-in`

use actix_web::web;
use molar_domain::ParticipationId;
use molar_service::{audit, outbox};
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::Deserialize;
use serde_json::json;

use super::{ParticipationView, list, rows};
use crate::{Error, teams};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ruling {
    /// Of a team that is ruled out: shown on the board beside its entry. Otherwise for the audit log.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
}

/// Puts a team out of competition: on the boards, but not ranked and without a prize.
#[utoipa::path(
    post,
    path = "/api/v1/participations/{id}/rule-out",
    tag = "participations",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = ParticipationView))
)]
#[tracing::instrument(name = "participations.rule_out", skip_all)]
pub async fn rule_out(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ParticipationId>,
    body: web::Json<Ruling>,
) -> Result<web::Json<ParticipationView>, ApiError> {
    Ok(web::Json(
        rule(&kit, &caller, *id, true, &body.reason).await?,
    ))
}

/// Lets a team compete that was out of competition.
#[utoipa::path(
    post,
    path = "/api/v1/participations/{id}/rule-in",
    tag = "participations",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = ParticipationView))
)]
#[tracing::instrument(name = "participations.rule_in", skip_all)]
pub async fn rule_in(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ParticipationId>,
    body: web::Json<Ruling>,
) -> Result<web::Json<ParticipationView>, ApiError> {
    Ok(web::Json(
        rule(&kit, &caller, *id, false, &body.reason).await?,
    ))
}

pub async fn rule(
    kit: &Kit,
    caller: &Caller,
    id: ParticipationId,
    is_out: bool,
    reason: &str,
) -> Result<ParticipationView, Error> {
    let seen = list::find(kit, caller, id).await?;
    caller.require_organizer(seen.challenge_id)?;
    let mut wrong = Complaints::new();
    let reason = wrong.text("/reason", reason, 1..=200);
    wrong.finish()?;

    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    teams::rows::lock(&mut tx, seen.team_id).await?;
    rows::set_out_reason(&mut tx, id, is_out.then_some(&reason)).await?;
    outbox::announce(&mut tx, now, "participation.decided", id.0, None).await?;
    let action = match is_out {
        true => "participation.ruled-out",
        false => "participation.ruled-in",
    };
    let details = json!({"team_id": seen.team_id, "track_id": seen.track_id, "was_out": seen.is_out_of_competition});
    let actor = Some(caller.user_id);
    audit::append(&mut tx, now, actor, action, id.0, details, Some(&reason)).await?;
    tx.commit().await?;
    list::find(kit, caller, id).await
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, participation, sign, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn organizers_rule_a_team_out_of_the_competition_and_in_again(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let path = format!("/api/v1/participations/{place}");
        assert_eq!(
            olga.post(&format!("{path}/approve"), json!({})).await.0,
            200
        );

        let out = format!("{path}/rule-out");
        let why = json!({"reason": "the organizers' own group"});
        assert_eq!(api.of(&ada).post(&out, why.clone()).await.0, 403);
        assert_eq!(olga.post(&out, json!({"reason": " "})).await.0, 422);
        let (status, ruled) = olga.post(&out, why).await;
        assert_eq!(
            (status, &ruled["is_out_of_competition"]),
            (200, &json!(true))
        );
        assert_eq!(ruled["out_reason"], "the organizers' own group");
        assert_eq!(ruled["state"], "approved");
        let back = json!({"reason": "they left the group"});
        let (_, ruled) = olga.post(&format!("{path}/rule-in"), back).await;
        assert_eq!(ruled["out_reason"], json!(null));
        let audited = sqlx::query_scalar!("SELECT action FROM audit.entries ORDER BY seq");
        assert_eq!(
            audited.fetch_all(&pool).await.unwrap(),
            [
                "participation.approved",
                "participation.ruled-out",
                "participation.ruled-in"
            ]
        );
    }
}
