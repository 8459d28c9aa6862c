//! `POST /api/v1/questions`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::TEXT_MAX;
use super::rows::{self, About, QuestionView};
use crate::texts::prose;
use crate::{Error, challenges};

/// What one person may ask within [`WINDOW`]: enough for a bad day, too little for a flood.
const MOST: i64 = 20;
const WINDOW: TimeDelta = TimeDelta::hours(24);

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The challenge's slug; or the submission that the question is about.
    pub challenge: Option<String>,
    pub submission_id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 4000)]
    pub text: String,
}

/// Asks the organizers of a challenge. They and your team read it, nobody else.
#[utoipa::path(
    post,
    path = "/api/v1/questions",
    tag = "questions",
    responses((status = CREATED, body = QuestionView))
)]
#[tracing::instrument(name = "questions.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    once: Once,
    body: web::Json<Ask>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Fresh(once) => once,
    };
    let view = ask(&mut tx, &caller, &body, kit.clock.now()).await?;
    let response = once
        .finish(&mut tx, StatusCode::CREATED, None, &view)
        .await?;
    tx.commit().await?;
    Ok(response)
}

pub async fn ask(
    conn: &mut PgConnection,
    caller: &Caller,
    request: &Ask,
    now: DateTime<Utc>,
) -> Result<QuestionView, Error> {
    let mut wrong = Complaints::new();
    let text = prose(&mut wrong, "/text", &request.text, TEXT_MAX);
    wrong.check(
        request.challenge.is_some() != request.submission_id.is_some(),
        "/challenge",
        "name the challenge by its slug, or the submission by `submission_id`",
    );
    wrong.finish()?;
    let about = about(conn, caller, request).await?;
    require_patience(conn, caller, now).await?;
    let question = rows::New {
        challenge: about.challenge,
        submission: request.submission_id,
        team: about.team,
        asked_by: caller.user_id,
        text: &text,
    };
    let id = rows::insert(conn, &question, now).await?;
    rows::find(conn, id).await
}

/// A submission that is not the caller's team's is none.
async fn about(conn: &mut PgConnection, caller: &Caller, request: &Ask) -> Result<About, Error> {
    if let Some(id) = request.submission_id {
        let found = rows::submission(&mut *conn, id).await?;
        let own = found.filter(|about| about.team.is_some_and(|team| caller.is_member(team)));
        let none = || ApiError::invalid("/submission_id", "your team has no such submission");
        return own.ok_or_else(|| none().into());
    }
    let slug = request.challenge.as_deref().unwrap_or_default();
    let challenge = challenges::find_by_slug(&mut *conn, slug).await;
    let challenge = challenge.map_err(|error| match error {
        Error::NotFound(_) => ApiError::invalid("/challenge", "no such challenge").into(),
        other => other,
    })?;
    Ok(About {
        challenge: challenge.id,
        team: rows::only_team(conn, &caller.teams, challenge.id).await?,
    })
}

async fn require_patience(
    conn: &mut PgConnection,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let since = now - WINDOW;
    let (asked, first) = rows::asked_since(conn, caller.user_id, since).await?;
    if asked < MOST {
        return Ok(());
    }
    let wait = first.map_or(WINDOW, |first| first + WINDOW - now);
    Err(Error::TooManyQuestions {
        asked,
        retry_after_s: u64::try_from(wait.num_seconds()).unwrap_or(0) + 1,
    })
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{noon, organizer, person};
    use serde_json::{Value, json};
    use sqlx::PgPool;

    use super::*;
    use crate::testing::{Api, blank, challenge, handed_in, id_of, join, phase, team};

    fn items(list: &Value) -> usize {
        list["items"].as_array().unwrap().len()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_question_carries_its_submission_and_is_read_by_team_and_organizers(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        let eve = person(&pool, "Eve").await;
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;
        let phase = phase(&pool, &demo, noon()).await;
        let submission = handed_in(&pool, &molars, &ada, phase, "ab", None).await;

        let path = "/api/v1/questions";
        let body = json!({"submission_id": submission, "text": " Why is\r\nit slow? "});
        let (status, made) = api.of(&ada).post(path, body.clone()).await;
        assert_eq!(status, 201, "{made}");
        insta::assert_json_snapshot!(blank(made), @r#"
        {
          "answer": null,
          "answered_at": null,
          "asked_at": "2026-09-01T12:00:00Z",
          "asked_by": "Ada",
          "challenge": "demo",
          "challenge_id": "[id]",
          "id": "[id]",
          "submission_id": "[id]",
          "team": "Molars",
          "team_id": "[id]",
          "text": "Why is\nit slow?"
        }
        "#);
        let (status, problem) = api.of(&eve).post(path, body).await;
        assert_eq!(status, 422);
        assert_eq!(problem["errors"][0]["pointer"], "/submission_id");
        let olga = organizer(&pool, "Olga", demo.id).await;
        for (reader, count) in [(&ada, 1), (&grace, 1), (&eve, 0), (&olga, 1)] {
            assert_eq!(items(&api.of(reader).get(path).await.1), count);
        }
        // Another's question about the challenge itself is theirs and the organizers'.
        let body = json!({"challenge": "demo", "text": "May I still join?"});
        assert_eq!(api.of(&eve).post(path, body).await.0, 201);
        assert_eq!(items(&api.of(&grace).get(path).await.1), 1);
        assert_eq!(items(&api.of(&eve).get(path).await.1), 1);
        assert_eq!(items(&api.of(&olga).get(path).await.1), 2);
        let paged = api.of(&olga).get(&format!("{path}?limit=1")).await.1;
        assert!(paged["next"].is_string(), "{paged}");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn odd_questions_are_told_what_is_wrong(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let ada = api.of(&person(&pool, "Ada").await);
        for (body, pointer) in [
            (json!({"challenge": "demo", "text": " "}), "/text"),
            (
                json!({"challenge": "demo", "text": "x".repeat(4001)}),
                "/text",
            ),
            (json!({"challenge": "demo", "text": "a\u{0}"}), "/text"),
            (json!({"challenge": "none", "text": "a"}), "/challenge"),
            (json!({"text": "a"}), "/challenge"),
            (
                json!({"challenge": "demo", "submission_id": Uuid::nil(), "text": "a"}),
                "/challenge",
            ),
            (
                json!({"submission_id": Uuid::nil(), "text": "a"}),
                "/submission_id",
            ),
        ] {
            let (status, problem) = ada.post("/api/v1/questions", body.clone()).await;
            let told = (status, problem["errors"][0]["pointer"].clone());
            assert_eq!(told, (422, json!(pointer)), "{body}");
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_repeated_request_asks_once_and_a_flood_is_slowed(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        let body = json!({"challenge": "demo", "text": "When?"});
        let once = api.of(&ada).key("once");
        let first = once.post("/api/v1/questions", body.clone()).await;
        assert_eq!(first, once.post("/api/v1/questions", body.clone()).await);
        id_of(&first.1);
        for _ in 1..MOST {
            let asked = api.of(&ada).post("/api/v1/questions", body.clone()).await;
            assert_eq!(asked.0, 201);
        }
        let (status, problem) = api.of(&ada).post("/api/v1/questions", body.clone()).await;
        assert_eq!(
            (status, &problem["code"]),
            (429, &json!("too-many-questions"))
        );
        assert_eq!(problem["retry_after_s"], 24 * 3600 + 1);
        let grace = person(&pool, "Grace").await;
        assert_eq!(api.of(&grace).post("/api/v1/questions", body).await.0, 201);
    }
}
