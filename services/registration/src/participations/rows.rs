use chrono::{DateTime, Utc};
use molar_domain::challenge::question::Answer;
use molar_domain::{ParticipationId, TeamId, TrackId, UserId, ids};
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use super::{AnswerView, ParticipationView, State};
use crate::Error;
use crate::error::violates;

/// A place as its changes need it. Read it under the lock of its team.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub id: ParticipationId,
    pub team_id: TeamId,
    pub track_id: TrackId,
    pub state: State,
}

pub async fn find(db: impl PgExecutor<'_>, id: ParticipationId) -> Result<Place, Error> {
    let found = sqlx::query!(
        "SELECT id, team_id, track_id, state FROM registration.participations WHERE id = $1",
        id.0
    );
    let row = found
        .fetch_optional(db)
        .await?
        .ok_or(Error::NotFound("participation"))?;
    Ok(Place {
        id: row.id.into(),
        team_id: row.team_id.into(),
        track_id: row.track_id.into(),
        state: row.state.parse()?,
    })
}

pub async fn state_of(
    db: impl PgExecutor<'_>,
    team: TeamId,
    track: TrackId,
) -> Result<Option<State>, Error> {
    let found = sqlx::query_scalar!(
        "SELECT state FROM registration.participations WHERE team_id = $1 AND track_id = $2",
        team.0,
        track.0
    );
    let found = found.fetch_optional(db).await?;
    Ok(found.map(|state| state.parse()).transpose()?)
}

/// Asks for a place, for the first time or again.
pub async fn request(
    conn: &mut PgConnection,
    team: TeamId,
    track: TrackId,
    by: UserId,
    answers: &[Answer],
    now: DateTime<Utc>,
) -> sqlx::Result<ParticipationId> {
    let id = sqlx::query_scalar!(
        "INSERT INTO registration.participations
             (id, team_id, track_id, state, requested_by, requested_at, answers)
         VALUES ($1, $2, $3, 'requested', $4, $5, $6)
         ON CONFLICT ON CONSTRAINT participations_once DO UPDATE
         SET state = 'requested', reason = NULL, requested_by = $4, requested_at = $5,
             decided_by = NULL, decided_at = NULL, answers = excluded.answers
         RETURNING id",
        ids::uuid_at(now),
        team.0,
        track.0,
        by.0,
        now,
        serde_json::json!(answers),
    )
    .fetch_one(conn)
    .await?;
    Ok(id.into())
}

/// What a step changes.
pub struct Change<'a> {
    pub to: State,
    pub reason: Option<&'a str>,
    /// Without one, what was said of eligibility before holds.
    pub out_reason: Option<&'a str>,
    pub is_public: bool,
    pub by: UserId,
}

pub async fn change(
    conn: &mut PgConnection,
    place: &Place,
    change: &Change<'_>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE registration.participations
         SET state = $3, reason = $4, out_reason = COALESCE($5, out_reason),
             is_out_of_competition = COALESCE($5, out_reason) IS NOT NULL,
             decided_by = $6, decided_at = $7, is_reason_public = $8
         WHERE id = $1 AND state = $2",
        place.id.0,
        place.state.as_str(),
        change.to.as_str(),
        change.reason,
        change.out_reason,
        change.by.0,
        now,
        change.is_public,
    )
    .execute(conn)
    .await?;
    // Under the team's lock nobody can have been faster.
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Error::NotFound("participation"))
    }
}

