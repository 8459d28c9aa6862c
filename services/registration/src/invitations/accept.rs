//! `POST /api/v1/invitations/{token}/accept`

use actix_web::web;
use molar_domain::TeamId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;

use super::rows;
use crate::sightings::{self, Occasion, Origin};
use crate::{Error, challenges, participations, teams};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct JoinedView {
    #[schema(value_type = uuid::Uuid)]
    pub team_id: TeamId,
    pub team: String,
}

/// Joins the team. Using one's own invitation again changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/invitations/{token}/accept",
    tag = "teams",
    params(("token" = String, Path)),
    responses((status = OK, body = JoinedView))
)]
#[tracing::instrument(name = "invitations.accept", skip_all)]
pub async fn accept(
    kit: web::Data<Kit>,
    caller: Caller,
    origin: Origin,
    token: web::Path<String>,
) -> Result<web::Json<JoinedView>, ApiError> {
    Ok(web::Json(join(&kit, &caller, origin, &token).await?))
}

pub async fn join(
    kit: &Kit,
    caller: &Caller,
    origin: Origin,
    token: &str,
) -> Result<JoinedView, Error> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let team_id = rows::find(&mut *tx, token).await?.team_id;
    let team = teams::rows::lock(&mut tx, team_id).await?;
    // Read again: somebody may have used it while we waited for the lock.
    let invitation = rows::find(&mut *tx, token).await?;

    if !teams::rows::is_member(&mut *tx, team.id, caller.user_id).await? {
        invitation.check(now)?;
        teams::locks::require_open(&mut *tx, team.id, now).await?;
        let max = challenges::find(&mut *tx, team.challenge_id)
            .await?
            .team_size_max;
        if teams::rows::count_members(&mut *tx, team.id).await? >= i64::from(max) {
            return Err(Error::TeamFull { max });
        }
        teams::rows::insert_member(&mut tx, team.id, caller.user_id, now).await?;
        participations::rows::add_to_tracks(&mut tx, team.id, caller.user_id).await?;
        rows::mark_used(&mut *tx, invitation.id, caller.user_id, now).await?;
        let occasion = Occasion::TeamJoined;
        sightings::note(&mut *tx, origin, caller.user_id, occasion, team.id.0, now).await?;
    }
    tx.commit().await?;
    Ok(JoinedView {
        team_id: team.id,
        team: team.name,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_web_kit::testing::person;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, invitation, join, participation, sign, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_invitation_works_once_and_for_a_week(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        let eve = person(&pool, "Eve").await;
        let molars = team(&api, &ada, "Molars").await;

        let token = invitation(&api, &ada, &molars).await;
        let path = format!("/api/v1/invitations/{token}/accept");
        let (status, joined) = api.of(&grace).post(&path, json!({})).await;
        assert_eq!((status, &joined["team"]), (200, &json!("Molars")));
        assert_eq!(
            api.of(&grace).post(&path, json!({})).await.0,
            200,
            "once more by the same"
        );
        let (_, used) = api.of(&eve).post(&path, json!({})).await;
        insta::assert_json_snapshot!(used, @r#"
        {
          "code": "invitation-over",
          "detail": "the invitation is no longer good: it was used, and works once; ask the team for a new one",
          "status": 410,
          "title": "This is no longer here",
          "type": "/problems/gone"
        }
        "#);

        let late = invitation(&api, &ada, &molars).await;
        api.clock
            .set(molar_web_kit::testing::noon() + TimeDelta::hours(23));
        let path = format!("/api/v1/invitations/{late}/accept");
        #[expect(clippy::disallowed_methods, reason = "the week passes at once")]
        sqlx::query("UPDATE registration.invitations SET expires_at = created_at")
            .execute(&pool)
            .await
            .unwrap();
        let (status, problem) = api.of(&eve).post(&path, json!({})).await;
        assert_eq!(status, 410, "{problem}");
        assert_eq!(
            api.of(&eve)
                .post("/api/v1/invitations/guessed/accept", json!({}))
                .await
                .0,
            404
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_full_team_takes_nobody(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        let molars = team(&api, &ada, "Molars").await;
        for name in ["Grace", "Edsger"] {
            join(&api, &molars, &ada, &person(&pool, name).await).await;
        }
        let token = invitation(&api, &ada, &molars).await;
        let path = format!("/api/v1/invitations/{token}/accept");
        let (_, full) = api
            .of(&person(&pool, "Eve").await)
            .post(&path, json!({}))
            .await;
        insta::assert_json_snapshot!(full, @r#"
        {
          "code": "team-full",
          "detail": "the team is full: it may have 3 members",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn whoever_is_in_another_team_of_the_track_cannot_join(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, eve) = (person(&pool, "Ada").await, person(&pool, "Eve").await);
        for (person, name) in [(&ada, "Molars"), (&eve, "Canines")] {
            sign(&api, person).await;
            let team = team(&api, person, name).await;
            participation(&api, person, &team, demo.track).await;
        }
        let molars = api.of(&ada).get("/api/v1/teams").await.1["items"][0]["id"].clone();
        let token = invitation(&api, &ada, molars.as_str().unwrap()).await;
        let path = format!("/api/v1/invitations/{token}/accept");
        let (_, problem) = api.of(&eve).post(&path, json!({})).await;
        insta::assert_json_snapshot!(problem, @r#"
        {
          "code": "in-another-team",
          "detail": "you are in another team of this track; a person takes part in a track with one team",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
        let (_, teams) = api.of(&eve).get("/api/v1/teams").await;
        assert_eq!(
            teams["items"].as_array().unwrap().len(),
            1,
            "nothing half-done"
        );
    }

    async fn waiting(pool: &PgPool) -> i64 {
        sqlx::query_scalar!(
            r#"SELECT count(*) AS "waiting!" FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'"#
        )
        .fetch_one(pool)
        .await
        .unwrap()
    }

    /// Both wait for the team's lock; whoever is second finds it used.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn two_people_who_use_one_invitation_at_once_are_one_member(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        let (grace, eve) = (person(&pool, "Grace").await, person(&pool, "Eve").await);
        let molars = team(&api, &ada, "Molars").await;
        let token = invitation(&api, &ada, &molars).await;
        let path = format!("/api/v1/invitations/{token}/accept");
        let (grace, eve) = (api.of(&grace), api.of(&eve));
        let mut held = pool.begin().await.unwrap();
        sqlx::query!("SELECT id FROM registration.teams FOR UPDATE")
            .fetch_one(&mut *held)
            .await
            .unwrap();
        let release = async {
            while waiting(&pool).await < 2 {
                tokio::task::yield_now().await;
            }
            held.rollback().await.unwrap();
        };
        let (first, second, ()) = futures_util::join!(
            grace.post(&path, json!({})),
            eve.post(&path, json!({})),
            release
        );
        let mut statuses = [first.0, second.0];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 410]);
        let members = sqlx::query_scalar!("SELECT count(*) FROM registration.memberships");
        assert_eq!(members.fetch_one(&pool).await.unwrap(), Some(2));
    }

    /// Two teams are two locks: it is the key of the table that keeps a person in one of them.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_person_who_joins_two_teams_of_a_track_at_once_is_in_one(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let grace = person(&pool, "Grace").await;
        let mut paths = Vec::new();
        for name in ["Molars", "Canines"] {
            let captain = person(&pool, name).await;
            sign(&api, &captain).await;
            let team = team(&api, &captain, name).await;
            participation(&api, &captain, &team, demo.track).await;
            participation(&api, &captain, &team, demo.other_track).await;
            let token = invitation(&api, &captain, &team).await;
            paths.push(format!("/api/v1/invitations/{token}/accept"));
        }
        let grace = api.of(&grace);
        let (first, second) = futures_util::join!(
            grace.post(&paths[0], json!({})),
            grace.post(&paths[1], json!({}))
        );
        let mut statuses = [first.0, second.0];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{first:?} {second:?}");
        let (_, teams) = grace.get("/api/v1/teams").await;
        assert_eq!(teams["items"].as_array().unwrap().len(), 1);
    }
}
