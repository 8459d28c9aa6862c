//! `DELETE /api/v1/teams/{id}/invitations/{invitation}`

use actix_web::{HttpResponse, web};
use molar_domain::TeamId;
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::rows;
use crate::{Error, teams};

/// Takes an invitation back that nobody has used, by the captain. Once more changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/teams/{id}/invitations/{invitation}",
    tag = "teams",
    params(("id" = Uuid, Path), ("invitation" = Uuid, Path)),
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "invitations.revoke", skip_all)]
pub async fn revoke(
    kit: web::Data<Kit>,
    caller: Caller,
    ids: web::Path<(TeamId, Uuid)>,
) -> Result<HttpResponse, ApiError> {
    let (team, invitation) = ids.into_inner();
    take_back(&kit, &caller, team, invitation).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub async fn take_back(
    kit: &Kit,
    caller: &Caller,
    team: TeamId,
    invitation: Uuid,
) -> Result<(), Error> {
    let what = "takes invitations back";
    let mut tx = kit.db.begin().await?;
    teams::rows::lock_as_captain(&mut tx, team, caller.user_id, what).await?;
    match rows::revoke(&mut *tx, team, invitation, kit.clock.now()).await? {
        None => return Err(Error::NotFound("invitation")),
        Some(true) => return Err(Error::InvitationOver("it was used, and works once")),
        Some(false) => tx.commit().await?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::person;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, blank, challenge, invitation, join, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn invitations_are_listed_and_taken_back_by_the_captain(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        let eve = person(&pool, "Eve").await;
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;
        api.clock.advance(chrono::TimeDelta::seconds(1));
        let token = invitation(&api, &ada, &molars).await;

        let path = format!("/api/v1/teams/{molars}/invitations");
        assert_eq!(api.of(&eve).get(&path).await.0, 404);
        let (_, list) = api.of(&grace).get(&path).await;
        insta::assert_json_snapshot!(blank(list.clone()), @r#"
        {
          "items": [
            {
              "created_at": "2026-09-01T12:00:01Z",
              "expires_at": "2026-09-08T12:00:01Z",
              "id": "[id]",
              "invited_by": "Ada",
              "state": "open",
              "used_at": null,
              "used_by": null
            },
            {
              "created_at": "2026-09-01T12:00:00Z",
              "expires_at": "2026-09-08T12:00:00Z",
              "id": "[id]",
              "invited_by": "Ada",
              "state": "used",
              "used_at": "2026-09-01T12:00:00Z",
              "used_by": "Grace"
            }
          ]
        }
        "#);
        let of = |n: usize| format!("{path}/{}", list["items"][n]["id"].as_str().unwrap());
        assert_eq!(api.of(&grace).delete(&of(0)).await.1["code"], "not-captain");
        assert_eq!(api.of(&ada).delete(&of(1)).await.0, 410);
        for _ in 0..2 {
            assert_eq!(api.of(&ada).delete(&of(0)).await.0, 204);
        }
        let accept = format!("/api/v1/invitations/{token}/accept");
        let (status, problem) = api.of(&eve).post(&accept, json!({})).await;
        assert_eq!(status, 410, "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("it was taken back"), "{detail}");
        let (_, refused) = api.of(&grace).post(&path, json!({})).await;
        assert_eq!(refused["detail"], "only the team's captain invites");
    }
}
