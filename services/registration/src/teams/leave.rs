//! `DELETE /api/v1/teams/{id}/members/me`

use actix_web::{HttpResponse, web};
use molar_domain::TeamId;
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;

use super::{locks, rows};
use crate::Error;

/// Leaves a team. A captain hands it over first; the last member dissolves it, if it has never
/// submitted. In the tracks where it has, whoever leaves is bound to it still.
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

pub async fn leave_team(kit: &Kit, caller: &Caller, id: TeamId) -> Result<(), Error> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let team = rows::lock_as_member(&mut tx, id, caller.user_id).await?;
    let is_last = rows::count_members(&mut *tx, id).await? == 1;
    if team.captain_id == caller.user_id && !is_last {
        return Err(Error::CaptainLeaves);
    }
    locks::require_open(&mut *tx, id, now).await?;
    if is_last && rows::has_submitted(&mut *tx, id).await? {
        return Err(Error::LastOfActiveTeam);
    }
    rows::delete_member(&mut tx, id, caller.user_id).await?;
    if is_last {
        rows::dissolve(&mut tx, id, now).await?;
    }
    let action = match is_last {
        true => "team.dissolved",
        false => "member.left",
    };
    let actor = Some(caller.user_id);
    audit::append(&mut tx, now, actor, action, id.0, json!({}), None).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{noon, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{
        Api, challenge, handed_in, invitation, join, participation, phase, set_state, sign, team,
    };

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_captain_hands_over_before_leaving(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;

        let path = format!("/api/v1/teams/{molars}/members/me");
        let (_, problem) = api.of(&ada).delete(&path).await;
        insta::assert_json_snapshot!(problem, @r#"
        {
          "code": "captain-leaves",
          "detail": "you are the team's captain; hand the team over to another member first, on its page or by `molar team hand-over`",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
        let over = json!({"user_id": grace.id});
        let hand_over = format!("/api/v1/teams/{molars}/hand-over");
        assert_eq!(api.of(&ada).post(&hand_over, over).await.0, 200);
        assert_eq!(api.of(&ada).delete(&path).await.0, 204);
        assert_eq!(api.of(&ada).delete(&path).await.0, 404);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_last_member_dissolves_a_team_that_never_submitted(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        set_state(&pool, &place, "approved").await;
        let token = invitation(&api, &ada, &molars).await;
        let leave = format!("/api/v1/teams/{molars}/members/me");
        assert_eq!(api.of(&ada).delete(&leave).await.0, 204);

        let accept = format!("/api/v1/invitations/{token}/accept");
        assert_eq!(api.of(&grace).post(&accept, json!({})).await.0, 404);
        let state = sqlx::query_scalar!("SELECT state FROM registration.participations");
        assert_eq!(state.fetch_one(&pool).await.unwrap(), "withdrawn");
        // Name and person are free.
        let again = team(&api, &ada, "MOLARS").await;
        let place = participation(&api, &ada, &again, demo.track).await;
        set_state(&pool, &place, "approved").await;

        let phase = phase(&pool, &demo, noon()).await;
        handed_in(&pool, &again, &ada, phase, "ab", None).await;
        let leave = format!("/api/v1/teams/{again}/members/me");
        let (_, problem) = api.of(&ada).delete(&leave).await;
        assert_eq!(problem["code"], "last-member");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn whoever_leaves_a_team_that_submitted_is_bound_to_it_in_that_track(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        sign(&api, &ada).await;
        sign(&api, &grace).await;
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;
        for track in [demo.track, demo.other_track] {
            let place = participation(&api, &ada, &molars, track).await;
            set_state(&pool, &place, "approved").await;
        }
        let phase = phase(&pool, &demo, noon()).await;
        handed_in(&pool, &molars, &ada, phase, "ab", None).await;
        let leave = format!("/api/v1/teams/{molars}/members/me");
        assert_eq!(api.of(&grace).delete(&leave).await.0, 204);

        let canines = team(&api, &grace, "Canines").await;
        let ask = |track: molar_domain::TrackId| json!({"team_id": canines, "track_id": track});
        let asks = api.of(&grace);
        let (_, bound) = asks.post("/api/v1/participations", ask(demo.track)).await;
        assert_eq!(bound["code"], "in-another-team");
        let (status, free) = asks
            .post("/api/v1/participations", ask(demo.other_track))
            .await;
        assert_eq!(status, 201, "{free}");
        // Back in the old team she is bound once; in the other track she has a new one.
        let token = invitation(&api, &ada, &molars).await;
        let accept = format!("/api/v1/invitations/{token}/accept");
        let (_, problem) = asks.post(&accept, json!({})).await;
        assert_eq!(problem["code"], "in-another-team");
        let canine = format!("/api/v1/teams/{canines}/members/me");
        assert_eq!(asks.delete(&canine).await.0, 204);
        assert_eq!(asks.post(&accept, json!({})).await.0, 200);
    }
}
