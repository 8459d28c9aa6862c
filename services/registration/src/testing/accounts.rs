//! Accounts: made, signed in to, and the links that are mailed to them.

use serde_json::json;
use sqlx::PgPool;

use super::api::{Api, As};
use crate::links::{self, Purpose};

/// Registers, with the password `correct horse`, and signs in.
pub async fn registered(api: &Api, email: &str) -> As {
    let body = json!({"email": email, "name": "Ada", "password": "correct horse"});
    let (status, made) = api.nobody().post("/api/v1/accounts", body).await;
    assert_eq!(status, 201, "{made}");
    api.with_token(
        &sign_in(api, email, "correct horse")
            .await
            .expect("a session"),
    )
}

/// The token of a new session, or the status of the refusal.
pub async fn sign_in(api: &Api, email: &str, password: &str) -> Result<String, u16> {
    let body = json!({"email": email, "password": password});
    let (status, session) = api.nobody().post("/api/v1/sessions", body).await;
    session["token"]
        .as_str()
        .map(ToOwned::to_owned)
        .ok_or(status)
}

/// The secret of the newest link that was mailed, or waits to be, to this address.
pub async fn link_of(api: &Api, owner: &PgPool, purpose: Purpose, email: &str) -> String {
    let link = sqlx::query!(
        "SELECT id FROM registration.mail_links WHERE email = $1 AND purpose = $2
         ORDER BY expires_at DESC LIMIT 1",
        email,
        purpose.as_str(),
    )
    .fetch_one(owner)
    .await
    .expect("a link");
    let url = links::url(&api.kit, link.id, purpose);
    let (_, token) = url.rsplit_once("token=").expect("a token");
    token.to_owned()
}
