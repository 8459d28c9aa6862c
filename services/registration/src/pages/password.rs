//! `/account/password`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::caller::session_cookie;
use molar_web_kit::{ApiError, Caller, Kit};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Slips, form_page, page, see_other};
use crate::accounts::password::{ChangePassword, change_password};
use crate::state::AppState;

#[derive(Deserialize)]
pub struct Form {
    password: SecretString,
    new_password: SecretString,
}

#[derive(Template)]
#[template(path = "password.html")]
struct Body<'a> {
    csrf: &'a str,
    slips: &'a Slips,
}

fn respond(caller: &Caller, slips: &Slips) -> Result<HttpResponse, ApiError> {
    let body = Body {
        csrf: caller.csrf_token(),
        slips,
    };
    let page = page(Some(caller), "Change your password", &body)?;
    Ok(form_page(page.crumb("Account", "/account"), slips))
}

pub async fn show(caller: Caller) -> Result<HttpResponse, ApiError> {
    respond(&caller, &Slips::default())
}

#[tracing::instrument(name = "pages.password", skip_all)]
pub async fn submit(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let Form {
        password,
        new_password,
    } = form.into_inner();
    let request = ChangePassword {
        password,
        new_password,
    };
    match change_password(&kit, &state, &caller, request).await {
        Ok(renewed) => {
            let mut response = see_other("/account");
            if let Some(session) = renewed {
                response
                    .add_cookie(&session_cookie(&kit, session.token, session.expires_at))
                    .map_err(|error| ApiError::internal(error.to_string()))?;
            }
            Ok(response)
        }
        Err(error) => respond(&caller, &Slips::of(error.into())?),
    }
}
