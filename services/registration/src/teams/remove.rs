//! `DELETE /api/v1/teams/{id}/members/{user}`

use actix_web::{HttpResponse, web};
use molar_domain::{TeamId, UserId};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;

use super::{locks, rows};
use crate::Error;

/// Removes a member from the team, by its captain.
#[utoipa::path(
    delete,
    path = "/api/v1/teams/{id}/members/{user}",
    tag = "teams",
    params(("id" = uuid::Uuid, Path), ("user" = uuid::Uuid, Path)),
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "teams.remove", skip_all)]
pub async fn remove(
    kit: web::Data<Kit>,
    caller: Caller,
    ids: web::Path<(TeamId, UserId)>,
) -> Result<HttpResponse, ApiError> {
    let (team, user) = ids.into_inner();
    remove_member(&kit, &caller, team, user).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub async fn remove_member(
    kit: &Kit,
    caller: &Caller,
    id: TeamId,
    user: UserId,
) -> Result<(), Error> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    rows::lock_as_captain(&mut tx, id, caller.user_id, "removes members").await?;
    if !rows::is_member(&mut *tx, id, user).await? {
        return Err(Error::NotFound("member"));
    }
    if user == caller.user_id {
        return Err(Error::CaptainLeaves);
    }
    locks::require_open(&mut *tx, id, now).await?;
    rows::delete_member(&mut tx, id, user).await?;
    let details = json!({ "user_id": user });
    let actor = Some(caller.user_id);
    audit::append(&mut tx, now, actor, "member.removed", id.0, details, None).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::person;
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, join, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn only_the_captain_removes_a_member(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        let (bob, eve) = (person(&pool, "Bob").await, person(&pool, "Eve").await);
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;
        join(&api, &molars, &ada, &bob).await;
        let path = |who: molar_domain::UserId| format!("/api/v1/teams/{molars}/members/{who}");

        let (status, problem) = api.of(&grace).delete(&path(bob.id)).await;
        assert_eq!((status, &problem["code"]), (403, &"not-captain".into()));
        assert_eq!(api.of(&eve).delete(&path(bob.id)).await.0, 404);
        assert_eq!(api.of(&ada).delete(&path(eve.id)).await.0, 404);
        assert_eq!(
            api.of(&ada).delete(&path(ada.id)).await.1["code"],
            "captain-leaves"
        );
        assert_eq!(api.of(&ada).delete(&path(bob.id)).await.0, 204);
        assert_eq!(api.of(&ada).delete(&path(bob.id)).await.0, 404);
        assert_eq!(
            api.of(&bob).get(&format!("/api/v1/teams/{molars}")).await.0,
            404
        );
    }
}
