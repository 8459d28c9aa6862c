//! `/account/reset`

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Slips, form_page, page};
use crate::accounts::reset::{FinishReset, mail_link, set_password};
use crate::limiter::address_of;
use crate::state::AppState;

#[derive(Deserialize)]
pub struct Query {
    token: Option<SecretString>,
}

#[derive(Deserialize)]
pub struct AskForm {
    email: String,
}

#[derive(Deserialize)]
pub struct FinishForm {
    token: SecretString,
    password: SecretString,
}

/// Where one is on the way to a new password.
enum Step<'a> {
    Ask,
    Asked,
    Choose { token: &'a str },
    Done,
}

#[derive(Template)]
#[template(path = "reset.html")]
struct Body<'a> {
    step: Step<'a>,
    slips: &'a Slips,
}

fn respond(
    caller: Option<&Caller>,
    step: Step<'_>,
    slips: &Slips,
) -> Result<HttpResponse, ApiError> {
    let page = page(caller, "A new password", &Body { step, slips })?;
    Ok(form_page(page, slips))
}

pub async fn show(
    caller: Option<Caller>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let step = match &query.token {
        Some(token) => Step::Choose {
            token: token.expose_secret(),
        },
        None => Step::Ask,
    };
    respond(caller.as_ref(), step, &Slips::default())
}

#[tracing::instrument(name = "pages.reset", skip_all)]
pub async fn submit(
    request: HttpRequest,
    kit: web::Data<Kit>,
    form: web::Form<AskForm>,
) -> Result<HttpResponse, ApiError> {
    match mail_link(&kit, &address_of(&kit, &request), &form.email).await {
        Ok(()) => respond(None, Step::Asked, &Slips::default()),
        Err(error) => respond(None, Step::Ask, &Slips::of(error.into())?),
    }
}

#[tracing::instrument(name = "pages.reset.finish", skip_all)]
pub async fn finish(
    request: HttpRequest,
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    form: web::Form<FinishForm>,
) -> Result<HttpResponse, ApiError> {
    let given = FinishReset {
        token: form.token.clone(),
        password: form.password.clone(),
    };
    match set_password(&kit, &state, &address_of(&kit, &request), given).await {
        Ok(()) => respond(None, Step::Done, &Slips::default()),
        Err(error) => {
            let token = form.token.expose_secret();
            respond(None, Step::Choose { token }, &Slips::of(error.into())?)
        }
    }
}
