//! `POST /api/v1/teams/{id}/hand-over`

use actix_web::web;
use molar_domain::{TeamId, UserId};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use serde_json::json;

use super::find::{TeamWithMembers, find_for};
use super::rows;
use crate::Error;

#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// A member of the team.
    #[schema(value_type = uuid::Uuid)]
    pub user_id: UserId,
}

/// Makes another member the captain; by the captain, or by an organizer where the captain is gone.
#[utoipa::path(
    post,
    path = "/api/v1/teams/{id}/hand-over",
    tag = "teams",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = TeamWithMembers))
)]
#[tracing::instrument(name = "teams.hand_over", skip_all)]
pub async fn hand_over(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
    body: web::Json<HandOver>,
) -> Result<web::Json<TeamWithMembers>, ApiError> {
    hand_team_over(&kit, &caller, *id, body.user_id).await?;
    Ok(web::Json(find_for(&kit, &caller, *id).await?))
}

pub async fn hand_team_over(
    kit: &Kit,
    caller: &Caller,
    id: TeamId,
    to: UserId,
) -> Result<(), Error> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let team = rows::lock(&mut tx, id).await?;
    if !caller.is_organizer(team.challenge_id) {
        rows::lock_as_captain(&mut tx, id, caller.user_id, "hands it over").await?;
    }
    if !rows::is_member(&mut *tx, id, to).await? {
        return Err(ApiError::invalid("/user_id", "is not a member of the team").into());
    }
    rows::set_captain(&mut tx, id, to).await?;
    let details = json!({"from": team.captain_id, "to": to});
    let actor = Some(caller.user_id);
    audit::append(&mut tx, now, actor, "team.handed-over", id.0, details, None).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, join, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_captain_or_an_organizer_hands_a_team_to_another_member(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        let eve = person(&pool, "Eve").await;
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;
        let path = format!("/api/v1/teams/{molars}/hand-over");
        let to = |person: &molar_web_kit::testing::Person| json!({"user_id": person.id});

        let (_, refused) = api.of(&grace).post(&path, to(&grace)).await;
        insta::assert_json_snapshot!(refused, @r#"
        {
          "code": "not-captain",
          "detail": "only the team's captain hands it over",
          "status": 403,
          "title": "This is not yours to do",
          "type": "/problems/forbidden"
        }
        "#);
        assert_eq!(api.of(&eve).post(&path, to(&eve)).await.0, 404);
        assert_eq!(api.of(&ada).post(&path, to(&eve)).await.0, 422);
        let (status, seen) = api.of(&ada).post(&path, to(&grace)).await;
        assert_eq!((status, &seen["captain_id"]), (200, &json!(grace.id)));
        assert_eq!(api.of(&ada).post(&path, to(&ada)).await.0, 403);
        let olga = organizer(&pool, "Olga", demo.id).await;
        assert_eq!(api.of(&olga).post(&path, to(&ada)).await.0, 200);
        let audited = sqlx::query_scalar!("SELECT count(*) FROM audit.entries");
        assert_eq!(audited.fetch_one(&pool).await.unwrap(), Some(2));
    }
}
