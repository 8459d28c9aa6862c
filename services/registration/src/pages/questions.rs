//! `/questions` and `/questions/new`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::page::{Cursor, LIMIT_MAX};
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Deserialize;
use uuid::Uuid;

use super::{Slips, next_page, page, see_other};
use crate::participations::rows::Sight;
use crate::questions::create::{Ask, ask};
use crate::questions::rows::{self, Filter, QuestionView};
use crate::{Error, challenges};

#[derive(Deserialize)]
pub struct Query {
    cursor: Option<Cursor>,
}

#[derive(Template)]
#[template(path = "questions.html")]
struct List {
    questions: Vec<QuestionView>,
    next: Option<String>,
}

/// Questions of the caller and of their teams.
pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let paging = PageQuery::new(query.cursor, Some(LIMIT_MAX))?;
    // Those that an organizer has to answer are on a page of their own.
    let sight = Sight {
        challenges: Vec::new(),
        is_admin: false,
        ..Sight::of(&caller)
    };
    let filter = Filter {
        user: caller.user_id,
        sight,
        challenge: None,
        is_answered: None,
    };
    let rows = rows::list(&kit.db, &filter, paging.after(), paging.fetch()).await?;
    let found = Page::of(rows, &paging, |row| row.id);
    let body = List {
        next: next_page(found.next, "?")?,
        questions: found.items,
    };
    Ok(page(Some(&caller), "Your questions", &body)?
        .crumb("Teams", "/teams")
        .respond())
}

/// Of the challenge, or of one submission.
#[derive(Deserialize)]
pub struct NewForm {
    challenge: Option<String>,
    submission: Option<Uuid>,
    text: Option<String>,
}

#[derive(Template)]
#[template(path = "question.html")]
struct New<'a> {
    csrf: &'a str,
    /// What the form says again: where the question goes.
    challenge: Option<String>,
    submission: Option<Uuid>,
    title: String,
    text: String,
    slips: Slips,
}

pub async fn new(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<NewForm>,
) -> Result<HttpResponse, ApiError> {
    respond(&kit, &caller, query.into_inner(), Slips::default()).await
}

async fn respond(
    kit: &Kit,
    caller: &Caller,
    form: NewForm,
    slips: Slips,
) -> Result<HttpResponse, ApiError> {
    let title = about(kit, caller, &form).await?;
    let status = match slips.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let body = New {
        csrf: caller.csrf_token(),
        challenge: form.challenge,
        submission: form.submission,
        title,
        text: form.text.unwrap_or_default(),
        slips,
    };
    Ok(page(Some(caller), "Ask the organizers", &body)?
        .crumb("Your questions", "/questions")
        .status(status)
        .respond())
}

/// The challenge's title; a submission of another team is not there.
async fn about(kit: &Kit, caller: &Caller, form: &NewForm) -> Result<String, Error> {
    if let Some(id) = form.submission {
        let found = rows::submission(&kit.db, id).await?;
        let own = found.filter(|about| about.team.is_some_and(|team| caller.is_member(team)));
        let about = own.ok_or(Error::NotFound("submission"))?;
        return Ok(challenges::find(&kit.db, about.challenge).await?.title);
    }
    let slug = form.challenge.as_deref().unwrap_or_default();
    Ok(challenges::find_by_slug(&kit.db, slug).await?.title)
}

