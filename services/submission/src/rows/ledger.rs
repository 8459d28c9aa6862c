//! `submission.quota_ledger`: append only.

use chrono::{DateTime, NaiveDate, Utc};
use molar_domain::quota::Used;
use molar_domain::{FailureCode, Fault};
use sqlx::PgExecutor;
use uuid::Uuid;

pub async fn reserve(
    db: impl PgExecutor<'_>,
    submission: Uuid,
    (phase, team): (Uuid, Uuid),
    day: NaiveDate,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO submission.quota_ledger (submission_id, entry, phase_id, team_id, day, created_at)
         VALUES ($1, 'reserved', $2, $3, $4, $5)",
        submission,
        phase,
        team,
        day,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Settles a reservation: `spent` or `returned`, once. A second one changes nothing.
pub async fn settle(
    db: impl PgExecutor<'_>,
    submission: Uuid,
    entry: &str,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO submission.quota_ledger (submission_id, entry, phase_id, team_id, day, reason, created_at)
         SELECT submission_id, $2, phase_id, team_id, day, $3, $4
         FROM submission.quota_ledger WHERE submission_id = $1 AND entry = 'reserved'
         ON CONFLICT DO NOTHING",
        submission,
        entry,
        reason,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What a team used of its quota in a phase, but for what is in work at the moment. What was given back
/// through our own fault counts nowhere.
pub async fn used(
    db: impl PgExecutor<'_>,
    (phase, team): (Uuid, Uuid),
    day: NaiveDate,
) -> sqlx::Result<Used> {
    let ours: Vec<String> = FailureCode::ALL
        .iter()
        .filter(|code| code.fault() == Fault::Ours)
        .map(|code| code.as_str().to_owned())
        .collect();
    let row = sqlx::query!(
        r#"
        WITH lines AS (
            SELECT r.day, s.submission_id IS NOT NULL AS is_returned, s.reason = ANY($4) AS is_ours
            FROM submission.quota_ledger r
            LEFT JOIN submission.quota_ledger s ON s.submission_id = r.submission_id AND s.entry = 'returned'
            WHERE r.phase_id = $1 AND r.team_id = $2 AND r.entry = 'reserved'
        )
        SELECT count(*) FILTER (WHERE NOT is_returned) AS "total!",
               count(*) FILTER (WHERE NOT is_returned AND day = $3) AS "today!",
               count(*) FILTER (WHERE is_returned AND is_ours IS NOT TRUE AND day = $3) AS "returned_today!"
        FROM lines
        "#,
        phase,
        team,
        day,
        &ours,
    )
    .fetch_one(db)
    .await?;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(Used {
        today: count(row.today),
        total: count(row.total),
        concurrent: 0,
        returned_today: count(row.returned_today),
    })
}

/// A reservation, and what became of it.
pub struct Line {
    pub submission_id: Uuid,
    pub day: NaiveDate,
    pub created_at: DateTime<Utc>,
    /// `spent` or `returned`.
    pub settled: Option<String>,
    pub reason: Option<String>,
}

/// What a team reserved in a phase, newest first.
pub async fn lines(
    db: impl PgExecutor<'_>,
    (phase, team): (Uuid, Uuid),
    limit: i64,
) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as!(
        Line,
        r#"
        SELECT r.submission_id, r.day, r.created_at, s.entry AS "settled?", s.reason AS "reason?"
        FROM submission.quota_ledger r
        LEFT JOIN submission.quota_ledger s ON s.submission_id = r.submission_id AND s.entry <> 'reserved'
        WHERE r.phase_id = $1 AND r.team_id = $2 AND r.entry = 'reserved'
        ORDER BY r.submission_id DESC LIMIT $3
        "#,
        phase,
        team,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Phases in which the teams reserved something since then, with the team.
pub async fn places(
    db: impl PgExecutor<'_>,
    teams: &[Uuid],
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<(Uuid, Uuid)>> {
    let rows = sqlx::query!(
        "SELECT DISTINCT phase_id, team_id FROM submission.quota_ledger
         WHERE team_id = ANY($1) AND created_at > $2 ORDER BY phase_id, team_id LIMIT 10",
        teams,
        since,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.phase_id, row.team_id))
        .collect())
}

/// Reservations that nothing settled yet, of those made since. Of the two halves of what is looked at one is always
/// empty, so that either has a plan of its own: for the narrow one, an index.
pub async fn unsettled(
    db: impl PgExecutor<'_>,
    since: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"WITH looked_at AS (
               SELECT submission_id FROM submission.quota_ledger WHERE entry = 'reserved' AND $1::timestamptz IS NULL
               UNION ALL
               SELECT submission_id FROM submission.quota_ledger WHERE entry = 'reserved' AND created_at > $1)
           SELECT r.submission_id AS "id!" FROM looked_at r
           WHERE NOT EXISTS (SELECT FROM submission.quota_ledger s
                             WHERE s.submission_id = r.submission_id AND s.entry <> 'reserved')"#,
        since,
    )
    .fetch_all(db)
    .await
}