/// Why a team is shown, but not ranked; none: it competes.
pub async fn set_out_reason(
    conn: &mut PgConnection,
    id: ParticipationId,
    out_reason: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.participations
         SET out_reason = $2, is_out_of_competition = $2::text IS NOT NULL WHERE id = $1",
        id.0,
        out_reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Binds all members of the team to it.
pub async fn bind_members(
    conn: &mut PgConnection,
    team: TeamId,
    track: TrackId,
) -> Result<(), Error> {
    let elsewhere = sqlx::query_scalar!(
        "SELECT u.name FROM registration.track_memberships b
         JOIN registration.memberships m ON m.user_id = b.user_id
         JOIN registration.users u ON u.id = b.user_id
         WHERE m.team_id = $1 AND b.track_id = $2 AND b.team_id <> $1 ORDER BY u.name",
        team.0,
        track.0
    )
    .fetch_all(&mut *conn)
    .await?;
    if !elsewhere.is_empty() {
        return Err(Error::InAnotherTeam {
            who: are(&elsewhere),
        });
    }
    // A team that withdrew and comes back may have its people still.
    sqlx::query!(
        "DELETE FROM registration.track_memberships b USING registration.memberships m
         WHERE b.team_id = $1 AND b.track_id = $2 AND m.team_id = $1 AND m.user_id = b.user_id",
        team.0,
        track.0
    )
    .execute(&mut *conn)
    .await?;
    let bound = sqlx::query!(
        "INSERT INTO registration.track_memberships (track_id, user_id, team_id)
         SELECT $2, user_id, team_id FROM registration.memberships
         WHERE team_id = $1 ORDER BY user_id",
        team.0,
        track.0
    );
    bound
        .execute(conn)
        .await
        .map(drop)
        .map_err(|error| in_another_team(error, "a member is"))
}

/// "Ada is", "Ada, Grace are".
fn are(names: &[String]) -> String {
    format!(
        "{} {}",
        names.join(", "),
        if names.len() == 1 { "is" } else { "are" }
    )
}

/// Binds a new member to the team in every track where the team's members are. One who comes back
/// may still be bound to it.
pub async fn add_to_tracks(
    conn: &mut PgConnection,
    team: TeamId,
    user: UserId,
) -> Result<(), Error> {
    let binding: Vec<String> = State::ALL
        .iter()
        .filter(|state| state.binds_members())
        .map(|state| state.as_str().to_owned())
        .collect();
    sqlx::query!(
        "DELETE FROM registration.track_memberships WHERE team_id = $1 AND user_id = $2",
        team.0,
        user.0
    )
    .execute(&mut *conn)
    .await?;
    let bound = sqlx::query!(
        "INSERT INTO registration.track_memberships (track_id, user_id, team_id)
         SELECT track_id, $2, team_id FROM registration.participations
         WHERE team_id = $1 AND state = ANY($3) ORDER BY track_id",
        team.0,
        user.0,
        &binding
    );
    bound
        .execute(conn)
        .await
        .map(drop)
        .map_err(|error| in_another_team(error, "you are"))
}

/// The primary key is what keeps a person in one team of a track.
fn in_another_team(error: sqlx::Error, who: &str) -> Error {
    if violates(&error, "track_memberships_pkey") {
        return Error::InAnotherTeam { who: who.into() };
    }
    error.into()
}

/// Frees the team's people for another, unless it has handed something in in the track: as with whoever leaves, nobody
/// works in one team after the other.
pub async fn release_members(
    conn: &mut PgConnection,
    team: TeamId,
    track: TrackId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM registration.track_memberships
         WHERE team_id = $1 AND track_id = $2 AND NOT EXISTS (
             SELECT FROM submission.handed_in h JOIN tracks.phase_facts f ON f.phase_id = h.phase_id
             WHERE h.team_id = $1 AND f.track_id = $2)",
        team.0,
        track.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A track where a team has handed something in that stands, scored or in work, in a phase that has closed and takes no upload any more: its
/// ranks are final, so they lose nobody by what the team does itself.
#[derive(Debug, Clone)]
pub struct FinalRanks {
    pub track_id: TrackId,
    /// Track and phase, by their titles: the first that closed.
    pub phase: String,
}

/// Those of a team.
pub async fn final_ranks(
    db: impl PgExecutor<'_>,
    team: TeamId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<FinalRanks>> {
    let rows = sqlx::query!(
        r#"
        SELECT DISTINCT ON (f.track_id)
               f.track_id AS "track_id!", f.track_title AS "track!", f.phase_title AS "phase!"
        FROM submission.handed_in h
        JOIN tracks.phase_facts f ON f.phase_id = h.phase_id
        LEFT JOIN submission.accepted a ON a.submission_id = h.submission_id
        WHERE h.team_id = $1 AND NOT h.is_trial AND h.state NOT IN ('refused', 'cancelled', 'expired')
          AND a.withdrawn_at IS NULL AND a.cancelled_at IS NULL
          AND (EXISTS (SELECT FROM scoring.evaluation_facts e WHERE e.submission_id = h.submission_id AND e.state = 'finished')
               OR EXISTS (SELECT FROM submission.in_flight i WHERE i.submission_id = h.submission_id))
          AND f.closes_at + make_interval(secs => f.upload_grace_s) <= $2
        ORDER BY f.track_id, f.closes_at, f.phase_id
        "#,
        team.0,
        now,
    )
    .fetch_all(db)
    .await?;
    let ranks = rows.into_iter().map(|row| FinalRanks {
        track_id: row.track_id.into(),
        phase: format!("{}: {}", row.track, row.phase),
    });
    Ok(ranks.collect())
}

/// Whose participations a list may show.
pub struct Sight {
    pub teams: Vec<Uuid>,
    pub challenges: Vec<Uuid>,
    pub is_admin: bool,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct Filter {
    pub id: Option<ParticipationId>,
    pub track_id: Option<TrackId>,
    pub state: Option<State>,
}

pub async fn list(
    db: &PgPool,
    sight: &Sight,
    filter: &Filter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ParticipationView>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT p.id, p.team_id, t.name AS team, p.track_id, k.slug AS track, t.challenge_id,
               c.slug AS challenge, p.state, p.reason, p.is_reason_public,
               p.is_out_of_competition, p.out_reason, p.requested_at, p.decided_at,
               p.answers AS "answers: Json<Vec<Answer>>",
               (SELECT count(*) FROM registration.memberships m WHERE m.team_id = t.id) AS "members!"
        FROM registration.participations p
        JOIN registration.teams t ON t.id = p.team_id
        JOIN tracks.tracks k ON k.id = p.track_id
        JOIN tracks.challenges c ON c.id = t.challenge_id
        WHERE (p.team_id = ANY($1) OR t.challenge_id = ANY($2) OR $3)
          AND ($4::uuid IS NULL OR p.track_id = $4)
          AND ($5::text IS NULL OR p.state = $5)
          AND ($6::uuid IS NULL OR p.id > $6)
          AND ($7::uuid IS NULL OR p.id = $7)
        ORDER BY p.id LIMIT $8
        "#,
        &sight.teams,
        &sight.challenges,
        sight.is_admin,
        filter.track_id.map(Uuid::from),
        filter.state.map(State::as_str),
        after,
        filter.id.map(Uuid::from),
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ParticipationView {
                id: row.id.into(),
                team_id: row.team_id.into(),
                team: row.team,
                members: row.members,
                track_id: row.track_id.into(),
                track: row.track,
                challenge_id: row.challenge_id.into(),
                challenge: row.challenge,
                state: row.state.parse()?,
                reason: row.reason,
                is_reason_public: row.is_reason_public,
                answers: row.answers.0.into_iter().map(AnswerView::of).collect(),
                is_out_of_competition: row.is_out_of_competition,
                out_reason: row.out_reason,
                requested_at: row.requested_at,
                decided_at: row.decided_at,
            })
        })
        .collect()
}
