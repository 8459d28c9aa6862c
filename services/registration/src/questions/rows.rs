use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, TeamId, UserId, ids};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::Error;
use crate::participations::rows::Sight;

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct QuestionView {
    pub id: Uuid,
    #[schema(value_type = Uuid)]
    pub challenge_id: ChallengeId,
    /// The challenge's slug.
    pub challenge: String,
    pub submission_id: Option<Uuid>,
    #[schema(value_type = Option<Uuid>)]
    pub team_id: Option<TeamId>,
    pub team: Option<String>,
    pub asked_by: String,
    pub asked_at: DateTime<Utc>,
    pub text: String,
    pub answer: Option<String>,
    pub answered_at: Option<DateTime<Utc>>,
}

/// What a question is about.
pub struct About {
    pub challenge: ChallengeId,
    pub team: Option<TeamId>,
}

pub struct New<'a> {
    pub challenge: ChallengeId,
    pub submission: Option<Uuid>,
    pub team: Option<TeamId>,
    pub asked_by: UserId,
    pub text: &'a str,
}

pub async fn insert(
    conn: &mut PgConnection,
    new: &New<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<Uuid> {
    let id = ids::uuid_at(now);
    sqlx::query!(
        "INSERT INTO registration.questions
             (id, challenge_id, submission_id, team_id, asked_by, asked_at, text)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id,
        new.challenge.0,
        new.submission,
        new.team.map(Uuid::from),
        new.asked_by.0,
        now,
        new.text,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Whose a submission is.
pub async fn submission(db: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<Option<About>> {
    let found = sqlx::query!(
        r#"SELECT h.team_id AS "team_id!", f.challenge_id AS "challenge_id!"
           FROM submission.handed_in h
           JOIN tracks.phase_facts f ON f.phase_id = h.phase_id
           WHERE h.submission_id = $1"#,
        id
    );
    let found = found.fetch_optional(db).await?;
    Ok(found.map(|row| About {
        challenge: ChallengeId(row.challenge_id),
        team: Some(TeamId(row.team_id)),
    }))
}

/// The caller's team in a challenge; none where there are several, one of which is not meant.
pub async fn only_team(
    db: impl PgExecutor<'_>,
    teams: &[TeamId],
    challenge: ChallengeId,
) -> sqlx::Result<Option<TeamId>> {
    let teams: Vec<Uuid> = teams.iter().map(|team| team.0).collect();
    let own = sqlx::query_scalar!(
        "SELECT id FROM registration.teams WHERE id = ANY($1) AND challenge_id = $2",
        &teams,
        challenge.0,
    );
    let own = own.fetch_all(db).await?;
    Ok(match own[..] {
        [team] => Some(TeamId(team)),
        _ => None,
    })
}

/// How many, and when the first of them was.
pub async fn asked_since(
    db: impl PgExecutor<'_>,
    user: UserId,
    since: DateTime<Utc>,
) -> sqlx::Result<(i64, Option<DateTime<Utc>>)> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "asked!", min(asked_at) AS first
           FROM registration.questions WHERE asked_by = $1 AND asked_at > $2"#,
        user.0,
        since,
    )
    .fetch_one(db)
    .await?;
    Ok((row.asked, row.first))
}

pub async fn find(conn: &mut PgConnection, id: Uuid) -> Result<QuestionView, Error> {
    let mut found = select(conn, Some(id), None, None, 1).await?;
    found.pop().ok_or(Error::NotFound("question"))
}

/// Whose questions, and which.
pub struct Filter<'a> {
    pub user: UserId,
    pub sight: Sight,
    pub challenge: Option<&'a str>,
    pub is_answered: Option<bool>,
}

pub async fn list(
    db: impl PgExecutor<'_>,
    filter: &Filter<'_>,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<QuestionView>> {
    select(db, None, Some(filter), after, limit).await
}

async fn select(
    db: impl PgExecutor<'_>,
    id: Option<Uuid>,
    filter: Option<&Filter<'_>>,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<QuestionView>> {
    let nobody = Sight {
        teams: Vec::new(),
        challenges: Vec::new(),
        is_admin: false,
    };
    let sight = filter.map_or(&nobody, |filter| &filter.sight);
    let rows = sqlx::query!(
        r#"
        SELECT q.id, q.challenge_id, c.slug AS challenge, q.submission_id, q.team_id,
               t.name AS "team?", u.name AS asked_by, q.asked_at, q.text, q.answer, q.answered_at
        FROM registration.questions q
        JOIN tracks.challenges c ON c.id = q.challenge_id
        JOIN registration.users u ON u.id = q.asked_by
        LEFT JOIN registration.teams t ON t.id = q.team_id
        WHERE (q.id = $1
               OR $1 IS NULL AND (q.asked_by = $2 OR q.team_id = ANY($3) OR q.challenge_id = ANY($4) OR $5))
          AND ($6::text IS NULL OR c.slug = $6)
          AND ($7::boolean IS NULL OR (q.answer IS NOT NULL) = $7)
          AND ($8::uuid IS NULL OR q.id > $8)
        ORDER BY q.id LIMIT $9
        "#,
        id,
        filter.map(|filter| filter.user.0),
        &sight.teams,
        &sight.challenges,
        sight.is_admin,
        filter.and_then(|filter| filter.challenge),
        filter.and_then(|filter| filter.is_answered),
        after,
        limit,
    )
    .fetch_all(db)
    .await?;
    let views = rows.into_iter().map(|row| QuestionView {
        id: row.id,
        challenge_id: row.challenge_id.into(),
        challenge: row.challenge,
        submission_id: row.submission_id,
        team_id: row.team_id.map(TeamId),
        team: row.team,
        asked_by: row.asked_by,
        asked_at: row.asked_at,
        text: row.text,
        answer: row.answer,
        answered_at: row.answered_at,
    });
    Ok(views.collect())
}

/// Whether there was no answer before.
/// The asker, and who is in the team that it was asked for.
pub async fn readers(db: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<Vec<UserId>> {
    let ids = sqlx::query_scalar!(
        r#"SELECT q.asked_by AS "id!" FROM registration.questions q WHERE q.id = $1
           UNION
           SELECT m.user_id FROM registration.questions q
           JOIN registration.memberships m ON m.team_id = q.team_id WHERE q.id = $1"#,
        id
    );
    Ok(ids.fetch_all(db).await?.into_iter().map(UserId).collect())
}

pub async fn answer(
    conn: &mut PgConnection,
    id: Uuid,
    text: &str,
    by: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"UPDATE registration.questions q SET answer = $2, answered_by = $3, answered_at = $4
           FROM (SELECT id, answer IS NULL AS is_first FROM registration.questions
                 WHERE id = $1 FOR UPDATE) old
           WHERE q.id = old.id RETURNING old.is_first AS "is_first!""#,
        id,
        text,
        by.0,
        now,
    )
    .fetch_one(conn)
    .await
}
