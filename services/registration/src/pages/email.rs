//! `/account/email`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Slips, form_page, page};
use crate::accounts::email::{ChangeEmail, ask};
use crate::state::AppState;

#[derive(Deserialize)]
pub struct Form {
    email: String,
    password: SecretString,
}

#[derive(Template)]
#[template(path = "email.html")]
struct Body<'a> {
    csrf: &'a str,
    email: &'a str,
    is_asked: bool,
    slips: &'a Slips,
}

fn respond(
    caller: &Caller,
    email: &str,
    is_asked: bool,
    slips: &Slips,
) -> Result<HttpResponse, ApiError> {
    let body = Body {
        csrf: caller.csrf_token(),
        email,
        is_asked,
        slips,
    };
    let page = page(Some(caller), "Change your address", &body)?;
    Ok(form_page(page.crumb("Account", "/account"), slips))
}

pub async fn show(caller: Caller) -> Result<HttpResponse, ApiError> {
    respond(&caller, "", false, &Slips::default())
}

#[tracing::instrument(name = "pages.email", skip_all)]
pub async fn submit(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let request = ChangeEmail {
        email: form.email.clone(),
        password: form.password.clone(),
    };
    match ask(&kit, &state, &caller, request).await {
        Ok(()) => respond(&caller, &form.email, true, &Slips::default()),
        Err(error) => respond(&caller, &form.email, false, &Slips::of(error.into())?),
    }
}
