//! `submission.submissions`

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use molar_domain::{FailureCode, Fault};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

pub struct New<'a> {
    pub id: Uuid,
    pub phase_id: Uuid,
    pub team_id: Uuid,
    pub created_by: Uuid,
    pub kind: &'a str,
    pub is_trial: bool,
    pub note: &'a str,
    pub code_url: Option<&'a str>,
    pub licence: Option<&'a str>,
    pub created_at: DateTime<Utc>,
}

/// Two creates of one team in one phase wait for each other, so that both see what the other used.
pub async fn lock_team(conn: &mut PgConnection, phase: Uuid, team: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        format!("submissions of {team} in {phase}")
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert(db: impl PgExecutor<'_>, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO submission.submissions
             (id, phase_id, team_id, created_by, kind, note, code_url, created_at, is_trial, licence)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        new.id,
        new.phase_id,
        new.team_id,
        new.created_by,
        new.kind,
        new.note,
        new.code_url,
        new.created_at,
        new.is_trial,
        new.licence,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Trials of a team on a day of the zone, but for those that failed through our own fault.
pub async fn count_trials(
    db: impl PgExecutor<'_>,
    (phase, team): (Uuid, Uuid),
    day: NaiveDate,
    zone: Tz,
) -> sqlx::Result<u32> {
    let ours: Vec<String> = FailureCode::ALL
        .iter()
        .filter(|code| code.fault() == Fault::Ours)
        .map(|code| code.as_str().to_owned())
        .collect();
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM submission.submissions s
           WHERE s.is_trial AND s.phase_id = $1 AND s.team_id = $2
             AND (s.created_at AT TIME ZONE $3)::date = $4
             AND NOT EXISTS (SELECT FROM execution.attempt_facts a
                             WHERE a.submission_id = s.id AND a.failure = ANY($5))"#,
        phase,
        team,
        zone.name(),
        day,
        &ours,
    )
    .fetch_one(db)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Which submissions a list shows.
#[derive(Debug, Default)]
pub struct Filter<'a> {
    /// Of these teams …
    pub teams: &'a [Uuid],
    /// … or in these challenges; `None` is everywhere.
    pub challenges: Option<&'a [Uuid]>,
    pub team_id: Option<Uuid>,
    pub phase_id: Option<Uuid>,
    /// Older than this one.
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Newest first.
pub async fn list(db: impl PgExecutor<'_>, filter: &Filter<'_>) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        SELECT s.id FROM submission.submissions s
        WHERE ($1::uuid IS NULL OR s.team_id = $1) AND ($2::uuid IS NULL OR s.phase_id = $2)
          AND ($3::uuid IS NULL OR s.id < $3)
          AND (s.team_id = ANY($4) OR $5::uuid[] IS NULL OR EXISTS (
                SELECT FROM tracks.phase_facts p WHERE p.phase_id = s.phase_id AND p.challenge_id = ANY($5)))
        ORDER BY s.id DESC LIMIT $6
        "#,
        filter.team_id,
        filter.phase_id,
        filter.before,
        filter.teams,
        filter.challenges,
        filter.limit,
    )
    .fetch_all(db)
    .await
}

pub async fn team_of(db: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT team_id FROM submission.submissions WHERE id = $1",
        id
    )
    .fetch_optional(db)
    .await
}

/// Marks it cancelled, unless it is already.
pub async fn cancel(
    db: impl PgExecutor<'_>,
    id: Uuid,
    by: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE submission.submissions SET cancelled_at = $3, cancelled_by = $2
         WHERE id = $1 AND cancelled_at IS NULL",
        id,
        by,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn withdraw(db: impl PgExecutor<'_>, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE submission.submissions SET withdrawn_at = $2, is_chosen = false
         WHERE id = $1 AND withdrawn_at IS NULL",
        id,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes it the team's choice in its phase, in the place of any other.
pub async fn choose(
    conn: &mut PgConnection,
    id: Uuid,
    phase: Uuid,
    team: Uuid,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE submission.submissions SET is_chosen = false
         WHERE phase_id = $1 AND team_id = $2 AND is_chosen AND id <> $3",
        phase,
        team,
        id,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE submission.submissions SET is_chosen = true WHERE id = $1",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}
