//! News for teams by mail: how a submission ended, what was decided on a place in a track, which phase
//! closes soon; and for organizers, whose files are about to be removed.
//!
//! Nobody has to ring for it: a look at the rows every few seconds finds what teams were not told
//! yet, and notes it in the transaction that queues the mails. So each piece of news is told once,
//! whichever process looks first, also after a time in which none did. No mail holds a score: who may
//! see which is for the pages to say.

mod closing;
mod decided;
mod ended;
mod retention;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::{TeamId, UserId};
use molar_service::Pending;
use molar_web_kit::Kit;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{Error, mails};

pub const POLL: Duration = Duration::from_secs(5);

/// One look for all kinds of news.
pub async fn round(kit: &Kit, untold: &Pending) -> Result<(), Error> {
    decided::round(kit).await?;
    closing::round(kit).await?;
    retention::round(kit).await?;
    ended::round(kit, untold).await
}

/// A piece of news for a team.
struct News {
    /// What it is about: a submission, its re-run, or a participation.
    subject_id: Uuid,
    /// What happened to it; with the subject, unique.
    occasion: String,
    team: TeamId,
    title: String,
    text: String,
}

/// Tells all members, unless somebody did.
async fn tell(kit: &Kit, news: &News) -> sqlx::Result<()> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    if note(&mut tx, news.subject_id, &news.occasion, now).await? {
        let members = members(&mut *tx, news.team).await?;
        let cause = format!("{}/{}", news.occasion, news.subject_id);
        mails::queue(&mut tx, now, &cause, &members, &news.title, &news.text).await?;
    }
    tx.commit().await
}

/// Whether it is news. Of two at once the second waits here for the first.
async fn note(
    conn: &mut PgConnection,
    subject: Uuid,
    occasion: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO registration.noticed (subject_id, occasion, noticed_at) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        subject,
        occasion,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn members(db: impl PgExecutor<'_>, team: TeamId) -> sqlx::Result<Vec<UserId>> {
    let members = sqlx::query_scalar!(
        "SELECT user_id FROM registration.memberships WHERE team_id = $1",
        team.0
    );
    Ok(members
        .fetch_all(db)
        .await?
        .into_iter()
        .map(UserId)
        .collect())
}

/// With the zone's name: a mail is read anywhere.
fn moment(at: DateTime<Utc>, zone: &str) -> String {
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    let at = at.with_timezone(&zone);
    format!("{} ({zone})", at.format("%A, %-d %B %Y, %H:%M"))
}
