//! `POST /api/v1/participations`

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::challenge::question::{self, Answer};
use molar_domain::{ChallengeId, ParticipationId, TeamId, TrackId};
use molar_web_kit::{ApiError, Begun, Caller, Complaint, Kit, Once};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{State, Step, rows};
use crate::challenges::Track;
use crate::sightings::{self, Occasion, Origin};
use crate::{Error, challenges, teams};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateParticipation {
    #[schema(value_type = uuid::Uuid)]
    pub team_id: TeamId,
    #[schema(value_type = uuid::Uuid)]
    pub track_id: TrackId,
    /// To the questions of the track, by their ids.
    #[serde(default)]
    pub answers: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RequestedView {
    #[schema(value_type = uuid::Uuid)]
    pub id: ParticipationId,
    #[schema(value_type = uuid::Uuid)]
    pub team_id: TeamId,
    #[schema(value_type = uuid::Uuid)]
    pub track_id: TrackId,
    pub state: State,
    pub requested_at: DateTime<Utc>,
}

/// Asks the organizers for a team's place in a track, once or again after a refusal or withdrawal.
///
/// You must have signed the newest agreement, and nobody of the team may be in another team of the
/// track.
#[utoipa::path(
    post,
    path = "/api/v1/participations",
    tag = "participations",
    responses((status = CREATED, body = RequestedView))
)]
#[tracing::instrument(name = "participations.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    origin: Origin,
    once: Once,
    body: web::Json<CreateParticipation>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Fresh(once) => once,
    };
    let made = request(&mut tx, &caller, origin, &body, kit.clock.now()).await?;
    let response = once
        .finish(&mut tx, StatusCode::CREATED, None, &made)
        .await?;
    tx.commit().await?;
    Ok(response)
}

pub async fn request(
    conn: &mut PgConnection,
    caller: &Caller,
    origin: Origin,
    request: &CreateParticipation,
    now: DateTime<Utc>,
) -> Result<RequestedView, Error> {
    let (team_id, track_id) = (request.team_id, request.track_id);
    let team = teams::rows::lock_as_member(conn, team_id, caller.user_id).await?;
    let track = find_track(conn, team.challenge_id, track_id).await?;
    require_signature(conn, caller, team.challenge_id).await?;
    let answers = answers(&track, &request.answers)?;
    if let Some(state) = rows::state_of(&mut *conn, team_id, track_id).await? {
        state.apply(Step::Request)?;
    }
    let id = rows::request(conn, team_id, track_id, caller.user_id, &answers, now).await?;
    rows::bind_members(conn, team_id, track_id).await?;
    let occasion = Occasion::PlaceRequested;
    sightings::note(conn, origin, caller.user_id, occasion, id.0, now).await?;
    Ok(RequestedView {
        id,
        team_id,
        track_id,
        state: State::Requested,
        requested_at: now,
    })
}

async fn find_track(
    conn: &mut PgConnection,
    challenge: ChallengeId,
    track: TrackId,
) -> Result<Track, Error> {
    let tracks = challenges::tracks(conn, challenge).await?;
    let found = tracks.into_iter().find(|known| known.id == track);
    found.ok_or_else(|| {
        ApiError::invalid("/track_id", "the team's challenge has no such track").into()
    })
}

fn answers(track: &Track, given: &BTreeMap<String, String>) -> Result<Vec<Answer>, ApiError> {
    question::answered(&track.questions, given).map_err(|complaints| {
        let at = |(id, detail)| Complaint {
            pointer: format!("/answers/{id}"),
            detail,
        };
        ApiError::Invalid(complaints.into_iter().map(at).collect())
    })
}

