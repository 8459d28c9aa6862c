//! `POST /api/v1/sessions`

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::UserId;
use molar_web_kit::caller::{session_cookie, shown_session};
use molar_web_kit::{ApiError, Kit, NoKey, Scope};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::limiter::{self, Door, address_of};
use crate::state::AppState;
use crate::tokens::rows::{Kind, NewToken};
use crate::{Error, accounts, tokens};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSession {
    pub email: String,
    #[schema(value_type = String)]
    pub password: SecretString,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CreateSessionQuery {
    /// Also set the cookie that signs a browser in.
    #[serde(default)]
    cookie: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionView {
    /// For `Authorization: Bearer`. Told this once.
    pub token: String,
    pub expires_at: DateTime<Utc>,
    pub user: SessionUser,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionUser {
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    pub name: String,
    pub email: String,
    pub is_admin: bool,
}

/// Signs in.
///
/// Too many wrong passwords, for one account or from one address, are answered with a wait. No
/// `Idempotency-Key` is taken: the answer is a secret, which is not kept.
#[utoipa::path(
    post,
    path = "/api/v1/sessions",
    tag = "account",
    params(CreateSessionQuery),
    responses((status = CREATED, body = SessionView))
)]
#[tracing::instrument(name = "sessions.create", skip_all)]
pub async fn create(
    request: HttpRequest,
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    query: web::Query<CreateSessionQuery>,
    _: NoKey,
    body: web::Json<CreateSession>,
) -> Result<HttpResponse, ApiError> {
    let session = sign_in(&request, &kit, &state, body.into_inner()).await?;
    let mut response = HttpResponse::Created();
    response.insert_header(("cache-control", "no-store"));
    if query.cookie {
        response.cookie(session_cookie(
            &kit,
            session.token.clone(),
            session.expires_at,
        ));
    }
    Ok(response.json(session))
}

/// One answer for a wrong password and for an address that nobody has, in the same time. A session
/// that the browser had is ended.
pub async fn sign_in(
    from: &HttpRequest,
    kit: &Kit,
    state: &AppState,
    request: CreateSession,
) -> Result<SessionView, Error> {
    let email = request.email.trim().to_ascii_lowercase();
    let address = address_of(kit, from);
    limiter::attempt(kit, Door::SignIn, &email, &address).await?;

    let user = accounts::rows::by_email(&kit.db, &email).await?;
    let kept = user.as_ref().map(|user| user.password_hash.clone());
    let is_right = state.passwords.verify(request.password, kept).await?;
    let user = user.filter(|_| is_right).ok_or(Error::WrongCredentials)?;
    limiter::forgive(kit, Door::SignIn, &email, &address).await?;

    let now = kit.clock.now();
    let new = NewToken {
        kind: Kind::Session,
        name: &client(from),
        scopes: Scope::ALL,
        expires_at: now + state.session,
    };
    let mut tx = kit.db.begin().await?;
    if let Some(earlier) = shown_session(kit, from) {
        tokens::rows::revoke_session(&mut *tx, &earlier, now).await?;
    }
    let (_, token) = tokens::rows::insert(&mut *tx, user.id, &new, now).await?;
    tx.commit().await?;
    let expires_at = new.expires_at;
    let user = SessionUser {
        id: user.id,
        name: user.name,
        email: user.email,
        is_admin: user.is_admin,
    };
    Ok(SessionView {
        token,
        expires_at,
        user,
    })
}

/// By what a person knows a session again in the list of them.
fn client(request: &HttpRequest) -> String {
    let told = request.headers().get("user-agent");
    let told = told.and_then(|agent| agent.to_str().ok()).map(str::trim);
    let told = told.filter(|agent| !agent.is_empty());
    told.unwrap_or("unknown").chars().take(150).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sqlx::PgPool;

    use crate::testing::{Api, blank};

    async fn registered(pool: &PgPool) -> Api {
        let api = Api::new(pool).await;
        let body = json!({"email": "ada@example.org", "name": "Ada", "password": "correct horse"});
        assert_eq!(api.nobody().post("/api/v1/accounts", body).await.0, 201);
        api
    }

    fn credentials(email: &str, password: &str) -> Value {
        json!({"email": email, "password": password})
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_session_signs_in_until_it_is_ended_or_over(pool: PgPool) {
        let api = registered(&pool).await;
        let right = credentials("Ada@example.org", "correct horse");
        let (status, session) = api.nobody().post("/api/v1/sessions", right.clone()).await;
        assert_eq!(status, 201);
        assert_eq!(session["expires_at"], "2026-09-15T12:00:00Z");
        let ada = api.with_token(session["token"].as_str().unwrap());
        let (_, me) = ada.get("/api/v1/me").await;
        insta::assert_json_snapshot!(blank(me), @r#"
        {
          "affiliation": "",
          "email": "ada@example.org",
          "id": "[id]",
          "is_admin": false,
          "is_confirmed": false,
          "name": "Ada",
          "organizer_of": [],
          "scopes": [
            "read",
            "submit",
            "organize",
            "account"
          ],
          "teams": [],
          "wants_notices": true
        }
        "#);
        assert_eq!(ada.delete("/api/v1/sessions/current").await.0, 204);
        assert_eq!(ada.get("/api/v1/me").await.0, 401);

        let (_, session) = api.nobody().post("/api/v1/sessions", right).await;
        let ada = api.with_token(session["token"].as_str().unwrap());
        api.clock.advance(chrono::TimeDelta::days(14));
        assert_eq!(ada.get("/api/v1/me").await.0, 401);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_wrong_password_and_an_unknown_address_look_alike(pool: PgPool) {
        let api = registered(&pool).await;
        let wrong = credentials("ada@example.org", "incorrect");
        let unknown = credentials("nobody@example.org", "incorrect");
        let (_, wrong) = api.nobody().post("/api/v1/sessions", wrong).await;
        let (_, unknown) = api.nobody().post("/api/v1/sessions", unknown).await;
        assert_eq!(wrong, unknown);
        insta::assert_json_snapshot!(wrong, @r#"
        {
          "code": "wrong-credentials",
          "errors": [
            {
              "detail": "the address or the password is not right",
              "pointer": ""
            }
          ],
          "status": 422,
          "title": "The request is not valid",
          "type": "/problems/invalid-request"
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn guessing_is_slowed_even_for_the_right_guess(pool: PgPool) {
        let api = registered(&pool).await;
        for _ in 0..5 {
            let wrong = credentials("ada@example.org", "incorrect");
            assert_eq!(api.nobody().post("/api/v1/sessions", wrong).await.0, 422);
        }
        let right = credentials("ADA@example.org", "correct horse");
        let (_, slowed) = api.nobody().post("/api/v1/sessions", right.clone()).await;
        insta::assert_json_snapshot!(slowed, @r#"
        {
          "code": "too-many-attempts",
          "detail": "too many tries; wait 1 s",
          "retry_after_s": 1,
          "status": 429,
          "title": "The quota is used up",
          "type": "/problems/quota-exceeded"
        }
        "#);
        api.clock.advance(chrono::TimeDelta::seconds(1));
        assert_eq!(api.nobody().post("/api/v1/sessions", right).await.0, 201);
    }
}
