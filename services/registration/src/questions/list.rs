//! `GET /api/v1/questions`

use actix_web::web;
use molar_domain::spelled_enum;
use molar_web_kit::page::Cursor;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Deserialize;
use uuid::Uuid;

use super::rows::{self, QuestionView};
use crate::Error;
use crate::participations::rows::Sight;

spelled_enum! {
    #[derive(utoipa::ToSchema)]
    pub enum QuestionState as "state of a question" {
        Open = "open",
        Answered = "answered",
    }
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuestions {
    /// A challenge's slug.
    pub challenge: Option<String>,
    pub state: Option<QuestionState>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
    /// 1 to 100, by default 50.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u16>,
}

/// Questions of yours and of your teams, with their answers; for organizers and reviewers, all of
/// their challenges. The first first.
#[utoipa::path(
    get,
    path = "/api/v1/questions",
    tag = "questions",
    params(ListQuestions),
    responses((status = OK, body = Page<QuestionView>))
)]
#[tracing::instrument(name = "questions.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<ListQuestions>,
) -> Result<web::Json<Page<QuestionView>>, ApiError> {
    let page = PageQuery::new(query.cursor, query.limit)?;
    let filter = rows::Filter {
        user: caller.user_id,
        sight: Sight::of(&caller),
        challenge: query.challenge.as_deref(),
        is_answered: query.state.map(|state| state == QuestionState::Answered),
    };
    let rows = rows::list(&kit.db, &filter, page.after(), page.fetch()).await?;
    Ok(web::Json(Page::of(rows, &page, |row| row.id)))
}

/// One of a challenge that the caller organizes; to members it is not theirs to answer.
pub async fn find_to_answer(kit: &Kit, caller: &Caller, id: Uuid) -> Result<QuestionView, Error> {
    let mut conn = kit.db.acquire().await?;
    let question = rows::find(&mut conn, id).await?;
    let is_seen = question.team_id.is_some_and(|team| caller.is_member(team))
        || caller.may_review(question.challenge_id);
    if !is_seen {
        return Err(Error::NotFound("question"));
    }
    caller.require_organizer(question.challenge_id)?;
    Ok(question)
}
