//! `POST /api/v1/participations/{id}/withdraw`

use actix_web::web;
use molar_domain::ParticipationId;
use molar_web_kit::{ApiError, Caller, Kit};

use super::decide::{self, Words};
use super::list::{self, ParticipationView};
use super::{Step, rows};
use crate::{Error, teams};

/// Gives the team's place up, by its captain. Its entries leave the board; to come back it must ask again. Its
/// members are free for another team, unless this one has handed something in in the track.
#[utoipa::path(
    post,
    path = "/api/v1/participations/{id}/withdraw",
    tag = "participations",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = ParticipationView))
)]
#[tracing::instrument(name = "participations.withdraw", skip_all)]
pub async fn withdraw(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ParticipationId>,
) -> Result<web::Json<ParticipationView>, ApiError> {
    Ok(web::Json(withdraw_team(&kit, &caller, *id).await?))
}

pub async fn withdraw_team(
    kit: &Kit,
    caller: &Caller,
    id: ParticipationId,
) -> Result<ParticipationView, Error> {
    let seen = list::find(kit, caller, id).await?;
    let mut tx = kit.db.begin().await?;
    let team = teams::rows::lock(&mut tx, seen.team_id).await?;
    if team.captain_id != caller.user_id {
        return Err(ApiError::forbidden("only the team's captain withdraws it").into());
    }
    let place = rows::find(&mut *tx, id).await?;
    decide::take(
        &mut tx,
        kit,
        caller,
        &place,
        Step::Withdraw,
        &Words::default(),
    )
    .await?;
    tx.commit().await?;
    list::find(kit, caller, id).await
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{noon, organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{
        Api, challenge, handed_in, join, participation, phase, set_state, sign, team,
    };

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_captain_withdraws_and_nobody_else(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        let path = format!("/api/v1/participations/{place}/withdraw");

        let olga = organizer(&pool, "Olga", demo.id).await;
        for other in [&grace, &olga] {
            let (status, problem) = api.of(other).post(&path, json!({})).await;
            assert_eq!(status, 403, "{problem}");
        }
        assert_eq!(
            api.of(&person(&pool, "Eve").await)
                .post(&path, json!({}))
                .await
                .0,
            404
        );
        let (status, withdrawn) = api.of(&ada).post(&path, json!({})).await;
        assert_eq!((status, &withdrawn["state"]), (200, &json!("withdrawn")));
        assert_eq!(api.of(&ada).post(&path, json!({})).await.0, 409);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn people_of_a_team_that_handed_something_in_are_bound_to_it_also_when_it_withdrew(
        pool: PgPool,
    ) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        let withdraw = format!("/api/v1/participations/{place}/withdraw");
        set_state(&pool, &place, "approved").await;
        let phase = phase(&pool, &demo, noon()).await;
        handed_in(&pool, &molars, &ada, phase, "ab", None).await;
        assert_eq!(api.of(&ada).post(&withdraw, json!({})).await.0, 200);

        let others = team(&api, &ada, "Others").await;
        let ask = |team: &str| json!({"team_id": team, "track_id": demo.track});
        let (status, problem) = api
            .of(&ada)
            .post("/api/v1/participations", ask(&others))
            .await;
        assert_eq!(
            (status, &problem["code"]),
            (409, &json!("in-another-team")),
            "{problem}"
        );
        // With the same team she comes back.
        let (status, back) = api
            .of(&ada)
            .post("/api/v1/participations", ask(&molars))
            .await;
        assert_eq!(status, 201, "{back}");
    }
}
