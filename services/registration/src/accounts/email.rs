//! `POST /api/v1/me/email`

use actix_web::{HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use secrecy::SecretString;
use serde::Deserialize;
use sqlx::PgConnection;

use super::create::email_address;
use super::password::require_password;
use super::rows::{self, User};
use crate::Error;
use crate::limiter::{self, Door};
use crate::links::{self, Purpose};
use crate::mails::{AccountMail, LINK, queue_account};
use crate::state::AppState;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmail {
    /// Where the link to confirm it goes.
    pub email: String,
    #[schema(value_type = String)]
    pub password: SecretString,
}

/// Asks for another address. It becomes yours once the link that is mailed to it was opened; the old
/// one is told.
///
/// The answer is the same whether the address is free or not.
#[utoipa::path(
    post,
    path = "/api/v1/me/email",
    tag = "account",
    responses((status = ACCEPTED))
)]
#[tracing::instrument(name = "accounts.email", skip_all)]
pub async fn change(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    body: web::Json<ChangeEmail>,
) -> Result<HttpResponse, ApiError> {
    ask(&kit, &state, &caller, body.into_inner()).await?;
    Ok(HttpResponse::Accepted().finish())
}

pub async fn ask(
    kit: &Kit,
    state: &AppState,
    caller: &Caller,
    request: ChangeEmail,
) -> Result<(), Error> {
    let mut wrong = Complaints::new();
    let new = email_address(&mut wrong, &request.email);
    wrong.finish()?;
    let user = require_password(kit, state, caller, request.password).await?;
    limiter::attempt(kit, Door::Mail, &new, &user.id.to_string()).await?;

    let mut tx = kit.db.begin().await?;
    match rows::by_email(&mut *tx, &new).await? {
        None => queue_link(&mut tx, kit, &user, &new).await?,
        Some(owner) => queue_taken(&mut tx, kit, &owner).await?,
    }
    let told = AccountMail {
        user: user.id,
        email: &user.email,
        subject: "Somebody asked to change the address of your account",
        text: "Somebody who knows your password asked to change the e-mail address of your account.\n\
               Nothing changes until the link that was mailed to the new address is opened.\n\n\
               If that was not you, change your password now: it ends all other sessions.",
        link: None,
    };
    queue_account(&mut tx, kit.clock.now(), &told).await?;
    tx.commit().await?;
    Ok(())
}

async fn queue_link(
    conn: &mut PgConnection,
    kit: &Kit,
    user: &User,
    new: &str,
) -> sqlx::Result<()> {
    let link = links::insert(conn, kit, user.id, Purpose::Change, new).await?;
    let text = format!(
        "Open this link to make this the address of your account:\n\n{LINK}\n\n\
         It works once, for a day. If you did not ask for it, ignore this mail."
    );
    let mail = AccountMail {
        user: user.id,
        email: new,
        subject: "Confirm your new address",
        text: &text,
        link: Some(&link),
    };
    queue_account(conn, kit.clock.now(), &mail).await
}

/// Only who reads this mailbox learns that the address has an account.
async fn queue_taken(conn: &mut PgConnection, kit: &Kit, owner: &User) -> sqlx::Result<()> {
    let mail = AccountMail {
        user: owner.id,
        email: &owner.email,
        subject: "This address has an account already",
        text: "Somebody asked to give this address to another account. It has one already, so nothing \
               was changed.",
        link: None,
    };
    queue_account(conn, kit.clock.now(), &mail).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sqlx::PgPool;

    use crate::links::Purpose;
    use crate::testing::{Api, link_of, registered, sign_in};

    const ADA: &str = "ada@example.org";
    const NEW: &str = "ada@new.example.org";
    const PATH: &str = "/api/v1/me/email";

    async fn mailed_to(pool: &PgPool, email: &str) -> Vec<String> {
        let mails = sqlx::query_scalar!(
            "SELECT subject FROM registration.mails WHERE recipient = $1 ORDER BY subject",
            email
        );
        mails.fetch_all(pool).await.unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_change_that_was_asked_for_before_a_new_password_leads_nowhere(pool: PgPool) {
        let api = Api::strict(&pool).await;
        let ada = registered(&api, ADA).await;
        let body = json!({"email": NEW, "password": "correct horse"});
        assert_eq!(ada.post(PATH, body).await.0, 202);
        let token = link_of(&api, &pool, Purpose::Change, NEW).await;
        let changed = json!({"password": "correct horse", "new_password": "another horse"});
        let (status, told) = ada.post("/api/v1/me/password", changed).await;
        assert!(status < 300, "{told}");
        let form = [("token", token.as_str())];
        let (status, page) = api.nobody().form("/account/confirm", &form).await;
        assert!(status >= 400, "{page}");
        assert!(sign_in(&api, ADA, "another horse").await.is_ok());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_address_changes_when_the_new_one_says_so_and_the_old_one_is_told(pool: PgPool) {
        let api = Api::strict(&pool).await;
        let ada = registered(&api, ADA).await;
        let body = json!({"email": NEW, "password": "correct horse"});
        assert_eq!(ada.post(PATH, body).await.0, 202);
        assert!(sign_in(&api, ADA, "correct horse").await.is_ok());
        assert_eq!(sign_in(&api, NEW, "correct horse").await, Err(422));
        assert_eq!(mailed_to(&pool, NEW).await, ["Confirm your new address"]);

        let token = link_of(&api, &pool, Purpose::Change, NEW).await;
        let (status, page) = api
            .nobody()
            .form("/account/confirm", &[("token", &token)])
            .await;
        assert!(status == 200 && page.contains("is confirmed"), "{page}");
        assert!(sign_in(&api, NEW, "correct horse").await.is_ok());
        assert_eq!(sign_in(&api, ADA, "correct horse").await, Err(422));
        assert_eq!(
            mailed_to(&pool, ADA).await,
            [
                "Confirm your address",
                "Somebody asked to change the address of your account",
                "The address of your account was changed",
            ]
        );
        let (_, me) = ada.get("/api/v1/me").await;
        assert_eq!(
            (&me["email"], &me["is_confirmed"]),
            (&json!(NEW), &json!(true))
        );
        let old = link_of(&api, &pool, Purpose::Confirm, ADA).await;
        let confirm = json!({ "token": old });
        let confirmed = api.nobody().post("/api/v1/accounts/confirm", confirm).await;
        assert_eq!(confirmed.0, 410, "a link to the address that was left");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn whose_address_is_taken_only_its_owner_learns(pool: PgPool) {
        let api = Api::new(&pool).await;
        let ada = registered(&api, ADA).await;
        registered(&api, "grace@example.org").await;
        let ask = |email: &str| json!({"email": email, "password": "correct horse"});
        let taken = ada.post(PATH, ask("grace@example.org")).await;
        let free = ada.post(PATH, ask(NEW)).await;
        assert_eq!(taken, free);
        assert!(
            mailed_to(&pool, "grace@example.org")
                .await
                .contains(&"This address has an account already".to_owned())
        );
        // Taken only after the link was sent.
        registered(&api, NEW).await;
        let token = sqlx::query!("SELECT id FROM registration.mail_links WHERE purpose = 'change'");
        let id = token.fetch_one(&pool).await.unwrap().id;
        let url = crate::links::url(&api.kit, id, crate::links::Purpose::Change);
        let token = url.rsplit_once("token=").unwrap().1;
        let (status, problem) = api
            .nobody()
            .post("/api/v1/accounts/confirm", json!({ "token": token }))
            .await;
        assert_eq!((status, &problem["code"]), (409, &json!("email-taken")));
    }
}
