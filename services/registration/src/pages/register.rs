//! `/register`

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use molar_web_kit::caller::session_cookie;
use molar_web_kit::{ApiError, Caller, Kit};
use secrecy::SecretString;
use serde::Deserialize;

use super::login::Next;
use super::{Slips, local, page, see_other};
use crate::accounts::create::{CreateAccount, register};
use crate::sessions::create::{CreateSession, sign_in};
use crate::state::AppState;

#[derive(Default, Deserialize)]
pub struct Form {
    email: String,
    name: String,
    #[serde(default)]
    affiliation: String,
    password: SecretString,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "register.html")]
struct Body<'a> {
    form: &'a Form,
    next: &'a str,
    slips: &'a Slips,
}

pub async fn show(
    caller: Option<Caller>,
    query: web::Query<Next>,
) -> Result<HttpResponse, ApiError> {
    let form = Form {
        next: query.into_inner().next,
        ..Form::default()
    };
    respond(caller.as_ref(), &form, &Slips::default())
}

fn respond(caller: Option<&Caller>, form: &Form, slips: &Slips) -> Result<HttpResponse, ApiError> {
    let body = Body {
        form,
        next: local(form.next.as_deref()),
        slips,
    };
    let mut page = page(caller, "Register", &body)?;
    if !slips.is_empty() {
        page = page.status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    Ok(page.respond())
}

#[tracing::instrument(name = "pages.register", skip_all)]
pub async fn submit(
    request: HttpRequest,
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let new = CreateAccount {
        email: form.email.clone(),
        name: form.name.clone(),
        affiliation: form.affiliation.clone(),
        password: form.password.clone(),
    };
    if let Err(error) = register(&request, &kit, &state, new).await {
        return respond(None, &form, &Slips::of(error.into())?);
    }
    let known = CreateSession {
        email: form.email.clone(),
        password: form.password.clone(),
    };
    let session = sign_in(&request, &kit, &state, known).await?;
    let mut response = see_other(local(form.next.as_deref()));
    response
        .add_cookie(&session_cookie(&kit, session.token, session.expires_at))
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use crate::testing::Api;

    const ADA: [(&str, &str); 3] = [
        ("email", "ada@example.org"),
        ("name", "Ada <b>"),
        ("password", "correct horse"),
    ];

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_slip_shows_the_form_again_with_what_was_typed(pool: PgPool) {
        let api = Api::new(&pool).await;
        let mut slip = ADA;
        slip[0].1 = "ada";
        let (status, html) = api.nobody().form("/register", &slip).await;
        assert_eq!(status, 422);
        assert!(
            html.contains("must be an address such as ada@example.org"),
            "{html}"
        );
        assert!(html.contains(r#"value="ada""#), "{html}");
        assert!(
            !html.contains("<b>") && html.contains("Ada &#60;b"),
            "{html}"
        );
        assert!(
            !html.contains("correct horse"),
            "a password is not sent back"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn who_registers_is_signed_in_and_led_on(pool: PgPool) {
        let api = Api::new(&pool).await;
        let mut form = ADA.to_vec();
        form.push(("next", "/join/demo"));
        assert_eq!(
            api.nobody().form("/register", &form).await,
            (303, "/join/demo".into())
        );
        let (status, html) = api.nobody().form("/register", &form).await;
        assert_eq!(status, 422);
        assert!(
            html.contains("the address has an account already"),
            "{html}"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn another_site_cannot_send_our_forms(pool: PgPool) {
        let api = Api::new(&pool).await;
        let elsewhere = api.nobody().header("origin", "https://evil.test");
        assert_eq!(elsewhere.form("/register", &ADA).await.0, 403);
        assert_eq!(elsewhere.form("/login", &ADA).await.0, 403);
    }
}
