//! `leaderboard.rankings` and `leaderboard.entries`: append-only.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::entries::Candidate;

pub struct New<'a> {
    pub id: Uuid,
    pub phase_id: PhaseId,
    pub version: i32,
    pub inputs_hash: String,
    pub left_out: &'a [String],
    pub machines: &'a [String],
    pub now: DateTime<Utc>,
}

pub struct Last {
    pub version: i32,
    pub inputs_hash: String,
    pub created_at: DateTime<Utc>,
}

/// Held to the end of the transaction.
pub async fn lock(tx: &mut PgConnection, phase_id: PhaseId) -> sqlx::Result<()> {
    sqlx::query_scalar!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended('ranking:' || $1::text, 0))::text"#,
        phase_id.to_string(),
    )
    .fetch_one(tx)
    .await?;
    Ok(())
}

pub async fn last(tx: &mut PgConnection, phase_id: PhaseId) -> sqlx::Result<Option<Last>> {
    sqlx::query_as!(
        Last,
        "SELECT version, inputs_hash, created_at FROM leaderboard.rankings WHERE phase_id = $1 ORDER BY version DESC LIMIT 1",
        phase_id.0,
    )
    .fetch_optional(tx)
    .await
}

/// The channel on which a new ranking is told.
pub const NOTIFIED: &str = "rankings";

pub async fn insert(tx: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO leaderboard.rankings (id, phase_id, version, inputs_hash, left_out, created_at, machines)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new.id,
        new.phase_id.0,
        new.version,
        new.inputs_hash,
        new.left_out,
        new.now,
        new.machines,
    )
    .execute(&mut *tx)
    .await?;
    // Sent at commit: whichever process serves a board hears of it.
    sqlx::query!("SELECT pg_notify($1, '')", NOTIFIED)
        .execute(tx)
        .await?;
    Ok(())
}

/// All entries of a ranking at once, each with its place in the table; none where it is out of competition.
pub async fn insert_entries(
    tx: &mut PgConnection,
    ranking_id: Uuid,
    metrics: &[String],
    rows: &[(&Candidate, Option<&molar_ranking::Row<usize>>)],
) -> sqlx::Result<()> {
    let ranks = |row: Option<&molar_ranking::Row<usize>>| {
        let ranks: BTreeMap<&String, Option<u32>> = row
            .map(|row| metrics.iter().zip(row.ranks.iter().copied()).collect())
            .unwrap_or_default();
        json!(ranks)
    };
    let each = || rows.iter().copied();
    let teams: Vec<Uuid> = each().map(|(entry, _)| entry.team.0).collect();
    let submissions: Vec<Uuid> = each().map(|(entry, _)| entry.submission.0).collect();
    let evaluations: Vec<Uuid> = each().map(|(entry, _)| entry.evaluation.0).collect();
    let values: Vec<Value> = each().map(|(entry, _)| json!(entry.means)).collect();
    let ranks: Vec<Value> = each().map(|(_, row)| ranks(row)).collect();
    let mean_ranks: Vec<Option<f64>> = each().map(|(_, row)| Some(row?.mean_rank)).collect();
    let final_ranks: Vec<Option<i32>> = each()
        .map(|(_, row)| Some(row?.final_rank as i32))
        .collect();
    let reasons: Vec<Option<String>> = each().map(|(entry, _)| entry.out_reason.clone()).collect();
    let cases: Vec<i32> = each().map(|(entry, _)| entry.cases as i32).collect();
    let failed: Vec<i32> = each().map(|(entry, _)| entry.failed_cases as i32).collect();
    let counts: Vec<i32> = each().map(|(entry, _)| entry.submissions).collect();
    let submitted: Vec<DateTime<Utc>> = each().map(|(entry, _)| entry.submitted_at).collect();
    sqlx::query!(
        "INSERT INTO leaderboard.entries
             (ranking_id, team_id, submission_id, evaluation_id, values, ranks, mean_rank, final_rank,
              is_eligible, out_reason, cases, failed_cases, submitted_at, submissions)
         SELECT $1, team, submission, evaluation, value, rank, mean_rank, final_rank,
                out_reason IS NULL, out_reason, cases, failed, submitted, submissions
         FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::jsonb[], $6::jsonb[], $7::float8[], $8::int[],
                     $9::text[], $10::int[], $11::int[], $12::timestamptz[], $13::int[])
             AS one (team, submission, evaluation, value, rank, mean_rank, final_rank, out_reason, cases, failed,
                     submitted, submissions)",
        ranking_id,
        &teams,
        &submissions,
        &evaluations,
        &values,
        &ranks,
        &mean_ranks as &[Option<f64>],
        &final_ranks as &[Option<i32>],
        &reasons as &[Option<String>],
        &cases,
        &failed,
        &submitted,
        &counts,
    )
    .execute(tx)
    .await?;
    Ok(())
}

