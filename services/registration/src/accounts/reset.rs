//! `POST /api/v1/accounts/reset` and `POST /api/v1/accounts/reset/finish`

use actix_web::{HttpRequest, HttpResponse, web};
use molar_service::audit;
use molar_web_kit::{ApiError, Complaints, Kit};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::create::check_password;
use super::rows;
use crate::limiter::{self, Door, address_of};
use crate::links::{self, Purpose};
use crate::mails::{AccountMail, LINK, queue_account};
use crate::state::AppState;
use crate::{Error, tokens};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskForReset {
    pub email: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishReset {
    /// What stands behind `token=` in the link.
    #[schema(value_type = String)]
    pub token: SecretString,
    #[schema(value_type = String, min_length = 10, max_length = 200)]
    pub password: SecretString,
}

/// Mails a link with which a forgotten password can be replaced.
///
/// The answer is the same whether the address has an account or not.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/reset",
    tag = "account",
    responses((status = ACCEPTED))
)]
#[tracing::instrument(name = "accounts.reset", skip_all)]
pub async fn ask(
    request: HttpRequest,
    kit: web::Data<Kit>,
    body: web::Json<AskForReset>,
) -> Result<HttpResponse, ApiError> {
    mail_link(&kit, &address_of(&kit, &request), &body.email).await?;
    Ok(HttpResponse::Accepted().finish())
}

pub async fn mail_link(kit: &Kit, address: &str, email: &str) -> Result<(), Error> {
    let email = email.trim().to_ascii_lowercase();
    limiter::attempt(kit, Door::Mail, &email, address).await?;
    let mut tx = kit.db.begin().await?;
    let Some(user) = rows::by_email(&mut *tx, &email).await? else {
        return Ok(());
    };
    let link = links::insert(&mut tx, kit, user.id, Purpose::Reset, &email).await?;
    let text = format!(
        "Somebody asked for a new password for your account. Open this link to choose one:\n\n{LINK}\n\n\
         It works once, for an hour. If that was not you, ignore this mail: your password stays."
    );
    let mail = AccountMail {
        user: user.id,
        email: &email,
        subject: "Choose a new password",
        text: &text,
        link: Some(&link),
    };
    queue_account(&mut tx, kit.clock.now(), &mail).await?;
    tx.commit().await?;
    Ok(())
}

