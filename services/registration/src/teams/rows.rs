use std::collections::HashMap;

use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, TeamId, UserId};
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use super::{MemberView, PlaceView, TeamView};
use crate::Error;
use crate::error::violates;

#[derive(Debug, Clone)]
pub struct Team {
    pub id: TeamId,
    pub challenge_id: ChallengeId,
    pub name: String,
    pub captain_id: UserId,
}

/// Whoever changes a team's members or places holds this lock, so that they cannot pass each other.
pub async fn lock(conn: &mut PgConnection, id: TeamId) -> Result<Team, Error> {
    let found = sqlx::query_as!(
        Team,
        "SELECT id, challenge_id, name, captain_id FROM registration.teams
         WHERE id = $1 AND dissolved_at IS NULL FOR UPDATE",
        id.0
    );
    found
        .fetch_optional(conn)
        .await?
        .ok_or(Error::NotFound("team"))
}

/// [`lock`] for a member; to anybody else there is no such team.
pub async fn lock_as_member(
    conn: &mut PgConnection,
    id: TeamId,
    user: UserId,
) -> Result<Team, Error> {
    let team = lock(conn, id).await?;
    if !is_member(conn, id, user).await? {
        return Err(Error::NotFound("team"));
    }
    Ok(team)
}

pub async fn is_member(db: impl PgExecutor<'_>, id: TeamId, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
            SELECT FROM registration.memberships WHERE team_id = $1 AND user_id = $2
        ) AS "is_member!""#,
        id.0,
        user.0
    )
    .fetch_one(db)
    .await
}

/// With its captain as the first member.
pub async fn insert(
    conn: &mut PgConnection,
    challenge: ChallengeId,
    name: &str,
    captain: UserId,
    now: DateTime<Utc>,
) -> Result<TeamId, Error> {
    let id = TeamId::at(now);
    let inserted = sqlx::query!(
        "INSERT INTO registration.teams (id, challenge_id, name, captain_id, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        id.0,
        challenge.0,
        name,
        captain.0,
        now,
    )
    .execute(&mut *conn)
    .await;
    match inserted {
        Ok(_) => {}
        Err(error) if violates(&error, "teams_name_unique") => return Err(Error::TeamNameTaken),
        Err(error) => return Err(error.into()),
    }
    insert_member(conn, id, captain, now).await?;
    Ok(id)
}

