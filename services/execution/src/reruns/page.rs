//! `/organize/submissions/{id}/rerun`: the form, and what it says no with.

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use serde::Deserialize;
use uuid::Uuid;

use super::create::{may_run_again, run_again, see};
use super::rows::Ended;
use crate::state::State;

#[derive(Template)]
#[template(path = "rerun.html")]
struct Body<'a> {
    id: Uuid,
    of: &'a Ended,
    csrf: &'a str,
    reason: &'a str,
    /// What keeps it from being run again, or what is wrong with the form.
    wrong: Vec<String>,
    can_run: bool,
}

impl Body<'_> {
    fn team(&self) -> &str {
        self.of.team.as_deref().unwrap_or("a team without a place")
    }
}

#[tracing::instrument(name = "pages.rerun", skip_all, fields(submission.id = %id))]
pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.acquire().await?;
    let of = see(&mut conn, &caller, *id).await?;
    Ok(page(&caller, *id, &of, "", None)?.respond())
}

#[derive(Debug, Deserialize)]
pub struct Form {
    #[serde(default)]
    reason: String,
}

#[tracing::instrument(name = "pages.rerun.create", skip_all, fields(submission.id = %id))]
pub async fn form(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let made = run_again(&mut tx, &state.store, &caller, *id, &form.reason, now).await;
    let wrong = match made {
        Ok(_) => {
            tx.commit().await?;
            state.dispatch.notify_one();
            return Ok(layout::see_other(&format!("/organize/submissions/{id}")));
        }
        Err(error @ (ApiError::Invalid(_) | ApiError::Coded(..))) => error,
        Err(error) => return Err(error),
    };
    tx.rollback().await?;
    let mut conn = kit.db.acquire().await?;
    let of = see(&mut conn, &caller, *id).await?;
    let status = wrong.problem().status_code();
    let page = page(&caller, *id, &of, &form.reason, Some(&wrong))?;
    Ok(page.status(status).respond())
}

fn page(
    caller: &Caller,
    id: Uuid,
    of: &Ended,
    reason: &str,
    wrong: Option<&ApiError>,
) -> Result<layout::Page, ApiError> {
    let refusal = may_run_again(of).err();
    let body = Body {
        id,
        of,
        csrf: caller.csrf_token(),
        reason,
        wrong: wrong.or(refusal.as_ref()).map(in_words).unwrap_or_default(),
        can_run: refusal.is_none(),
    };
    Ok(layout::Page::new("Run it again", body.render()?)
        .crumb("Organize", "/organize")
        .crumb("Submissions", "/organize/submissions")
        .crumb("A submission's life", format!("/organize/submissions/{id}"))
        .caller(Some(caller)))
}

fn in_words(error: &ApiError) -> Vec<String> {
    match error {
        ApiError::Invalid(complaints) => (complaints.iter())
            .map(|complaint| complaint.detail.clone())
            .collect(),
        ApiError::Coded(inner, _) => in_words(inner),
        ApiError::Conflict(detail) => vec![detail.to_string()],
        other => vec![other.to_string()],
    }
}