/// Sets a new password by the link. Every session and every token of the account ends: whoever had
/// taken it is out.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/reset/finish",
    tag = "account",
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "accounts.reset.finish", skip_all)]
pub async fn finish(
    request: HttpRequest,
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    body: web::Json<FinishReset>,
) -> Result<HttpResponse, ApiError> {
    set_password(&kit, &state, &address_of(&kit, &request), body.into_inner()).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub async fn set_password(
    kit: &Kit,
    state: &AppState,
    address: &str,
    request: FinishReset,
) -> Result<(), Error> {
    let mut wrong = Complaints::new();
    check_password(&mut wrong, "/password", &request.password);
    wrong.finish()?;
    // A token cannot be guessed; this keeps hashing from being had for nothing.
    let by = format!("reset from {address}");
    limiter::attempt(kit, Door::Password, &by, address).await?;
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let token = request.token.expose_secret();
    let opened = links::open(&mut tx, token, &[Purpose::Reset], now).await?;
    let user = rows::find(&mut *tx, opened.user_id).await?;
    if user.email != opened.email {
        return Err(Error::LinkOver);
    }
    let hash = state.passwords.hash(request.password).await?;
    rows::set_password(&mut *tx, user.id, &hash).await?;
    links::end_all(&mut tx, user.id, now).await?;
    // Whoever opened it reads that mailbox.
    rows::set_confirmed(&mut *tx, user.id, &opened.email, now).await?;
    tokens::rows::revoke_all(&mut *tx, user.id, now).await?;
    let told = AccountMail {
        user: user.id,
        email: &user.email,
        subject: "Your password was changed",
        text: "The password of your account was replaced by a link that was mailed to you. All sessions \
               and tokens of the API were ended.",
        link: None,
    };
    queue_account(&mut tx, now, &told).await?;
    let changed = "account.password-reset";
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
    limiter::forgive(kit, Door::SignIn, &user.email, address).await?;
    limiter::forgive(kit, Door::Password, &by, address).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use chrono::TimeDelta;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::links::Purpose;
    use crate::testing::{Api, link_of, registered, sign_in};

    const ADA: &str = "ada@example.org";
    const ASK: &str = "/api/v1/accounts/reset";
    const FINISH: &str = "/api/v1/accounts/reset/finish";

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_answer_does_not_tell_whether_an_address_is_known(pool: PgPool) {
        let api = Api::new(&pool).await;
        registered(&api, ADA).await;
        let known = api
            .nobody()
            .post(ASK, json!({"email": "Ada@Example.org"}))
            .await;
        let unknown = api
            .nobody()
            .post(ASK, json!({"email": "eve@example.org"}))
            .await;
        assert_eq!(known.0, 202);
        assert_eq!(known, unknown);
        let known = api.nobody().form("/account/reset", &[("email", ADA)]).await;
        let unknown = api
            .nobody()
            .form("/account/reset", &[("email", "x@x.org")])
            .await;
        assert!(
            known.1.contains("If this address has an account"),
            "{}",
            known.1
        );
        assert_eq!(known, unknown);
        link_of(&api, &pool, Purpose::Reset, ADA).await;
        let links = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM registration.mail_links WHERE purpose = 'reset'"#
        );
        assert_eq!(links.fetch_one(&pool).await.unwrap(), 2);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_reset_works_once_and_throws_everybody_out(pool: PgPool) {
        let api = Api::strict(&pool).await;
        let ada = registered(&api, ADA).await;
        let body = json!({"name": "cluster", "expires_in_days": 9});
        let (_, token) = ada.post("/api/v1/tokens", body).await;
        let cluster = api.with_token(token["token"].as_str().unwrap());
        assert_eq!(api.nobody().post(ASK, json!({"email": ADA})).await.0, 202);
        let token = link_of(&api, &pool, Purpose::Reset, ADA).await;
        let confirm = json!({ "token": token });
        let confirmed = api.nobody().post("/api/v1/accounts/confirm", confirm).await;
        assert_eq!(confirmed.0, 410, "it is for a password");

        let short = json!({"token": token, "password": "short"});
        assert_eq!(api.nobody().post(FINISH, short).await.0, 422);
        let good = json!({"token": token, "password": "battery staple"});
        assert_eq!(api.nobody().post(FINISH, good.clone()).await.0, 204);
        assert_eq!(ada.get("/api/v1/me").await.0, 401);
        assert_eq!(cluster.get("/api/v1/me").await.0, 401);
        assert_eq!(sign_in(&api, ADA, "correct horse").await, Err(422));
        let ada = api.with_token(&sign_in(&api, ADA, "battery staple").await.unwrap());
        let (_, me) = ada.get("/api/v1/me").await;
        assert_eq!(me["is_confirmed"], true, "the mailbox is theirs");
        assert_eq!(api.nobody().post(FINISH, good).await.0, 410);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_link_is_good_for_an_hour(pool: PgPool) {
        let api = Api::new(&pool).await;
        registered(&api, ADA).await;
        api.nobody().post(ASK, json!({"email": ADA})).await;
        let token = link_of(&api, &pool, Purpose::Reset, ADA).await;
        api.clock.advance(TimeDelta::hours(1));
        let form = [("token", token.as_str()), ("password", "battery staple")];
        let (status, page) = api.nobody().form("/account/reset/finish", &form).await;
        assert_eq!(status, 422);
        assert!(page.contains("this link is no longer good"), "{page}");
        assert!(sign_in(&api, ADA, "correct horse").await.is_ok());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn nobody_is_flooded_with_mails(pool: PgPool) {
        let api = Api::new(&pool).await;
        registered(&api, ADA).await;
        // The account's own mail was the first.
        for (email, free) in [(ADA, 2), ("eve@example.org", 3)] {
            for _ in 0..free {
                assert_eq!(
                    api.nobody().post(ASK, json!({ "email": email })).await.0,
                    202
                );
            }
            let request = TestRequest::post()
                .uri(ASK)
                .set_json(json!({ "email": email }));
            let slowed = api.nobody().call(request).await;
            assert_eq!(slowed.status(), 429, "{email}");
            assert_eq!(slowed.headers().get("retry-after").unwrap(), "60");
        }
        api.clock.advance(TimeDelta::minutes(1));
        assert_eq!(api.nobody().post(ASK, json!({ "email": ADA })).await.0, 202);
    }
}
