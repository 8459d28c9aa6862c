//! `DELETE /api/v1/teams/{id}/members/me`

use actix_web::{HttpResponse, web};
use molar_domain::TeamId;
use molar_web_kit::{ApiError, Caller, Kit};

use super::rows;
use crate::{Error, participations};

/// Leaves a team. Not while it has a place in a track: that would allow a person to work in one
/// team after the other.
#[utoipa::path(
    delete,
    path = "/api/v1/teams/{id}/members/me",
    tag = "teams",
    params(("id" = uuid::Uuid, Path)),
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "teams.leave", skip_all)]
pub async fn leave(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
) -> Result<HttpResponse, ApiError> {
    leave_team(&kit, &caller, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// An empty team stays: its name is on what it did. The captain's place goes to the next.
pub async fn leave_team(kit: &Kit, caller: &Caller, id: TeamId) -> Result<(), Error> {
    let mut tx = kit.db.begin().await?;
    let team = rows::lock_as_member(&mut tx, id, caller.user_id).await?;
    if participations::rows::has_place(&mut *tx, id).await? {
        return Err(Error::HasPlace);
    }
    rows::delete_member(&mut tx, id, caller.user_id).await?;
    if team.captain_id == caller.user_id {
        rows::replace_captain(&mut tx, id).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::person;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, join, participation, set_state, sign, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_captain_leaves_to_whoever_was_there_longest(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;

        let path = format!("/api/v1/teams/{molars}/members/me");
        assert_eq!(api.of(&ada).delete(&path).await.0, 204);
        assert_eq!(api.of(&ada).delete(&path).await.0, 404);
        let (_, left) = api.of(&grace).get(&format!("/api/v1/teams/{molars}")).await;
        assert_eq!(left["captain_id"], json!(grace.id));
        assert_eq!(left["members"].as_array().unwrap().len(), 1);
        assert_eq!(api.of(&grace).delete(&path).await.0, 204);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn nobody_leaves_a_team_that_has_a_place(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        let path = format!("/api/v1/teams/{molars}/members/me");

        set_state(&pool, &place, "approved").await;
        let (_, problem) = api.of(&ada).delete(&path).await;
        insta::assert_json_snapshot!(problem, @r#"
        {
          "code": "has-place",
          "detail": "you cannot leave a team that has a place in a track; its captain may withdraw it, or an organizer may refuse it",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
        set_state(&pool, &place, "requested").await;
        assert_eq!(api.of(&ada).delete(&path).await.0, 204);
    }
}
