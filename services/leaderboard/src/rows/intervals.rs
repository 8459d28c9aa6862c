//! `leaderboard.statistics`, of which a board shows the intervals.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Interval {
    pub from: f64,
    pub to: f64,
}

pub type OfTeams = BTreeMap<Uuid, Interval>;

pub struct Intervals {
    /// Of the ranking that they are about.
    pub version: i32,
    pub computed_at: DateTime<Utc>,
    pub of_teams: Json<OfTeams>,
}

/// Of the newest statistics that are of no newer version than this.
pub async fn newest(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
) -> sqlx::Result<Option<Intervals>> {
    sqlx::query_as!(
        Intervals,
        r#"SELECT version, computed_at, intervals AS "of_teams: Json<OfTeams>" FROM leaderboard.statistics
           WHERE phase_id = $1 AND version <= $2
           ORDER BY version DESC LIMIT 1"#,
        phase.0,
        version,
    )
    .fetch_optional(db)
    .await
}
