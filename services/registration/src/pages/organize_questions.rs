//! `/organize/questions/{challenge}`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::page::{Cursor, LIMIT_MAX};
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Deserialize;
use uuid::Uuid;

use super::{Slips, next_page, page, see_other};
use crate::challenges;
use crate::participations::rows::Sight;
use crate::questions::answer::{AnswerQuestion, Published, give};
use crate::questions::list::QuestionState;
use crate::questions::rows::{self, Filter, QuestionView};

#[derive(Deserialize)]
pub struct Query {
    state: Option<QuestionState>,
    cursor: Option<Cursor>,
}

#[derive(Template)]
#[template(path = "organize_questions.html")]
struct Body<'a> {
    csrf: &'a str,
    slug: &'a str,
    state: QuestionState,
    questions: Vec<QuestionView>,
    may_answer: bool,
    next: Option<String>,
    /// The form as it came, if something in it was wrong.
    given: Option<(Uuid, Form)>,
    slips: Slips,
}

#[derive(Clone, Default, Deserialize)]
pub struct Form {
    text: String,
    /// Of a checkbox.
    publish: Option<String>,
    question: String,
    answer: String,
}

impl Body<'_> {
    fn given(&self, question: &QuestionView) -> Option<&Form> {
        let (id, form) = self.given.as_ref()?;
        (*id == question.id).then_some(form)
    }

    /// What was typed, if it has to be typed again.
    fn typed(&self, question: &QuestionView) -> Form {
        self.given(question).cloned().unwrap_or_default()
    }

    fn slip(&self, question: &QuestionView, pointer: &str) -> Option<&str> {
        self.given(question)?;
        self.slips.at(pointer)
    }
}

pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let state = query.state.unwrap_or(QuestionState::Open);
    respond(
        &kit,
        &caller,
        &slug,
        (state, query.cursor),
        None,
        Slips::default(),
    )
    .await
}

async fn respond(
    kit: &Kit,
    caller: &Caller,
    slug: &str,
    (state, cursor): (QuestionState, Option<Cursor>),
    given: Option<(Uuid, Form)>,
    slips: Slips,
) -> Result<HttpResponse, ApiError> {
    let challenge = challenges::find_reviewed(&kit.db, caller, slug).await?;
    let paging = PageQuery::new(cursor, Some(LIMIT_MAX))?;
    let filter = Filter {
        user: caller.user_id,
        sight: Sight::of(caller),
        challenge: Some(slug),
        is_answered: Some(state == QuestionState::Answered),
    };
    let rows = rows::list(&kit.db, &filter, paging.after(), paging.fetch()).await?;
    let found = Page::of(rows, &paging, |row| row.id);
    let status = match slips.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let body = Body {
        csrf: caller.csrf_token(),
        slug,
        state,
        questions: found.items,
        may_answer: caller.is_organizer(challenge.id),
        next: next_page(found.next, &format!("?state={state}&"))?,
        given,
        slips,
    };
    let title = format!("Questions about {}", challenge.title);
    Ok(page(Some(caller), title, &body)?
        .crumb("Places in tracks", "/organize/participations")
        .status(status)
        .respond())
}

#[tracing::instrument(name = "pages.questions.answer", skip_all)]
pub async fn submit(
    kit: web::Data<Kit>,
    caller: Caller,
    place: web::Path<(String, Uuid)>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let ((slug, id), form) = (place.into_inner(), form.into_inner());
    let publish = form.publish.as_ref().map(|_| Published {
        question: form.question.clone(),
        answer: form.answer.clone(),
    });
    let request = AnswerQuestion {
        text: form.text.clone(),
        publish,
    };
    match give(&kit, &caller, id, &request).await {
        Ok(_) => Ok(see_other(&format!("/organize/questions/{slug}"))),
        Err(error) => {
            let slips = Slips::of(error.into())?;
            let place = (QuestionState::Open, None);
            respond(&kit, &caller, &slug, place, Some((id, form)), slips).await
        }
    }
}
