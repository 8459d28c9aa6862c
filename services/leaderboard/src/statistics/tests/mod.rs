//! From scores per case to what callers are told of them.

mod bad_input;
mod computed;
mod made;
mod seen;

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use molar_service::Role;
use molar_testkit::{MockClock, PhaseBuilder, TeamBuilder, as_role, noon};
use molar_web_kit::testing;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::make;
use crate::patience::Patience;
use crate::testing::{self as boards, challenge, entry, entry_at, fold, ia, later, set, team};

/// Enough that every rank that is likely occurs.
const DRAWS: u32 = 200;

async fn make(db: &PgPool, at: DateTime<Utc>) {
    let role = as_role(db, Role::Leaderboard).await;
    let clock = MockClock::at(at);
    make::all(&role, &clock, DRAWS, &Patience::default())
        .await
        .unwrap();
}

/// The versions that there are statistics of.
async fn versions(db: &PgPool) -> Vec<i32> {
    sqlx::query_scalar!("SELECT version FROM leaderboard.statistics ORDER BY version")
        .fetch_all(db)
        .await
        .unwrap()
}

async fn get(
    db: &PgPool,
    phase: PhaseId,
    person: Option<&testing::Person>,
) -> (StatusCode, String) {
    boards::get(db, &format!("/api/v1/boards/{phase}/statistics"), person).await
}

/// As anybody is told.
async fn statistics(db: &PgPool, phase: PhaseId) -> Value {
    let (status, body) = get(db, phase, None).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    body["statistics"].clone()
}

fn by_team<'a>(made: &'a Value, field: &str) -> BTreeMap<&'a str, &'a Value> {
    let teams = made["teams"].as_array().unwrap().iter();
    teams
        .map(|team| (team["team"].as_str().unwrap(), &team[field]))
        .collect()
}
