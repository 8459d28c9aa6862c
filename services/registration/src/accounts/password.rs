//! `POST /api/v1/me/password`

use actix_web::{HttpResponse, web};
use molar_service::audit;
use molar_web_kit::caller::{Via, session_cookie};
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::create::check_password;
use super::rows::{self, User};
use crate::limiter::{self, Door};
use crate::mails::{AccountMail, queue_account};
use crate::state::AppState;
use crate::tokens::rows::RenewedSession;
use crate::{Error, links, tokens};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    #[schema(value_type = String)]
    pub password: SecretString,
    #[schema(value_type = String, min_length = 10, max_length = 200)]
    pub new_password: SecretString,
}

/// The session that asked, under a new token; nothing if a token of the API asked.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RenewedView {
    pub session: Option<RenewedSession>,
}

/// Changes the password. Every other session ends; tokens of the API stay until they are revoked.
#[utoipa::path(
    post,
    path = "/api/v1/me/password",
    tag = "account",
    responses((status = OK, body = RenewedView))
)]
#[tracing::instrument(name = "accounts.password", skip_all)]
pub async fn change(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    body: web::Json<ChangePassword>,
) -> Result<HttpResponse, ApiError> {
    let session = change_password(&kit, &state, &caller, body.into_inner()).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    if let (Via::Session, Some(session)) = (caller.via, &session) {
        let token = session.token.clone();
        response.cookie(session_cookie(&kit, token, session.expires_at));
    }
    Ok(response.json(RenewedView { session }))
}

pub async fn change_password(
    kit: &Kit,
    state: &AppState,
    caller: &Caller,
    request: ChangePassword,
) -> Result<Option<RenewedSession>, Error> {
    let mut wrong = Complaints::new();
    check_password(&mut wrong, "/new_password", &request.new_password);
    wrong.finish()?;
    let user = require_password(kit, state, caller, request.password).await?;
    let hash = state.passwords.hash(request.new_password).await?;

    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    rows::set_password(&mut *tx, user.id, &hash).await?;
    links::end_all(&mut tx, user.id, now).await?;
    tokens::rows::revoke_sessions(&mut *tx, user.id, Some(caller.token_id), now).await?;
    let session = tokens::rows::renew(&mut *tx, caller.token_id).await?;
    let told = AccountMail {
        user: user.id,
        email: &user.email,
        subject: "Your password was changed",
        text: "The password of your account was changed, and all other sessions were ended. Tokens of the API go on: \
               look through them at your account page.\n\n\
               If that was not you, ask for a new one: \"Forgot your password?\" below the form to sign in.",
        link: None,
    };
    queue_account(&mut tx, now, &told).await?;
    let changed = "account.password-changed";
    audit::append(
        &mut tx,
        now,
        Some(user.id),
        changed,
        user.id.0,
        json!({}),
        None,
    )
    .await?;
    tx.commit().await?;
    Ok(session)
}

/// For what a stolen session alone must not do. Slowed like signing in.
pub async fn require_password(
    kit: &Kit,
    state: &AppState,
    caller: &Caller,
    password: SecretString,
) -> Result<User, Error> {
    let user = rows::find(&kit.db, caller.user_id).await?;
    let by = format!("token {}", caller.token_id);
    limiter::attempt(kit, Door::Password, &user.email, &by).await?;
    let kept = Some(user.password_hash.clone());
    if !state.passwords.verify(password, kept).await? {
        return Err(Error::WrongPassword);
    }
    limiter::forgive(kit, Door::Password, &user.email, &by).await?;
    Ok(user)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, registered, sign_in};

    const ADA: &str = "ada@example.org";
    const PATH: &str = "/api/v1/me/password";

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_new_password_ends_other_sessions_and_renews_this_one(pool: PgPool) {
        let api = Api::new(&pool).await;
        let ada = registered(&api, ADA).await;
        let elsewhere = api.with_token(&sign_in(&api, ADA, "correct horse").await.unwrap());
        let body = json!({"name": "cluster", "expires_in_days": 9, "scopes": ["read"]});
        let (_, token) = ada.post("/api/v1/tokens", body).await;
        let cluster = api.with_token(token["token"].as_str().unwrap());

        let body = json!({"password": "correct horse", "new_password": "battery staple"});
        let (status, renewed) = ada.post(PATH, body).await;
        assert_eq!(status, 200, "{renewed}");
        let here = api.with_token(renewed["session"]["token"].as_str().unwrap());
        let works = async |who: &crate::testing::As| who.get("/api/v1/me").await.0;
        assert_eq!(works(&here).await, 200);
        assert_eq!(works(&ada).await, 401, "its token was known before");
        assert_eq!(works(&elsewhere).await, 401);
        assert_eq!(works(&cluster).await, 200);
        assert_eq!(sign_in(&api, ADA, "correct horse").await, Err(422));
        assert!(sign_in(&api, ADA, "battery staple").await.is_ok());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_stolen_session_does_not_know_the_password(pool: PgPool) {
        let api = Api::new(&pool).await;
        let thief = registered(&api, ADA).await;
        let body = json!({"password": "a wild guess", "new_password": "battery staple"});
        for _ in 0..5 {
            let (status, problem) = thief.post(PATH, body.clone()).await;
            assert_eq!((status, &problem["code"]), (422, &json!("wrong-password")));
        }
        assert_eq!(thief.post(PATH, body).await.0, 429);
        for path in ["/api/v1/me/email", "/api/v1/me/delete"] {
            let mut body = json!({"password": "a wild guess"});
            if path.ends_with("email") {
                body["email"] = json!("eve@example.org");
            }
            assert_eq!(thief.post(path, body).await.0, 429, "{path}");
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_page_changes_it_and_stays_signed_in(pool: PgPool) {
        let api = Api::new(&pool).await;
        registered(&api, ADA).await;
        let session = sign_in(&api, ADA, "correct horse").await.unwrap();
        let browser = api
            .nobody()
            .header("cookie", &format!("molar_session={session}"));
        let browser = browser.header("accept", "text/html");
        let page = "/account/password";
        let short = [("password", "correct horse"), ("new_password", "short")];
        let (status, html) = browser.submit(page, page, &short).await;
        assert_eq!(status, 422);
        assert!(html.contains("must have 10 to 200 characters"), "{html}");
        let good = [
            ("password", "correct horse"),
            ("new_password", "battery staple"),
        ];
        assert_eq!(
            browser.submit(page, page, &good).await,
            (303, "/account".into())
        );
        assert_eq!(browser.page("/account").await.0, 303, "under another token");
    }
}
