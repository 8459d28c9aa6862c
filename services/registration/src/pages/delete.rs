//! `/account/delete`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Slips, form_page, page, signed_out};
use crate::accounts::delete::{DeleteAccount, erase};
use crate::state::AppState;

#[derive(Deserialize)]
pub struct Form {
    password: SecretString,
}

#[derive(Template)]
#[template(path = "delete.html")]
struct Body<'a> {
    csrf: &'a str,
    slips: &'a Slips,
}

fn respond(caller: &Caller, slips: &Slips) -> Result<HttpResponse, ApiError> {
    let body = Body {
        csrf: caller.csrf_token(),
        slips,
    };
    let page = page(Some(caller), "Delete your account", &body)?;
    Ok(form_page(page.crumb("Account", "/account"), slips))
}

pub async fn show(caller: Caller) -> Result<HttpResponse, ApiError> {
    respond(&caller, &Slips::default())
}

#[tracing::instrument(name = "pages.delete", skip_all)]
pub async fn submit(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let request = DeleteAccount {
        password: form.password.clone(),
    };
    match erase(&kit, &state, &caller, request).await {
        Ok(()) => signed_out(&kit, "/"),
        Err(error) => respond(&caller, &Slips::of(error.into())?),
    }
}