#[tracing::instrument(name = "pages.questions.ask", skip_all)]
pub async fn submit(
    kit: web::Data<Kit>,
    caller: Caller,
    form: web::Form<NewForm>,
) -> Result<HttpResponse, ApiError> {
    let form = form.into_inner();
    let request = Ask {
        challenge: form.challenge.clone().filter(|_| form.submission.is_none()),
        submission_id: form.submission,
        text: form.text.clone().unwrap_or_default(),
    };
    let mut tx = kit.db.begin().await?;
    match ask(&mut tx, &caller, &request, kit.clock.now()).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other("/questions"))
        }
        Err(error) => {
            drop(tx);
            respond(&kit, &caller, form, Slips::of(error.into())?).await
        }
    }
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{noon, organizer, person};
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, handed_in, phase, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_question_is_asked_answered_and_published_on_pages(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, eve) = (person(&pool, "Ada").await, person(&pool, "Eve").await);
        let molars = team(&api, &ada, "Molars").await;
        let phase = phase(&pool, &demo, noon()).await;
        let submission = handed_in(&pool, &molars, &ada, phase, "ab", None)
            .await
            .to_string();
        let browser = api.browser(&ada);
        let (_, html) = browser.page("/questions").await;
        assert!(html.contains("You have asked nothing"), "{html}");

        let form = format!("/questions/new?submission={submission}");
        assert_eq!(api.browser(&eve).page(&form).await.0, 404);
        let (_, html) = browser.page(&form).await;
        assert!(html.contains(&submission), "{html}");
        let mut fields = vec![("submission", submission.as_str()), ("text", " ")];
        let (status, html) = browser.submit(&form, "/questions", &fields).await;
        assert_eq!(status, 422);
        assert!(
            html.contains("must have 1 to 4000 characters, has 0"),
            "{html}"
        );
        fields[1].1 = "Why <b>so</b> slow?";
        let sent = browser.submit(&form, "/questions", &fields).await;
        assert_eq!(sent, (303, "/questions".into()));

        let olga = api.browser(&organizer(&pool, "Olga", demo.id).await);
        let list = "/organize/questions/demo";
        assert_eq!(browser.page(list).await.0, 403);
        let (_, html) = olga.page(list).await;
        assert!(
            html.contains("Why &#60;b&#62;so&#60;/b&#62; slow?"),
            "{html}"
        );
        assert!(
            html.contains(&format!("/submissions/{submission}")),
            "{html}"
        );
        let (_, rest) = html
            .split_once(r#"action="/organize/questions/demo/"#)
            .unwrap();
        let (id, _) = rest.split_once('"').unwrap();
        let path = format!("{list}/{id}");
        let mut answer = vec![
            ("text", "It was the disk."),
            ("publish", "on"),
            ("question", "Why was Molars slow?"),
            ("answer", "A disk."),
        ];
        let (status, html) = olga.submit(list, &path, &answer).await;
        assert_eq!(status, 422);
        assert!(html.contains("names the team Molars"), "{html}");
        assert!(
            html.contains("It was the disk."),
            "what was typed stays: {html}"
        );
        answer[2].1 = "Why were runs slow?";
        assert_eq!(olga.submit(list, &path, &answer).await, (303, list.into()));
        let (_, html) = olga.page(list).await;
        assert!(html.contains("No question is open"), "{html}");
        let (_, html) = olga.page(&format!("{list}?state=answered")).await;
        assert!(html.contains("It was the disk."), "{html}");
        assert!(
            browser
                .page("/questions")
                .await
                .1
                .contains("It was the disk.")
        );

        let faq = "/challenges/demo/faq";
        let (_, html) = api.nobody().header("accept", "text/html").page(faq).await;
        assert!(
            html.contains("Why were runs slow?") && html.contains("A disk."),
            "{html}"
        );
        assert!(
            !html.contains("Molars")
                && !html.contains("<form method=\"post\" action=\"/challenges"),
            "{html}"
        );
        let erratum = [
            ("kind", "erratum"),
            ("title", "Case 7"),
            ("text", "is gone."),
        ];
        assert_eq!(olga.submit(faq, faq, &erratum).await, (303, faq.into()));
        let (_, html) = browser.page(faq).await;
        assert!(html.contains("Case 7"), "{html}");
        let (_, html) = olga.page(faq).await;
        let (_, rest) = html
            .rsplit_once(r#"action="/challenges/demo/faq/"#)
            .unwrap();
        let (retract, _) = rest.split_once('"').unwrap();
        let retract = format!("{faq}/{retract}");
        assert_eq!(olga.submit(faq, &retract, &[]).await, (303, faq.into()));
        assert!(!browser.page(faq).await.1.contains("Case 7"));
    }
}
