//! `/login` and `/logout`

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use molar_web_kit::caller::{ended_session_cookie, session_cookie};
use molar_web_kit::{ApiError, Caller, Kit};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Slips, form_page, local, page, see_other};
use crate::sessions::create::{CreateSession, sign_in};
use crate::state::AppState;
use crate::tokens;

#[derive(Default, Deserialize)]
pub struct Next {
    /// A path to return to.
    pub next: Option<String>,
}

#[derive(Default, Deserialize)]
pub struct Form {
    email: String,
    password: SecretString,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "login.html")]
struct Body<'a> {
    email: &'a str,
    next: &'a str,
    slips: &'a Slips,
}

pub async fn show(
    caller: Option<Caller>,
    query: web::Query<Next>,
) -> Result<HttpResponse, ApiError> {
    let next = local(query.next.as_deref());
    let body = Body {
        email: "",
        next,
        slips: &Slips::default(),
    };
    Ok(page(caller.as_ref(), "Sign in", &body)?.respond())
}

#[tracing::instrument(name = "pages.login", skip_all)]
pub async fn submit(
    request: HttpRequest,
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let next = local(form.next.as_deref());
    let given = CreateSession {
        email: form.email.clone(),
        password: form.password.clone(),
    };
    match sign_in(&request, &kit, &state, given).await {
        Ok(session) => {
            let mut response = see_other(next);
            response
                .add_cookie(&session_cookie(&kit, session.token, session.expires_at))
                .map_err(|error| ApiError::internal(error.to_string()))?;
            Ok(response)
        }
        Err(error) => {
            let slips = Slips::of(error.into())?;
            let body = Body {
                email: &form.email,
                next,
                slips: &slips,
            };
            Ok(form_page(page(None, "Sign in", &body)?, &slips))
        }
    }
}

/// Also for whoever is not signed in any more: the cookie goes.
#[tracing::instrument(name = "pages.logout", skip_all)]
pub async fn logout(kit: web::Data<Kit>, caller: Option<Caller>) -> Result<HttpResponse, ApiError> {
    if let Some(caller) = caller {
        let now = kit.clock.now();
        tokens::rows::revoke(&kit.db, caller.token_id, caller.user_id, now).await?;
    }
    let mut response = see_other("/");
    response
        .add_cookie(&ended_session_cookie(&kit))
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use molar_web_kit::testing::person;
    use sqlx::PgPool;

    use crate::testing::Api;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn signing_in_and_out_by_the_pages(pool: PgPool) {
        let api = Api::new(&pool).await;
        let register = [
            ("email", "a@x.org"),
            ("name", "Ada"),
            ("password", "correct horse"),
        ];
        assert_eq!(api.nobody().form("/register", &register).await.0, 303);

        let wrong = [
            ("email", "a@x.org"),
            ("password", "incorrect"),
            ("next", "/account"),
        ];
        let (status, html) = api.nobody().form("/login", &wrong).await;
        assert_eq!(status, 422);
        assert!(
            html.contains("the address or the password is not right"),
            "{html}"
        );
        assert!(html.contains(r#"name="next" value="/account""#), "{html}");

        let right = [
            ("email", "a@x.org"),
            ("password", "correct horse"),
            ("next", "/account"),
        ];
        let request = TestRequest::post().uri("/login").set_form(right);
        let response = api.nobody().call(request).await;
        assert_eq!(response.headers().get("location").unwrap(), "/account");
        let cookie = response
            .headers()
            .get("set-cookie")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
            "{cookie}"
        );
        let session = cookie.split(';').next().unwrap().to_owned();
        let ada = api
            .nobody()
            .header("cookie", &session)
            .header("accept", "text/html");
        assert_eq!(ada.page("/account").await.0, 200);
        let (status, led) = ada.submit("/account", "/logout", &[]).await;
        assert_eq!((status, led.as_str()), (303, "/"));
        let (status, led) = ada.page("/account").await;
        assert_eq!((status, led.as_str()), (303, "/login?next=%2Faccount"));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_form_without_its_token_is_refused(pool: PgPool) {
        let api = Api::new(&pool).await;
        let ada = api.browser(&person(&pool, "Ada").await);
        for path in ["/logout", "/account/tokens", "/join/demo/team"] {
            assert_eq!(ada.form(path, &[("name", "x")]).await.0, 403, "{path}");
        }
    }
}
