//! `POST /api/v1/accounts/confirm` and `POST /api/v1/me/confirmation`

use actix_web::{HttpResponse, web};
use molar_domain::UserId;
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;

use super::rows;
use crate::Error;
use crate::limiter::{self, Door};
use crate::links::{self, Opened, Purpose};
use crate::mails::{AccountMail, LINK, queue_account};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// What stands behind `token=` in the link.
    #[schema(value_type = String)]
    pub token: SecretString,
}

/// Confirms an address by the link that was mailed to it: of a new account, or one to change to.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/confirm",
    tag = "account",
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "accounts.confirm", skip_all)]
pub async fn confirm(
    kit: web::Data<Kit>,
    body: web::Json<Confirm>,
) -> Result<HttpResponse, ApiError> {
    confirm_address(&kit, body.token.expose_secret()).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub async fn confirm_address(kit: &Kit, token: &str) -> Result<(), Error> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let purposes = [Purpose::Confirm, Purpose::Change];
    let opened = links::open(&mut tx, token, &purposes, now).await?;
    if opened.purpose == Purpose::Change {
        change(&mut tx, kit, &opened).await?;
    }
    // A link to an address that the account has left behind confirms nothing.
    rows::set_confirmed(&mut *tx, opened.user_id, &opened.email, now).await?;
    tx.commit().await?;
    Ok(())
}

async fn change(conn: &mut PgConnection, kit: &Kit, opened: &Opened) -> Result<(), Error> {
    let now = kit.clock.now();
    let old = rows::find(&mut *conn, opened.user_id).await?;
    rows::set_email(&mut *conn, opened.user_id, &opened.email).await?;
    let mail = AccountMail {
        user: opened.user_id,
        email: &old.email,
        subject: "The address of your account was changed",
        text: "The e-mail address of your account has been changed, and this one signs in no more.\n\n\
               If that was not you, write to the organizers of your challenge at once.",
        link: None,
    };
    queue_account(&mut *conn, now, &mail).await?;
    let id = opened.user_id;
    let changed = "account.address-changed";
    audit::append(conn, now, Some(id), changed, id.0, json!({}), None).await?;
    Ok(())
}

/// Mails the link to confirm your address once more.
#[utoipa::path(
    post,
    path = "/api/v1/me/confirmation",
    tag = "account",
    responses((status = ACCEPTED))
)]
#[tracing::instrument(name = "accounts.confirmation", skip_all)]
pub async fn ask_again(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    mail_again(&kit, &caller).await?;
    Ok(HttpResponse::Accepted().finish())
}

pub async fn mail_again(kit: &Kit, caller: &Caller) -> Result<(), Error> {
    let user = rows::find(&kit.db, caller.user_id).await?;
    if user.confirmed_at.is_some() {
        return Err(Error::ConfirmedAlready);
    }
    limiter::attempt(kit, Door::Mail, &user.email, &user.id.to_string()).await?;
    let mut tx = kit.db.begin().await?;
    queue(&mut tx, kit, user.id, &user.email).await?;
    tx.commit().await?;
    Ok(())
}

/// The mail with the link, in the transaction that makes or needs the account.
pub async fn queue(
    conn: &mut PgConnection,
    kit: &Kit,
    user: UserId,
    email: &str,
) -> sqlx::Result<()> {
    let link = links::insert(conn, kit, user, Purpose::Confirm, email).await?;
    let text = format!(
        "Welcome to Molar.\n\n\
         Open this link to confirm that this address is yours:\n\n{LINK}\n\n\
         It works once, for three days. Until then you can look around, and not yet join a team.\n\n\
         If you did not register, ignore this mail."
    );
    let mail = AccountMail {
        user,
        email,
        subject: "Confirm your address",
        text: &text,
        link: Some(&link),
    };
    queue_account(conn, kit.clock.now(), &mail).await
}
