//! `POST /api/v1/challenges/{slug}/faq`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, UserId};
use molar_service::audit;
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::NoteKind;
use super::rows::{self, NoteView};
use crate::questions::TEXT_MAX;
use crate::questions::rows::QuestionView;
use crate::texts::{mentions, prose};
use crate::{Error, challenges};

const TITLE_MAX: usize = 300;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// `faq` or `erratum`.
    pub kind: NoteKind,
    /// The question, or what was wrong.
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    #[schema(min_length = 1, max_length = 4000)]
    pub text: String,
}

/// Puts an answer or an erratum on the challenge's public page; by an organizer.
#[utoipa::path(
    post,
    path = "/api/v1/challenges/{slug}/faq",
    tag = "questions",
    params(("slug" = String, Path)),
    responses((status = CREATED, body = NoteView))
)]
#[tracing::instrument(name = "faq.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    once: Once,
    slug: web::Path<String>,
    body: web::Json<Publish>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Fresh(once) => once,
    };
    let note = publish(&mut tx, &caller, &slug, &body, kit.clock.now()).await?;
    let response = once
        .finish(&mut tx, StatusCode::CREATED, None, &note)
        .await?;
    tx.commit().await?;
    Ok(response)
}

pub async fn publish(
    conn: &mut PgConnection,
    caller: &Caller,
    slug: &str,
    request: &Publish,
    now: DateTime<Utc>,
) -> Result<NoteView, Error> {
    let challenge = challenges::find_by_slug(&mut *conn, slug).await?;
    caller.require_organizer(challenge.id)?;
    let mut wrong = Complaints::new();
    let text = Text::check(
        &mut wrong,
        ["/title", "/text"],
        &request.title,
        &request.text,
    );
    wrong.finish()?;
    let new = text.note(challenge.id, request.kind, None, caller.user_id);
    let note = insert(conn, &new, now).await?;
    let details = json!({"challenge_id": challenge.id, "kind": request.kind});
    let actor = Some(caller.user_id);
    audit::append(conn, now, actor, "note.published", note.id, details, None).await?;
    Ok(note)
}

pub async fn insert(
    conn: &mut PgConnection,
    new: &rows::New<'_>,
    now: DateTime<Utc>,
) -> Result<NoteView, Error> {
    let id = rows::insert(conn, new, now).await?;
    Ok(NoteView {
        id,
        kind: new.kind,
        title: new.title.to_owned(),
        text: new.text.to_owned(),
        published_at: now,
    })
}

/// What everybody will read, checked.
pub struct Text {
    title: String,
    text: String,
}

impl Text {
    pub fn check(wrong: &mut Complaints, at: [&str; 2], title: &str, text: &str) -> Self {
        Self {
            title: wrong.text(at[0], title, 1..=TITLE_MAX),
            text: prose(wrong, at[1], text, TEXT_MAX),
        }
    }

    /// Complains where it names who asked.
    pub fn require_nameless(&self, wrong: &mut Complaints, at: [&str; 2], question: &QuestionView) {
        for (pointer, text) in at.into_iter().zip([&self.title, &self.text]) {
            let team = question.team.as_deref().unwrap_or_default();
            if mentions(text, team) {
                let detail =
                    format!("names the team {team}; everybody reads this, so leave it out");
                wrong.add(pointer, detail);
            }
            let person = &question.asked_by;
            if mentions(text, person) {
                let detail = format!("names {person}; everybody reads this, so leave it out");
                wrong.add(pointer, detail);
            }
        }
    }

    pub fn note(
        &self,
        challenge: ChallengeId,
        kind: NoteKind,
        question: Option<Uuid>,
        by: UserId,
    ) -> rows::New<'_> {
        rows::New {
            challenge,
            kind,
            title: &self.title,
            text: &self.text,
            question,
            by,
        }
    }
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, blank, challenge, challenge_named, id_of};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn errata_are_published_dated_and_may_be_retracted(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let path = "/api/v1/challenges/demo/faq";
        assert_eq!(api.nobody().get(path).await, (200, json!({"items": []})));
        let ada = api.of(&person(&pool, "Ada").await);
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let erratum =
            json!({"kind": "erratum", "title": "Case 7", "text": "had two files.\nIt has one."});
        assert_eq!(ada.post(path, erratum.clone()).await.0, 403);
        let bad = json!({"kind": "erratum", "title": "a\nb", "text": ""});
        let (status, problem) = olga.post(path, bad).await;
        assert_eq!(status, 422);
        assert_eq!(problem["errors"].as_array().unwrap().len(), 2, "{problem}");

        let keyed = olga.clone().key("once");
        let (status, made) = keyed.post(path, erratum.clone()).await;
        assert_eq!(status, 201);
        assert_eq!(keyed.post(path, erratum).await.1, made);
        let (_, list) = api.nobody().get(path).await;
        insta::assert_json_snapshot!(blank(list), @r#"
        {
          "items": [
            {
              "id": "[id]",
              "kind": "erratum",
              "published_at": "2026-09-01T12:00:00Z",
              "text": "had two files.\nIt has one.",
              "title": "Case 7"
            }
          ]
        }
        "#);
        let note = format!("{path}/{}", id_of(&made));
        assert_eq!(ada.delete(&note).await.0, 403);
        challenge_named(&pool, "elsewhere").await;
        let elsewhere = note.replace("/demo/", "/elsewhere/");
        assert_eq!(olga.delete(&elsewhere).await.0, 403);
        assert_eq!(olga.delete(&note).await.0, 204);
        assert_eq!(olga.delete(&note).await.0, 404);
        assert_eq!(api.nobody().get(path).await.1["items"], json!([]));
        assert_eq!(api.nobody().get("/api/v1/challenges/none/faq").await.0, 404);
        let audited = sqlx::query_scalar!("SELECT action FROM audit.entries ORDER BY seq");
        assert_eq!(
            audited.fetch_all(&pool).await.unwrap(),
            ["note.published", "note.retracted"]
        );
    }
}
