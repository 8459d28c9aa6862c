//! From scores per case to what callers are told of them.

mod bad_input;
mod computed;
mod made;
mod seen;

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, read_body};
use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::PhaseId;
use molar_service::Role;
use molar_testkit::{
    Challenge, ChallengeBuilder, EvaluationBuilder, MockClock, PhaseBuilder, SubmissionBuilder,
    Team, TeamBuilder, as_role, noon,
};
use molar_web_kit::testing;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::make;
use crate::{fold, routes};

const CASES: [&str; 5] = ["Case_01", "Case_02", "Case_03", "Case_04", "Case_05"];
/// Enough that every rank that is likely occurs.
const DRAWS: u32 = 200;

async fn challenge(db: &PgPool, metrics: &[&str]) -> Challenge {
    let phase = PhaseBuilder::new("validation").metrics(metrics);
    let builder = ChallengeBuilder::new("sts").cases(&CASES).phase(phase);
    builder.insert(db).await
}

async fn team(db: &PgPool, challenge: &Challenge, name: &str, values: &[Value]) -> Team {
    let team = TeamBuilder::new(challenge, name).insert(db).await;
    entry(db, challenge, &team, values).await;
    team
}

async fn entry(db: &PgPool, challenge: &Challenge, team: &Team, values: &[Value]) {
    entry_at(db, challenge, team, 0, values).await;
}

/// An evaluation with these values, one for each case, of what was handed in so many minutes past noon.
async fn entry_at(db: &PgPool, challenge: &Challenge, team: &Team, minutes: i64, values: &[Value]) {
    let submission = SubmissionBuilder::new(challenge, team);
    let submission = submission.created_at(later(60 * minutes)).insert(db).await;
    let first = values.first().cloned().unwrap_or_else(|| json!({}));
    let evaluation = EvaluationBuilder::new(challenge, &submission, first);
    let evaluation = evaluation.insert(db).await;
    for (case, values) in challenge.cases.iter().zip(values) {
        sqlx::query!(
            "UPDATE scoring.case_scores SET values = $3 WHERE evaluation_id = $1 AND case_id = $2",
            evaluation.id.0,
            case.id.0,
            values,
        )
        .execute(db)
        .await
        .unwrap();
    }
}

fn ia(values: [f64; 5]) -> Vec<Value> {
    values.iter().map(|value| json!({"IA": value})).collect()
}

async fn fold(db: &PgPool, phase: PhaseId, at: DateTime<Utc>) -> bool {
    let role = as_role(db, Role::Leaderboard).await;
    fold::one(&role, phase, at).await.unwrap()
}

async fn make(db: &PgPool, at: DateTime<Utc>) {
    let role = as_role(db, Role::Leaderboard).await;
    let clock = MockClock::at(at);
    make::all(&role, &clock, DRAWS).await.unwrap();
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
    let role = as_role(db, Role::Leaderboard).await;
    let kit = testing::kit(Role::Leaderboard, role, MockClock::at(noon()));
    let app = testing::app(kit, routes(), |_| {}).await;
    let path = format!("/api/v1/boards/{phase}/statistics");
    let mut request = TestRequest::get().uri(&path);
    if let Some(person) = person {
        request = request.insert_header(person.bearer());
    }
    let response = call_service(&app, request.to_request()).await;
    let status = response.status();
    let body = read_body(response).await;
    (status, String::from_utf8(body.to_vec()).unwrap())
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

fn later(seconds: i64) -> DateTime<Utc> {
    noon() + TimeDelta::seconds(seconds)
}

async fn set(db: &PgPool, columns: &str) {
    let statement = format!("UPDATE tracks.phases SET {columns}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(db)
        .await
        .unwrap();
}
