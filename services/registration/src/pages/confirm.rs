//! `/account/confirm`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Slips, form_page, page};
use crate::accounts::confirm::confirm_address;

#[derive(Deserialize)]
pub struct Token {
    token: SecretString,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct Body<'a> {
    token: &'a str,
    is_done: bool,
    slips: &'a Slips,
}

/// Opening the link changes nothing yet: programs that look through mail open links, too.
pub async fn show(
    caller: Option<Caller>,
    query: web::Query<Token>,
) -> Result<HttpResponse, ApiError> {
    respond(
        caller.as_ref(),
        query.token.expose_secret(),
        false,
        &Slips::default(),
    )
}

fn respond(
    caller: Option<&Caller>,
    token: &str,
    is_done: bool,
    slips: &Slips,
) -> Result<HttpResponse, ApiError> {
    let body = Body {
        token,
        is_done,
        slips,
    };
    let page = page(caller, "Confirm your address", &body)?;
    Ok(form_page(page, slips))
}

#[tracing::instrument(name = "pages.confirm", skip_all)]
pub async fn submit(kit: web::Data<Kit>, form: web::Form<Token>) -> Result<HttpResponse, ApiError> {
    let token = form.token.expose_secret();
    match confirm_address(&kit, token).await {
        Ok(()) => respond(None, "", true, &Slips::default()),
        Err(error) => respond(None, token, false, &Slips::of(error.into())?),
    }
}
