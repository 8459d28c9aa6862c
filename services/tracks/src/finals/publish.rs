//! What the publication of a phase does with its finalists: one act tells ranks, finalists and awards.

use chrono::{DateTime, Utc};
use molar_web_kit::{ApiError, names};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows;
use crate::Error;
use crate::awards;

/// Where finalists were named nothing is published before each of their dossiers is complete and locked.
pub async fn require_ready(conn: &mut PgConnection, phase_id: Uuid) -> Result<(), ApiError> {
    require_ranked(conn, phase_id).await?;
    let all = rows::list(conn, phase_id).await?;
    let standing = all.into_iter().filter(|of| !of.is_struck());
    let open: Vec<String> = standing
        .filter(|of| of.locked_at.is_none() || !of.is_approved)
        .map(|of| names::plain(&of.team))
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    refused(&open, phase_id)
}

/// Who has withdrawn its entry since has no rank that could be told.
async fn require_ranked(conn: &mut PgConnection, phase_id: Uuid) -> Result<(), ApiError> {
    let unranked = sqlx::query_scalar!(
        r#"SELECT f.id FROM tracks.finalists f
           WHERE f.phase_id = $1 AND f.named_at IS NOT NULL AND f.struck_at IS NULL
             AND NOT EXISTS (SELECT FROM leaderboard.places l WHERE l.phase_id = f.phase_id AND l.team_id = f.team_id
                                                                AND l.final_rank IS NOT NULL)"#,
        phase_id,
    )
    .fetch_all(&mut *conn)
    .await?;
    if unranked.is_empty() {
        return Ok(());
    }
    let all = rows::list(conn, phase_id).await?;
    let teams = all.into_iter().filter(|of| unranked.contains(&of.id));
    let teams: Vec<String> = teams.map(|of| names::plain(&of.team)).collect();
    let why = format!(
        "{} stands on the board no more: strike the finalist with a reason, at /finals/{phase_id}",
        teams.join(", ")
    );
    Err(ApiError::conflict(why).with_code("ranking-moved"))
}

fn refused(open: &[String], phase_id: Uuid) -> Result<(), ApiError> {
    let why = format!(
        "the dossier is not locked, or the place in the track does not count any more, of {}: lock each dossier, or strike the finalist with a reason, at /finals/{phase_id}",
        open.join(", ")
    );
    Err(ApiError::conflict(why).with_code("dossiers-open"))
}

/// Marks them as published, with the ranks that the board has now, and returns what the audit log keeps of it; nothing
/// where none were named.
pub async fn write(
    conn: &mut PgConnection,
    phase_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Value>, Error> {
    let done = sqlx::query!(
        "UPDATE tracks.finals f
         SET published_at = $2,
             ranking_version = COALESCE((SELECT r.version FROM leaderboard.current_rankings r WHERE r.phase_id = $1),
                                        f.ranking_version)
         WHERE phase_id = $1 AND published_at IS NULL",
        phase_id,
        now,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    sqlx::query!(
        "UPDATE tracks.finalists f SET rank = l.final_rank FROM leaderboard.places l
         WHERE f.phase_id = $1 AND l.phase_id = f.phase_id AND l.team_id = f.team_id AND f.struck_at IS NULL
           AND l.final_rank IS NOT NULL",
        phase_id,
    )
    .execute(&mut *conn)
    .await?;
    let all = rows::list(&mut *conn, phase_id).await?;
    let standing = all.iter().filter(|of| !of.is_struck());
    let finalists: Vec<Value> = standing
        .map(|of| json!({"team_id": of.team_id, "rank": of.rank, "consents": of.consents}))
        .collect();
    let awards = awards::list(conn, phase_id).await?;
    Ok(Some(json!({"finalists": finalists, "awards": awards})))
}