#[derive(Debug, Clone)]
pub struct Ranking {
    pub id: Uuid,
    pub version: i32,
    pub left_out: Vec<String>,
    pub machines: Vec<String>,
    pub created_at: DateTime<Utc>,
}

/// The newest version, or the one that was the newest at a moment.
pub async fn at(
    db: impl PgExecutor<'_>,
    phase_id: PhaseId,
    moment: Option<DateTime<Utc>>,
) -> sqlx::Result<Option<Ranking>> {
    sqlx::query_as!(
        Ranking,
        "SELECT id, version, left_out, machines, created_at FROM leaderboard.rankings
         WHERE phase_id = $1 AND ($2::timestamptz IS NULL OR created_at <= $2)
         ORDER BY created_at DESC, version DESC LIMIT 1",
        phase_id.0,
        moment,
    )
    .fetch_optional(db)
    .await
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub team_id: Uuid,
    pub team_name: String,
    pub submission_id: Uuid,
    pub values: Value,
    pub ranks: Value,
    pub mean_rank: Option<f64>,
    pub final_rank: Option<i32>,
    pub out_reason: Option<String>,
    pub cases: i32,
    pub failed_cases: i32,
    pub submitted_at: DateTime<Utc>,
    pub submissions: Option<i32>,
    pub code_url: Option<String>,
    pub spreads: Option<Value>,
    /// Whether the team has its place in the track today.
    pub has_place: bool,
}

/// All of a ranking, in no order.
pub async fn entries(db: impl PgExecutor<'_>, ranking_id: Uuid) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as!(
        Entry,
        r#"SELECT e.team_id, p.team_name AS "team_name!", e.submission_id, e.values, e.ranks, e.mean_rank,
                  e.final_rank, e.out_reason, e.cases, e.failed_cases, e.submitted_at, e.submissions, s.code_url,
                  m.spreads AS "spreads?", p.state = 'approved' AS "has_place!"
           FROM leaderboard.entries e
           JOIN leaderboard.rankings r ON r.id = e.ranking_id
           JOIN tracks.phase_facts f ON f.phase_id = r.phase_id
           JOIN registration.participants p ON p.team_id = e.team_id AND p.track_id = f.track_id
           LEFT JOIN submission.accepted s ON s.submission_id = e.submission_id
           LEFT JOIN leaderboard.means m ON m.evaluation_id = e.evaluation_id
           WHERE e.ranking_id = $1"#,
        ranking_id,
    )
    .fetch_all(db)
    .await
}

/// Of a ranking, each team's rank; none out of competition.
pub async fn places(
    db: impl PgExecutor<'_>,
    ranking_id: Uuid,
) -> sqlx::Result<BTreeMap<Uuid, Option<i32>>> {
    let rows = sqlx::query!(
        "SELECT team_id, final_rank FROM leaderboard.entries WHERE ranking_id = $1",
        ranking_id,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.team_id, row.final_rank))
        .collect())
}

#[derive(Debug, Clone)]
pub struct Baseline {
    pub name: String,
    pub note: Option<String>,
    pub values: Value,
}

pub async fn baselines(db: impl PgExecutor<'_>, phase_id: PhaseId) -> sqlx::Result<Vec<Baseline>> {
    sqlx::query_as!(
        Baseline,
        "SELECT name, note, values FROM tracks.baselines WHERE phase_id = $1 ORDER BY position, name",
        phase_id.0,
    )
    .fetch_all(db)
    .await
}
