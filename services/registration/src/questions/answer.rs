//! `POST /api/v1/questions/{id}/answer`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::TEXT_MAX;
use super::list::find_to_answer;
use super::rows::{self, QuestionView};
use crate::Error;
use crate::faq::NoteKind;
use crate::faq::create::{self, Text};
use crate::mails;
use crate::texts::prose;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerQuestion {
    /// For the team alone. A later answer takes the place of an earlier one.
    #[schema(min_length = 1, max_length = 4000)]
    pub text: String,
    /// Also puts question and answer, written anew, on the challenge's public page.
    pub publish: Option<Published>,
}

/// For everybody: name no team and no person.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Published {
    #[schema(min_length = 1, max_length = 300)]
    pub question: String,
    #[schema(min_length = 1, max_length = 4000)]
    pub answer: String,
}

/// Answers a question; by an organizer of its challenge.
#[utoipa::path(
    post,
    path = "/api/v1/questions/{id}/answer",
    tag = "questions",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = QuestionView))
)]
#[tracing::instrument(name = "questions.answer", skip_all)]
pub async fn answer(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<AnswerQuestion>,
) -> Result<web::Json<QuestionView>, ApiError> {
    Ok(web::Json(give(&kit, &caller, *id, &body).await?))
}

pub async fn give(
    kit: &Kit,
    caller: &Caller,
    id: Uuid,
    request: &AnswerQuestion,
) -> Result<QuestionView, Error> {
    let question = find_to_answer(kit, caller, id).await?;
    let mut wrong = Complaints::new();
    let text = prose(&mut wrong, "/text", &request.text, TEXT_MAX);
    let public = request.publish.as_ref().map(|public| {
        let at = ["/publish/question", "/publish/answer"];
        let text = Text::check(&mut wrong, at, &public.question, &public.answer);
        text.require_nameless(&mut wrong, at, &question);
        text
    });
    wrong.finish()?;

    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let is_first = rows::answer(&mut tx, id, &text, caller.user_id, now).await?;
    let mut note = None;
    if let Some(public) = public {
        let challenge = question.challenge_id;
        let new = public.note(challenge, NoteKind::Faq, Some(id), caller.user_id);
        note = Some(create::insert(&mut tx, &new, now).await?.id);
    }
    let details = json!({"is_first": is_first, "note_id": note});
    let actor = Some(caller.user_id);
    audit::append(&mut tx, now, actor, "question.answered", id, details, None).await?;
    tell(&mut tx, kit, &question, &text, now).await?;
    tx.commit().await?;
    let mut conn = kit.db.acquire().await?;
    rows::find(&mut conn, id).await
}

/// Whoever reads the answer on the page is told of it.
async fn tell(
    conn: &mut PgConnection,
    kit: &Kit,
    question: &QuestionView,
    answer: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let readers = rows::readers(&mut *conn, question.id).await?;
    let cause = format!("question-answered/{}/{}", question.id, now.timestamp());
    let subject = format!("Your question about {} is answered", question.challenge);
    let text = format!(
        "The organizers answered:\n\n{answer}\n\nYou had asked:\n\n{}\n\nAll your questions: {}questions\n",
        question.text, kit.public_url
    );
    mails::queue(conn, now, &cause, &readers, &subject, &text).await
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, id_of, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_answer_goes_to_the_team_and_its_edited_form_to_everybody(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, eve) = (person(&pool, "Ada Byron").await, person(&pool, "Eve").await);
        team(&api, &ada, "Molars").await;
        let ask = json!({"challenge": "demo", "text": "We, Molars, ask: which labels?"});
        let (_, asked) = api.of(&ada).post("/api/v1/questions", ask).await;
        let path = format!("/api/v1/questions/{}/answer", id_of(&asked));
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);

        let body = |question: &str, answer: &str| json!({"text": "FDI.", "publish": {"question": question, "answer": answer}});
        assert_eq!(api.of(&ada).post(&path, body("a", "b")).await.0, 403);
        assert_eq!(api.of(&eve).post(&path, body("a", "b")).await.0, 404);
        let named = body("What of MOLARS?", "Ada Byron knows.");
        let (status, problem) = olga.post(&path, named).await;
        assert_eq!(status, 422);
        insta::assert_json_snapshot!(problem["errors"], @r#"
        [
          {
            "detail": "names the team Molars; everybody reads this, so leave it out",
            "pointer": "/publish/question"
          },
          {
            "detail": "names Ada Byron; everybody reads this, so leave it out",
            "pointer": "/publish/answer"
          }
        ]
        "#);
        let (_, open) = olga.get("/api/v1/questions?state=open").await;
        assert_eq!(
            open["items"].as_array().unwrap().len(),
            1,
            "nothing half-done"
        );

        let edited = body("Which labels are used?", "The FDI numbers.");
        let (status, answered) = olga.post(&path, edited).await;
        assert_eq!((status, &answered["answer"]), (200, &json!("FDI.")));
        let (_, seen) = api.of(&ada).get("/api/v1/questions?state=answered").await;
        assert_eq!(seen["items"][0]["answer"], "FDI.");
        assert_eq!(
            olga.get("/api/v1/questions?state=open").await.1["items"],
            json!([])
        );

        let told = sqlx::query!("SELECT user_id, subject, text FROM registration.mails");
        let told = told.fetch_one(&pool).await.unwrap();
        assert_eq!(told.user_id, ada.id.0);
        assert_eq!(told.subject, "Your question about demo is answered");
        assert!(told.text.contains("FDI."), "{}", told.text);
        let (_, public) = api.nobody().get("/api/v1/challenges/demo/faq").await;
        assert_eq!(public["items"][0]["title"], "Which labels are used?");
        let text = public.to_string();
        assert!(!text.contains("Molars") && !text.contains("Ada"), "{text}");
        // A better answer takes its place, and both are on the record.
        let (_, better) = olga.post(&path, json!({"text": "FDI numbers."})).await;
        assert_eq!(better["answer"], "FDI numbers.");
        let audited =
            sqlx::query_scalar!("SELECT details->>'is_first' FROM audit.entries ORDER BY seq");
        let audited = audited.fetch_all(&pool).await.unwrap();
        assert_eq!(audited, [Some("true".to_owned()), Some("false".to_owned())]);
    }
}
