//! Finals, finalists, and the ranking that they are named from.

use chrono::{DateTime, Utc};
use molar_domain::phase::Visibility;
use molar_domain::{ChallengeId, TeamId};
use molar_web_kit::{ApiError, Caller};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::choose;
use crate::Error;

#[derive(Debug, Clone)]
pub struct Finals {
    pub top: i32,
    pub ranking_version: i32,
    pub dossiers_due_at: Option<DateTime<Utc>>,
    pub published_at: Option<DateTime<Utc>>,
}

/// One who was named, with what has to be known to say who may see and change what.
#[derive(Debug, Clone)]
pub struct Finalist {
    pub id: Uuid,
    pub phase_id: Uuid,
    pub phase: String,
    pub track: String,
    pub challenge_id: Uuid,
    pub challenge: String,
    pub zone: String,
    pub team_id: Uuid,
    pub team: String,
    pub rank: i32,
    /// Whether its place in the track still counts.
    pub is_approved: bool,
    pub struck_reason: Option<String>,
    /// None of one that was named, or whose dossier was opened again, after that.
    pub due_at: Option<DateTime<Utc>>,
    pub published_at: Option<DateTime<Utc>>,
    pub locked_at: Option<DateTime<Utc>>,
    pub consents: Option<bool>,
    /// Of the board.
    pub visibility: String,
}

impl Finalist {
    pub fn challenge_id(&self) -> ChallengeId {
        ChallengeId(self.challenge_id)
    }

    pub fn is_struck(&self) -> bool {
        self.struck_reason.is_some()
    }

    pub fn is_published(&self) -> bool {
        self.published_at.is_some()
    }

    pub fn is_own(&self, caller: &Caller) -> bool {
        caller.is_member(TeamId(self.team_id))
    }

    /// Team, organizers and reviewers.
    pub fn is_open_to(&self, caller: &Caller) -> bool {
        self.is_own(caller) || caller.may_review(self.challenge_id())
    }

    /// Once published, where the team consents and the board is everybody's, everybody reads what it told.
    pub fn tells_all(&self) -> bool {
        let is_everybodys = self.visibility == Visibility::Public.as_str();
        let is_winner = self.is_approved && !self.is_struck();
        is_everybodys && self.is_published() && is_winner && self.consents == Some(true)
    }
}

pub async fn find_finals(db: impl PgExecutor<'_>, phase_id: Uuid) -> sqlx::Result<Option<Finals>> {
    sqlx::query_as!(
        Finals,
        "SELECT top, ranking_version, dossiers_due_at, published_at FROM tracks.finals WHERE phase_id = $1",
        phase_id,
    )
    .fetch_optional(db)
    .await
}

/// Finalists are named from the ranks that a phase has at its end, so that stays where it was. Nobody names any until the
/// transaction ends.
pub async fn require_unnamed(conn: &mut PgConnection, phase_id: Uuid) -> Result<(), ApiError> {
    sqlx::query!(
        "SELECT FROM tracks.phases WHERE id = $1 FOR UPDATE",
        phase_id
    )
    .fetch_optional(&mut *conn)
    .await?;
    if find_finals(conn, phase_id).await?.is_none() {
        return Ok(());
    }
    let why = "the finalists of this phase are named, from the ranks that it had at its end: closes_at cannot change any more";
    Err(ApiError::conflict(why).with_code("finalists-named"))
}

/// The phases of a challenge whose finalists are published, or among whose finalists these teams are.
pub async fn phases_of(
    db: impl PgExecutor<'_>,
    challenge: Uuid,
    teams: &[Uuid],
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT n.phase_id FROM tracks.finals n
         JOIN tracks.phases p ON p.id = n.phase_id JOIN tracks.tracks t ON t.id = p.track_id
         WHERE t.challenge_id = $1 AND (n.published_at IS NOT NULL OR EXISTS (
             SELECT FROM tracks.finalists f
             WHERE f.phase_id = n.phase_id AND f.named_at IS NOT NULL AND f.team_id = ANY($2)
         ))",
        challenge,
        teams,
    )
    .fetch_all(db)
    .await
}

/// All acts on the finalists of a phase wait here for each other.
pub async fn lock(conn: &mut PgConnection, phase_id: Uuid) -> Result<Finals, Error> {
    sqlx::query_as!(
        Finals,
        "SELECT top, ranking_version, dossiers_due_at, published_at FROM tracks.finals WHERE phase_id = $1 FOR UPDATE",
        phase_id,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("finalists of this phase"))
}

/// Those of a phase, by rank; those who were struck, too.
pub async fn list(db: impl PgExecutor<'_>, phase_id: Uuid) -> sqlx::Result<Vec<Finalist>> {
    select(db, Some(phase_id), None).await
}

pub async fn find(db: impl PgExecutor<'_>, id: Uuid) -> Result<Finalist, Error> {
    let mut found = select(db, None, Some(id)).await?;
    found.pop().ok_or(Error::NotFound("finalist"))
}

async fn select(
    db: impl PgExecutor<'_>,
    phase_id: Option<Uuid>,
    id: Option<Uuid>,
) -> sqlx::Result<Vec<Finalist>> {
    sqlx::query_as!(
        Finalist,
        r#"
        SELECT f.id, f.phase_id, p.title AS phase, t.title AS track, c.id AS challenge_id, c.title AS challenge, c.zone,
               f.team_id, m.team_name AS "team!", f.rank, (m.state = 'approved' AND NOT m.is_out_of_competition) AS "is_approved!",
               f.struck_reason,
               CASE WHEN COALESCE(d.reopened_at, f.named_at) < n.dossiers_due_at THEN n.dossiers_due_at END AS due_at, n.published_at, d.locked_at AS "locked_at?", d.consents AS "consents?",
               p.visibility
        FROM tracks.finalists f
        JOIN tracks.finals n ON n.phase_id = f.phase_id
        JOIN tracks.phases p ON p.id = f.phase_id
        JOIN tracks.tracks t ON t.id = p.track_id
        JOIN tracks.challenges c ON c.id = t.challenge_id
        JOIN registration.participants m ON m.team_id = f.team_id AND m.track_id = p.track_id
        LEFT JOIN tracks.dossiers d ON d.finalist_id = f.id
        WHERE f.named_at IS NOT NULL AND ($1::uuid IS NULL OR f.phase_id = $1) AND ($2::uuid IS NULL OR f.id = $2)
        ORDER BY f.rank, m.team_name, f.id
        "#,
        phase_id,
        id,
    )
    .fetch_all(db)
    .await
}

/// Names those of the ranking that are in and were not yet, and returns them.
pub async fn name_next(
    conn: &mut PgConnection,
    phase_id: Uuid,
    top: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    let standing = sqlx::query!(
        "SELECT id, rank, named_at FROM tracks.finalists WHERE phase_id = $1 AND struck_at IS NULL ORDER BY rank, id",
        phase_id,
    )
    .fetch_all(&mut *conn)
    .await?;
    let ranks: Vec<i32> = standing.iter().map(|of| of.rank).collect();
    let count = choose::finalists(&ranks, usize::try_from(top).unwrap_or(0));
    let new = standing[..count].iter().filter(|of| of.named_at.is_none());
    let new: Vec<Uuid> = new.map(|of| of.id).collect();
    sqlx::query_scalar!(
        "UPDATE tracks.finalists SET named_at = $2 WHERE id = ANY($1) AND named_at IS NULL RETURNING team_id",
        &new,
        now,
    )
    .fetch_all(conn)
    .await
}
