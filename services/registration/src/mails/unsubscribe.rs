//! The signed link at the end of each notice, which needs no password.

use molar_domain::UserId;
use molar_web_kit::Kit;
use sqlx::PgExecutor;

use crate::{Error, keyed};

/// Of one person, for good: old mails keep a link that works.
pub fn url(kit: &Kit, user: UserId) -> String {
    let mut url = kit.public_url.clone();
    url.set_path(&format!("/unsubscribe/{}", token(kit, user)));
    url.to_string()
}

fn token(kit: &Kit, user: UserId) -> String {
    let signature = keyed::digest(kit, "unsubscribe", user.0.as_bytes());
    format!("{}.{}", user.0.simple(), hex::encode(&signature[..16]))
}

/// Whose link it is, if it is one of ours.
pub fn owner(kit: &Kit, shown: &str) -> Result<UserId, Error> {
    let user = shown
        .split_once('.')
        .and_then(|(user, _)| user.parse().ok());
    user.filter(|user| token(kit, *user) == shown)
        .ok_or(Error::NotFound("link; copy the whole of it from the mail"))
}

pub async fn set_wants_notices(
    db: impl PgExecutor<'_>,
    user: UserId,
    wants: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.users SET wants_notices = $2 WHERE id = $1 AND anonymised_at IS NULL",
        user.0,
        wants,
    )
    .execute(db)
    .await?;
    Ok(())
}
