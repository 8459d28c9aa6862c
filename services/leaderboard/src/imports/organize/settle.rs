//! What would be kept, and the yes to it.

use chrono::{DateTime, Utc};
use molar_web_kit::{ApiError, Caller};
use sqlx::{PgConnection, PgPool};

use super::form::Form;
use crate::error::Error;
use crate::imports::create::{NOTHING_TO_REPLACE, insert, replace, require_room, taken};
use crate::imports::rows::{self, Asked, Challenge, New};

/// As things stand now. The form holds in whose place it goes.
pub async fn plan(db: &PgPool, challenge: &Challenge, form: &mut Form) -> Result<New, ApiError> {
    let (new, reason) = form.request(challenge)?.validate()?;
    let there = rows::list(db, asked(challenge, &new)).await?.pop();
    match (&there, reason) {
        (Some(_), None) => return Err(taken(challenge, &new.slug)),
        (None, Some(_)) => return Err(ApiError::NotFound(NOTHING_TO_REPLACE)),
        (None, None) => require_room(db, challenge).await?,
        (Some(_), Some(_)) => {}
    }
    form.replaces = there.map_or(String::new(), |there| there.table_sha256);
    Ok(new)
}

/// What was planned is checked anew: it comes from the browser. It goes in the place of what the organizer saw, and of
/// nothing else. Where it stands already, as after a second click, nothing is written.
pub async fn keep(
    conn: &mut PgConnection,
    caller: &Caller,
    challenge: &Challenge,
    form: &Form,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let (new, reason) = form.request(challenge)?.validate()?;
    let there = rows::lock(&mut *conn, challenge.id, &new.slug).await?;
    if stands(conn, challenge, &new).await? {
        return Ok(());
    }
    let Some(reason) = reason else {
        let made = insert(conn, challenge, &new, caller, now).await?;
        // The first click may have been done in between.
        return match made.is_some() || stands(conn, challenge, &new).await? {
            true => Ok(()),
            false => Err(taken(challenge, &new.slug)),
        };
    };
    let there = there.ok_or(ApiError::NotFound(NOTHING_TO_REPLACE))?;
    if there.1 != form.replaces {
        return Err(ApiError::conflict(format!(
            "the imported board {}/{} has become another since you saw what comes out; look at it again before you \
             replace it",
            challenge.slug, new.slug
        )));
    }
    replace(conn, challenge, there, &new, caller, &reason, now).await?;
    Ok(())
}

/// Whether the board of this name is this one, to the last byte of its table.
async fn stands(
    conn: &mut PgConnection,
    challenge: &Challenge,
    new: &New,
) -> Result<bool, ApiError> {
    let (there, ranked) = match rows::read(conn, asked(challenge, new)).await {
        Ok(there) => there,
        Err(Error::NotFound(_)) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let is_same = there.title == new.title && there.source == new.source && there.note == new.note;
    // The same table may be ranked otherwise, by what is better.
    let is_ranked_alike = ranked.metrics == new.ranked.metrics;
    Ok(is_same && is_ranked_alike && there.table_sha256 == new.table_sha256)
}

fn asked<'a>(challenge: &'a Challenge, new: &'a New) -> Asked<'a> {
    Asked {
        challenge: Some(&challenge.slug),
        slug: Some(&new.slug),
        ..Asked::default()
    }
}
