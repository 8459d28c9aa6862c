//! `/account`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit, Scope};
use serde::Deserialize;
use uuid::Uuid;

use super::{Slips, page, see_other, signed_out};
use crate::accounts::confirm::mail_again;
use crate::accounts::rows::User;
use crate::agreements::rows::AgreementView;
use crate::mails::unsubscribe::set_wants_notices;
use crate::tokens::create::{CreateToken, NewTokenView, make};
use crate::tokens::rows::{SessionItem, TokenView};
use crate::{accounts, agreements, tokens};

/// A box that is ticked is there, whatever its value.
#[derive(Deserialize)]
pub struct Form {
    name: String,
    expires_in_days: i64,
    read: Option<String>,
    submit: Option<String>,
    organize: Option<String>,
    account: Option<String>,
}

impl Form {
    fn into_request(self) -> CreateToken {
        let boxes = [
            (self.read, Scope::Read),
            (self.submit, Scope::Submit),
            (self.organize, Scope::Organize),
            (self.account, Scope::Account),
        ];
        let ticked = boxes.into_iter().filter(|(ticked, _)| ticked.is_some());
        CreateToken {
            name: self.name,
            expires_in_days: self.expires_in_days,
            scopes: ticked.map(|(_, scope)| scope).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct Body<'a> {
    user: User,
    csrf: &'a str,
    organizes: bool,
    tokens: Vec<TokenView>,
    sessions: Vec<SessionItem>,
    agreements: Vec<AgreementView>,
    made: Option<NewTokenView>,
    slips: Slips,
}

pub async fn show(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    respond(&kit, &caller, None, Slips::default()).await
}

async fn respond(
    kit: &Kit,
    caller: &Caller,
    made: Option<NewTokenView>,
    slips: Slips,
) -> Result<HttpResponse, ApiError> {
    let status = if slips.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let body = Body {
        user: accounts::rows::find(&kit.db, caller.user_id).await?,
        csrf: caller.csrf_token(),
        organizes: caller.organizes_anything(),
        tokens: tokens::rows::list(&kit.db, caller.user_id, kit.clock.now()).await?,
        sessions: tokens::rows::list_sessions(&kit.db, caller, kit.clock.now()).await?,
        agreements: agreements::rows::list(&kit.db, caller.user_id).await?,
        made,
        slips,
    };
    Ok(page(Some(caller), "Your account", &body)?
        .status(status)
        .respond())
}

/// Shows the token in the answer itself: it is told once.
#[tracing::instrument(name = "pages.account.token", skip_all)]
pub async fn make_token(
    kit: web::Data<Kit>,
    caller: Caller,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let request = form.into_inner().into_request();
    let mut conn = kit.db.acquire().await?;
    let made = make(&mut conn, &caller, request, kit.clock.now()).await;
    drop(conn);
    match made {
        Ok(made) => respond(&kit, &caller, Some(made), Slips::default()).await,
        Err(error) => respond(&kit, &caller, None, Slips::of(error.into())?).await,
    }
}

#[tracing::instrument(name = "pages.account.revoke", skip_all)]
pub async fn revoke_token(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    tokens::rows::revoke(&kit.db, *id, caller.user_id, kit.clock.now()).await?;
    Ok(see_other("/account"))
}

/// Mails the link to confirm the address once more.
#[tracing::instrument(name = "pages.account.confirmation", skip_all)]
pub async fn ask_confirmation(
    kit: web::Data<Kit>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    match mail_again(&kit, &caller).await {
        Ok(()) => Ok(see_other("/account?mailed")),
        Err(error) => respond(&kit, &caller, None, Slips::of(error.into())?).await,
    }
}

#[derive(Deserialize)]
pub struct Notices {
    wants_notices: Option<String>,
}

#[tracing::instrument(name = "pages.account.notices", skip_all)]
pub async fn change_notices(
    kit: web::Data<Kit>,
    caller: Caller,
    form: web::Form<Notices>,
) -> Result<HttpResponse, ApiError> {
    set_wants_notices(&kit.db, caller.user_id, form.wants_notices.is_some()).await?;
    Ok(see_other("/account"))
}

#[tracing::instrument(name = "pages.account.end_session", skip_all)]
pub async fn end_session(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    tokens::rows::revoke(&kit.db, *id, caller.user_id, kit.clock.now()).await?;
    Ok(see_other("/account"))
}

#[tracing::instrument(name = "pages.account.end_sessions", skip_all)]
pub async fn end_sessions(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    tokens::rows::revoke_sessions(&kit.db, caller.user_id, None, kit.clock.now()).await?;
    signed_out(&kit, "/login")
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::person;
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, sign};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_token_is_shown_once_and_can_be_revoked(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let person = person(&pool, "Ada").await;
        sign(&api, &person).await;
        let ada = api.browser(&person);
        let fields = [
            ("name", "cluster"),
            ("expires_in_days", "30"),
            ("read", "on"),
        ];
        let (status, html) = ada.submit("/account", "/account/tokens", &fields).await;
        assert_eq!(status, 200);
        let token = html.split("molar_").nth(1).unwrap().get(..64).unwrap();
        let me = api
            .with_token(&format!("molar_{token}"))
            .get("/api/v1/me")
            .await;
        assert_eq!(me.0, 200, "{html}");

        let (_, html) = ada.page("/account").await;
        assert!(html.contains("cluster") && !html.contains(token), "{html}");
        assert!(html.contains("version 1"), "{html}");
        let wrong = [("name", ""), ("expires_in_days", "30")];
        assert_eq!(
            ada.submit("/account", "/account/tokens", &wrong).await.0,
            422
        );

        let (_, list) = api.of(&person).get("/api/v1/tokens").await;
        let items = list["items"].as_array().unwrap();
        let made = items.iter().find(|item| item["name"] == "cluster").unwrap();
        let path = format!("/account/tokens/{}/revoke", made["id"].as_str().unwrap());
        assert_eq!(
            ada.submit("/account", &path, &[]).await,
            (303, "/account".into())
        );
        let me = api
            .with_token(&format!("molar_{token}"))
            .get("/api/v1/me")
            .await;
        assert_eq!(me.0, 401);
    }
}
