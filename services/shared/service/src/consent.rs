//! Requests for a second organizer: kept in `audit.requests`, written by whichever role acts, judged by
//! [`molar_domain::consent::judge`].

use chrono::{DateTime, Utc};
use molar_domain::consent::{Act, LASTS, Open, Refusal, Verdict, judge};
use molar_domain::spelling::UnknownWord;
use molar_domain::{ChallengeId, UserId, uuid_at};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::audit;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `others` are the organizers who can help.
    #[error("{why}")]
    Refused {
        act: Act,
        why: Refusal,
        others: Vec<String>,
    },

    #[error("inconsistent row")]
    Inconsistent(#[from] UnknownWord),

    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What an organizer wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub act: Act,
    /// Phase, participation or re-scoring.
    pub subject: Uuid,
    pub challenge: ChallengeId,
    pub by: UserId,
    pub reason: Option<&'a str>,
    /// The request that the caller confirms.
    pub confirms: Option<Uuid>,
}

/// A request that was made just now.
#[derive(Debug, Clone)]
pub struct Asked {
    pub id: Uuid,
    pub act: Act,
    pub expires_at: DateTime<Utc>,
    /// Organizers who can confirm it.
    pub others: Vec<String>,
}

#[derive(Debug)]
pub enum Outcome {
    /// Act now, in this transaction. `asked_by` is the first organizer where this is the second, whose reason
    /// stands.
    Act {
        reason: Option<String>,
        asked_by: Option<UserId>,
    },
    /// Commit and answer that it waits.
    Waits(Asked),
}

/// Decides and writes what becomes of a wish. Whether the act is possible at all is for the caller to look
/// at first; of two wishes for one subject the second waits for the first's transaction.
pub async fn settle(
    conn: &mut PgConnection,
    wish: &Wish<'_>,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
    lock(conn, wish.act, wish.subject).await?;
    let open = open(conn, wish.act, wish.subject).await?;
    let needs = needs_second(&mut *conn, wish.challenge, wish.act).await?;
    let verdict = judge(
        needs,
        open.as_ref().map(|(open, _)| open),
        wish.by,
        wish.confirms,
        now,
    );
    match verdict {
        Ok(Verdict::Act) => Ok(Outcome::Act {
            reason: wish.reason.map(str::to_owned),
            asked_by: None,
        }),
        Ok(Verdict::Ask) => Ok(Outcome::Waits(ask(conn, wish, now).await?)),
        Ok(Verdict::Confirm(id)) => {
            if !decide(&mut *conn, id, wish.by, "confirmed", wish.reason, now).await? {
                // Declined in this very moment.
                return Err(Error::Refused {
                    act: wish.act,
                    why: Refusal::Over,
                    others: Vec::new(),
                });
            }
            let (open, reason) = open.ok_or(sqlx::Error::RowNotFound)?;
            Ok(Outcome::Act {
                reason: reason.or_else(|| wish.reason.map(str::to_owned)),
                asked_by: Some(open.requested_by),
            })
        }
        Err(why) => Err(Error::Refused {
            act: wish.act,
            why,
            others: others(&mut *conn, wish.challenge, wish.by).await?,
        }),
    }
}

/// Ends what is open of a subject that is no longer there to act on.
pub async fn forget(
    conn: &mut PgConnection,
    act: Act,
    subject: Uuid,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    lock(conn, act, subject).await?;
    if let Some((open, _)) = open(conn, act, subject).await? {
        decide(conn, open.id, by, "declined", None, now).await?;
    }
    Ok(())
}

/// Says no to a request; returns false where there is none that is open.
pub async fn decline(
    conn: &mut PgConnection,
    id: Uuid,
    by: UserId,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    decide(conn, id, by, "declined", reason, now).await
}

async fn ask(conn: &mut PgConnection, wish: &Wish<'_>, now: DateTime<Utc>) -> Result<Asked, Error> {
    let asked = Asked {
        id: uuid_at(now),
        act: wish.act,
        expires_at: now + LASTS,
        others: others(&mut *conn, wish.challenge, wish.by).await?,
    };
    sqlx::query_scalar!(
        r#"SELECT audit.ask($1, $2, $3, $4, $5, $6, $7, $8)::text AS "done""#,
        asked.id,
        wish.act.as_str(),
        wish.subject,
        wish.challenge.0,
        wish.by.0,
        now,
        asked.expires_at,
        wish.reason,
    )
    .fetch_one(&mut *conn)
    .await?;
    let details = json!({"act": wish.act, "subject_id": wish.subject, "challenge_id": wish.challenge, "expires_at": asked.expires_at});
    let actor = Some(wish.by);
    audit::append(
        conn,
        now,
        actor,
        "request.made",
        asked.id,
        details,
        wish.reason,
    )
    .await?;
    Ok(asked)
}

async fn decide(
    conn: &mut PgConnection,
    id: Uuid,
    by: UserId,
    decision: &str,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let is_done = sqlx::query_scalar!(
        r#"SELECT audit.decide($1, $2, $3, $4) AS "is_done!""#,
        id,
        by.0,
        decision,
        now,
    )
    .fetch_one(&mut *conn)
    .await?;
    if is_done {
        let action = format!("request.{decision}");
        audit::append(conn, now, Some(by), &action, id, json!({}), reason).await?;
    }
    Ok(is_done)
}

/// Held to the end of the transaction.
async fn lock(conn: &mut PgConnection, act: Act, subject: Uuid) -> sqlx::Result<()> {
    let name = format!("audit.requests {act} {subject}");
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        name
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// With the first organizer's reason.
async fn open(
    conn: &mut PgConnection,
    act: Act,
    subject: Uuid,
) -> sqlx::Result<Option<(Open, Option<String>)>> {
    let row = sqlx::query!(
        "SELECT id, requested_by, expires_at, reason FROM audit.requests
         WHERE act = $1 AND subject_id = $2 AND decision IS NULL",
        act.as_str(),
        subject,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let open = Open {
            id: row.id,
            requested_by: UserId(row.requested_by),
            expires_at: row.expires_at,
        };
        (open, row.reason)
    }))
}

async fn needs_second(
    db: impl PgExecutor<'_>,
    challenge: ChallengeId,
    act: Act,
) -> sqlx::Result<bool> {
    let needs = sqlx::query_scalar!(
        r#"SELECT $2 = ANY (acts) AS "needs!" FROM tracks.second_organizers WHERE challenge_id = $1"#,
        challenge.0,
        act.as_str(),
    )
    .fetch_optional(db)
    .await?;
    Ok(needs.unwrap_or(false))
}

/// The names of the challenge's organizers but one.
async fn others(
    db: impl PgExecutor<'_>,
    challenge: ChallengeId,
    but: UserId,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT name AS "name!" FROM registration.challenge_organizers
           WHERE challenge_id = $1 AND user_id <> $2 ORDER BY name LIMIT 5"#,
        challenge.0,
        but.0,
    )
    .fetch_all(db)
    .await
}
