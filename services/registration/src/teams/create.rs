//! `POST /api/v1/teams`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, TeamId};
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::rows;
use crate::Error;
use crate::challenges::{self, Challenge};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTeam {
    /// Or its slug as `challenge`.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub challenge_id: Option<ChallengeId>,
    pub challenge: Option<String>,
    /// Shown on boards. Nobody else in the challenge has it.
    #[schema(min_length = 2, max_length = 60)]
    pub name: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewTeamView {
    #[schema(value_type = uuid::Uuid)]
    pub id: TeamId,
    pub name: String,
    #[schema(value_type = uuid::Uuid)]
    pub challenge_id: ChallengeId,
    pub created_at: DateTime<Utc>,
}

/// Makes a team, with you as its captain.
#[utoipa::path(
    post,
    path = "/api/v1/teams",
    tag = "teams",
    responses((status = CREATED, body = NewTeamView))
)]
#[tracing::instrument(name = "teams.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    once: Once,
    body: web::Json<CreateTeam>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Fresh(once) => once,
    };
    let team = insert(&mut tx, &caller, &body, kit.clock.now()).await?;
    let location = format!("/api/v1/teams/{}", team.id);
    let response = once
        .finish(&mut tx, StatusCode::CREATED, Some(location), &team)
        .await?;
    tx.commit().await?;
    Ok(response)
}

pub async fn insert(
    conn: &mut PgConnection,
    caller: &Caller,
    request: &CreateTeam,
    now: DateTime<Utc>,
) -> Result<NewTeamView, Error> {
    let mut wrong = Complaints::new();
    let name = wrong.text("/name", &request.name, 2..=60);
    let is_one = request.challenge.is_some() != request.challenge_id.is_some();
    wrong.check(
        is_one,
        "/challenge",
        "name the challenge by its slug here, or by `challenge_id`",
    );
    wrong.finish()?;

    let challenge = challenge_of(conn, request).await?;
    let id = rows::insert(conn, challenge.id, &name, caller.user_id, now).await?;
    Ok(NewTeamView {
        id,
        name,
        challenge_id: challenge.id,
        created_at: now,
    })
}

/// A challenge that is not there is a slip of the request, not a path that is not there.
async fn challenge_of(conn: &mut PgConnection, request: &CreateTeam) -> Result<Challenge, Error> {
    let (pointer, found) = match (&request.challenge, request.challenge_id) {
        (Some(slug), _) => ("/challenge", challenges::find_by_slug(conn, slug).await),
        (None, Some(id)) => ("/challenge_id", challenges::find(conn, id).await),
        (None, None) => ("/challenge", Err(Error::NotFound("challenge"))),
    };
    found.map_err(|error| match error {
        Error::NotFound(_) => ApiError::invalid(pointer, "no such challenge").into(),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, blank, challenge, id_of};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_maker_of_a_team_is_its_captain(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        let body = json!({"challenge": "demo", "name": " Molars "});
        let (status, made) = api.of(&ada).post("/api/v1/teams", body).await;
        assert_eq!(status, 201);

        let (_, list) = api.of(&ada).get("/api/v1/teams").await;
        insta::assert_json_snapshot!(blank(list), @r#"
        {
          "items": [
            {
              "captain_id": "[id]",
              "challenge": "demo",
              "challenge_id": "[id]",
              "created_at": "2026-09-01T12:00:00Z",
              "id": "[id]",
              "name": "Molars",
              "participations": []
            }
          ]
        }
        "#);
        let (_, team) = api
            .of(&ada)
            .get(&format!("/api/v1/teams/{}", id_of(&made)))
            .await;
        insta::assert_json_snapshot!(blank(team["members"].clone()), @r#"
        [
          {
            "affiliation": "",
            "has_signed": false,
            "id": "[id]",
            "is_captain": true,
            "joined_at": "2026-09-01T12:00:00Z",
            "name": "Ada"
          }
        ]
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_name_is_taken_once_whatever_its_case(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        let body = json!({"challenge_id": demo.id, "name": "Molars"});
        assert_eq!(api.of(&ada).post("/api/v1/teams", body).await.0, 201);
        let body = json!({"challenge": "demo", "name": "MOLARS"});
        let (_, problem) = api.of(&ada).post("/api/v1/teams", body).await;
        insta::assert_json_snapshot!(problem, @r#"
        {
          "code": "team-name-taken",
          "detail": "the challenge has a team of this name already",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_repeated_request_makes_one_team(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        let body = json!({"challenge": "demo", "name": "Molars"});
        let ada = api.of(&ada).key("once");
        let first = ada.post("/api/v1/teams", body.clone()).await;
        assert_eq!(first, ada.post("/api/v1/teams", body).await);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_challenge_that_is_not_there_is_a_slip(pool: PgPool) {
        let api = Api::new(&pool).await;
        let ada = person(&pool, "Ada").await;
        for (body, pointer) in [
            (json!({"challenge": "none", "name": "Molars"}), "/challenge"),
            (
                json!({"challenge_id": uuid::Uuid::nil(), "name": "Molars"}),
                "/challenge_id",
            ),
            (json!({"name": "Molars"}), "/challenge"),
        ] {
            let (status, problem) = api.of(&ada).post("/api/v1/teams", body).await;
            assert_eq!(
                (status, &problem["errors"][0]["pointer"]),
                (422, &json!(pointer))
            );
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_is_shown_to_members_and_organizers_only(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, eve) = (person(&pool, "Ada").await, person(&pool, "Eve").await);
        let body = json!({"challenge": "demo", "name": "Molars"});
        let (_, made) = api.of(&ada).post("/api/v1/teams", body).await;
        let path = format!("/api/v1/teams/{}", id_of(&made));

        let (status, foreign) = api.of(&eve).get(&path).await;
        assert_eq!(status, 404);
        let nothing = api
            .of(&eve)
            .get(&format!("/api/v1/teams/{}", uuid::Uuid::nil()))
            .await;
        assert_eq!((status, foreign), nothing, "a foreign team looks like none");

        let organizer = organizer(&pool, "Olga", demo.id).await;
        let (_, seen) = api.of(&organizer).get(&path).await;
        let email = format!("{}@molar.test", ada.id);
        assert_eq!(seen["members"][0]["email"], json!(email));
        assert!(
            api.of(&ada).get(&path).await.1["members"][0]
                .get("email")
                .is_none()
        );
    }
}