async fn require_signature(
    conn: &mut PgConnection,
    caller: &Caller,
    challenge: ChallengeId,
) -> Result<(), Error> {
    let newest = challenges::newest_agreement(&mut *conn, challenge).await?;
    let Some(newest) = newest else { return Ok(()) };
    if challenges::has_signed(&mut *conn, caller.user_id, challenge, &newest.version).await? {
        return Ok(());
    }
    let challenge = challenges::find(conn, challenge).await?.slug;
    Err(Error::NotSigned {
        newest: newest.version,
        challenge,
    })
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use serde_json::{Value, json};
    use sqlx::PgPool;
    use uuid::Uuid;

    use crate::testing::{
        Api, challenge, join, new_agreement, participation, set_state, sign, team,
    };

    fn asks(team: &str, track: Uuid) -> Value {
        json!({"team_id": team, "track_id": track})
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_signed_member_asks_once(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        let molars = team(&api, &ada, "Molars").await;
        let ask = asks(&molars, demo.track.0);

        let (_, unsigned) = api
            .of(&ada)
            .post("/api/v1/participations", ask.clone())
            .await;
        insta::assert_json_snapshot!(unsigned, @r#"
        {
          "code": "agreement-not-signed",
          "detail": "version 1 of the agreement is not signed; read and sign it first, at /join/demo or by `molar team sign`",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
        sign(&api, &ada).await;
        new_agreement(&pool, &demo, "2").await;
        let (_, outdated) = api
            .of(&ada)
            .post("/api/v1/participations", ask.clone())
            .await;
        assert_eq!(outdated["code"], "agreement-not-signed");

        sign(&api, &ada).await;
        let (status, made) = api
            .of(&ada)
            .post("/api/v1/participations", ask.clone())
            .await;
        assert_eq!((status, &made["state"]), (201, &json!("requested")));
        let (_, twice) = api.of(&ada).post("/api/v1/participations", ask).await;
        insta::assert_json_snapshot!(twice, @r#"
        {
          "code": "invalid-transition",
          "detail": "the team has asked for this place already; an organizer decides",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_person_is_in_one_team_of_a_track(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        sign(&api, &ada).await;
        sign(&api, &grace).await;
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;
        let place = participation(&api, &ada, &molars, demo.track).await;

        let canines = team(&api, &grace, "Canines").await;
        let ask = asks(&canines, demo.track.0);
        let (_, problem) = api
            .of(&grace)
            .post("/api/v1/participations", ask.clone())
            .await;
        insta::assert_json_snapshot!(problem, @r#"
        {
          "code": "in-another-team",
          "detail": "Grace is in another team of this track; a person takes part in a track with one team",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
        let other = asks(&canines, demo.other_track.0);
        assert_eq!(
            api.of(&grace).post("/api/v1/participations", other).await.0,
            201
        );

        // Once the first team has withdrawn, its members are free.
        set_state(&pool, &place, "approved").await;
        let path = format!("/api/v1/participations/{place}/withdraw");
        assert_eq!(api.of(&ada).post(&path, json!({})).await.0, 200);
        assert_eq!(
            api.of(&grace).post("/api/v1/participations", ask).await.0,
            201
        );
        let back = asks(&molars, demo.track.0);
        let (status, problem) = api.of(&ada).post("/api/v1/participations", back).await;
        assert_eq!((status, &problem["code"]), (409, &json!("in-another-team")));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn ids_that_are_not_ours_are_refused(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, eve) = (person(&pool, "Ada").await, person(&pool, "Eve").await);
        sign(&api, &ada).await;
        sign(&api, &eve).await;
        let molars = team(&api, &ada, "Molars").await;
        let foreign = asks(&molars, demo.track.0);
        assert_eq!(
            api.of(&eve).post("/api/v1/participations", foreign).await.0,
            404
        );
        let nowhere = asks(&molars, Uuid::nil());
        let (status, problem) = api.of(&ada).post("/api/v1/participations", nowhere).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (422, &json!("/track_id"))
        );
        let broken = json!({"team_id": "mine", "track_id": demo.track});
        assert_eq!(
            api.of(&ada).post("/api/v1/participations", broken).await.0,
            422
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_answers_what_the_organizers_ask(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let questions = json!([
            {"id": "lab", "text": "Which lab?", "required": true, "kind": "text"},
            {"id": "data", "text": "Which data?", "required": false, "kind": "choice", "choices": ["public", "own"]},
        ]);
        sqlx::query!(
            "UPDATE tracks.tracks SET questions = $2 WHERE id = $1",
            demo.track.0,
            questions
        )
        .execute(&pool)
        .await
        .unwrap();
        let ada = person(&pool, "Ada").await;
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        let mut ask = asks(&molars, demo.track.0);
        ask["answers"] = json!({"data": "secret", "age": "7"});
        let (status, problem) = api
            .of(&ada)
            .post("/api/v1/participations", ask.clone())
            .await;
        assert_eq!(status, 422);
        insta::assert_json_snapshot!(problem["errors"], @r#"
        [
          {
            "detail": "the organizers ask for an answer: Which lab?",
            "pointer": "/answers/lab"
          },
          {
            "detail": "must be one of: public; own",
            "pointer": "/answers/data"
          },
          {
            "detail": "the track has no such question",
            "pointer": "/answers/age"
          }
        ]
        "#);
        ask["answers"] = json!({"lab": "Ours", "data": "own"});
        let (status, _) = api.of(&ada).post("/api/v1/participations", ask).await;
        assert_eq!(status, 201);
        let olga = organizer(&pool, "Olga", demo.id).await;
        for reader in [&ada, &olga] {
            let (_, list) = api.of(reader).get("/api/v1/participations").await;
            assert_eq!(
                list["items"][0]["answers"],
                json!([
                    {"id": "lab", "question": "Which lab?", "answer": "Ours"},
                    {"id": "data", "question": "Which data?", "answer": "own"},
                ])
            );
        }
    }
}