pub async fn insert_member(
    conn: &mut PgConnection,
    team: TeamId,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO registration.memberships (team_id, user_id, joined_at) VALUES ($1, $2, $3)",
        team.0,
        user.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// [`lock_as_member`] for what only the captain does, `what` completes "only the team's captain …".
pub async fn lock_as_captain(
    conn: &mut PgConnection,
    id: TeamId,
    user: UserId,
    what: &'static str,
) -> Result<Team, Error> {
    let team = lock_as_member(conn, id, user).await?;
    if team.captain_id != user {
        return Err(Error::NotCaptain(what));
    }
    Ok(team)
}

/// Free for another team in the tracks where this one has handed in nothing; bound to it in the others.
pub async fn delete_member(
    conn: &mut PgConnection,
    team: TeamId,
    user: UserId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM registration.track_memberships b
         WHERE b.team_id = $1 AND b.user_id = $2 AND NOT EXISTS (
             SELECT FROM submission.handed_in h JOIN tracks.phase_facts f ON f.phase_id = h.phase_id
             WHERE h.team_id = $1 AND f.track_id = b.track_id)",
        team.0,
        user.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM registration.memberships WHERE team_id = $1 AND user_id = $2",
        team.0,
        user.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_captain(
    conn: &mut PgConnection,
    team: TeamId,
    captain: UserId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.teams SET captain_id = $2 WHERE id = $1",
        team.0,
        captain.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whoever has been in the team for longest takes over.
pub async fn replace_captain(conn: &mut PgConnection, team: TeamId) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.teams t SET captain_id = m.user_id
         FROM (SELECT user_id FROM registration.memberships
               WHERE team_id = $1 ORDER BY joined_at, user_id LIMIT 1) m
         WHERE t.id = $1",
        team.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn rename(conn: &mut PgConnection, team: TeamId, name: &str) -> Result<(), Error> {
    let renamed = sqlx::query!(
        "UPDATE registration.teams SET name = $2 WHERE id = $1",
        team.0,
        name
    );
    match renamed.execute(conn).await {
        Ok(_) => Ok(()),
        Err(error) if violates(&error, "teams_name_unique") => Err(Error::TeamNameTaken),
        Err(error) => Err(error.into()),
    }
}

/// Whether it ever created a submission, whatever became of it.
pub async fn has_submitted(db: impl PgExecutor<'_>, team: TeamId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM submission.handed_in WHERE team_id = $1) AS "has!""#,
        team.0
    )
    .fetch_one(db)
    .await
}

/// Its name is free again and its links lead nowhere.
pub async fn dissolve(
    conn: &mut PgConnection,
    team: TeamId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.teams SET dissolved_at = $2 WHERE id = $1",
        team.0,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE registration.invitations SET revoked_at = $2
         WHERE team_id = $1 AND used_by IS NULL AND revoked_at IS NULL",
        team.0,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE registration.participations SET state = 'withdrawn', decided_at = $2
         WHERE team_id = $1 AND state IN ('requested', 'approved')",
        team.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn unlock(
    conn: &mut PgConnection,
    team: TeamId,
    until: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.teams SET unlocked_until = $2 WHERE id = $1",
        team.0,
        until
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn count_members(db: impl PgExecutor<'_>, team: TeamId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "members!" FROM registration.memberships WHERE team_id = $1"#,
        team.0
    )
    .fetch_one(db)
    .await
}

/// `emails` is for organizers.
pub async fn members(db: &PgPool, team: TeamId, emails: bool) -> sqlx::Result<Vec<MemberView>> {
    sqlx::query_as!(
        MemberView,
        r#"
        SELECT u.id, u.name, u.affiliation, u.id = t.captain_id AS "is_captain!", m.joined_at,
               CASE WHEN $2 THEN u.email END AS email,
               NOT EXISTS (
                   SELECT FROM (SELECT a.version FROM tracks.agreement_texts a
                                WHERE a.challenge_id = t.challenge_id
                                ORDER BY a.created_at DESC, a.version DESC LIMIT 1) newest
                   WHERE NOT EXISTS (
                       SELECT FROM registration.agreements s
                       WHERE s.user_id = u.id AND s.challenge_id = t.challenge_id
                         AND s.version = newest.version)) AS "has_signed!"
        FROM registration.memberships m
        JOIN registration.users u ON u.id = m.user_id
        JOIN registration.teams t ON t.id = m.team_id
        WHERE m.team_id = $1
        ORDER BY m.joined_at, u.id
        "#,
        team.0,
        emails,
    )
    .fetch_all(db)
    .await
}

pub async fn find(db: &PgPool, id: TeamId) -> Result<TeamView, Error> {
    list(db, &[id]).await?.pop().ok_or(Error::NotFound("team"))
}

/// In the order in which they were made.
pub async fn list(db: &PgPool, ids: &[TeamId]) -> Result<Vec<TeamView>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut places = places(db, &ids).await?;
    let teams = sqlx::query!(
        "SELECT t.id, t.name, t.challenge_id, t.captain_id, t.created_at, c.slug
         FROM registration.teams t JOIN tracks.challenges c ON c.id = t.challenge_id
         WHERE t.id = ANY($1) ORDER BY t.id",
        &ids
    );
    let teams = teams.fetch_all(db).await?.into_iter().map(|team| TeamView {
        id: team.id.into(),
        name: team.name,
        challenge_id: team.challenge_id.into(),
        challenge: team.slug,
        captain_id: team.captain_id.into(),
        created_at: team.created_at,
        participations: places.remove(&team.id).unwrap_or_default(),
    });
    Ok(teams.collect())
}

async fn places(db: &PgPool, teams: &[Uuid]) -> Result<HashMap<Uuid, Vec<PlaceView>>, Error> {
    let rows = sqlx::query!(
        "SELECT p.id, p.team_id, p.track_id, p.state, p.reason, t.slug
         FROM registration.participations p JOIN tracks.tracks t ON t.id = p.track_id
         WHERE p.team_id = ANY($1) ORDER BY t.position, t.id",
        teams
    );
    let mut places: HashMap<Uuid, Vec<PlaceView>> = HashMap::new();
    for row in rows.fetch_all(db).await? {
        places.entry(row.team_id).or_default().push(PlaceView {
            id: row.id.into(),
            track: row.slug,
            track_id: row.track_id.into(),
            state: row.state.parse()?,
            reason: row.reason,
        });
    }
    Ok(places)
}
