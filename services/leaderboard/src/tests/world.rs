//! Challenges with entries, and what the role answers about them.

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, read_body};
use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::PhaseId;
use molar_service::Role;
use molar_testkit::{
    Challenge, ChallengeBuilder, EvaluationBuilder, MockClock, PhaseBuilder, SubmissionBuilder,
    Team, as_role, noon,
};
use molar_web_kit::testing;
use serde_json::{Value, json};
use sqlx::PgPool;

pub use crate::testing::set;
use crate::{fold, routes};

pub async fn entry(db: &PgPool, challenge: &Challenge, team: &Team, minutes: i64, ia: f64) {
    let at = noon() + TimeDelta::minutes(minutes);
    let submission = SubmissionBuilder::new(challenge, team)
        .created_at(at)
        .insert(db)
        .await;
    EvaluationBuilder::new(challenge, &submission, json!({"IA": ia}))
        .at(at)
        .insert(db)
        .await;
}

pub async fn challenge(db: &PgPool, phase: PhaseBuilder) -> Challenge {
    ChallengeBuilder::new("sts")
        .phase(phase.metrics(&["IA"]))
        .insert(db)
        .await
}

pub async fn fold(db: &PgPool, phase: PhaseId) -> bool {
    fold_at(db, phase, noon()).await
}

pub async fn fold_at(db: &PgPool, phase: PhaseId, at: DateTime<Utc>) -> bool {
    let role = as_role(db, Role::Leaderboard).await;
    fold::one(&role, phase, at).await.unwrap()
}

pub async fn get(
    db: &PgPool,
    path: &str,
    person: Option<&testing::Person>,
) -> (StatusCode, String) {
    let (status, _, body) = answer(db, path, person).await;
    (status, body)
}

/// With the headers, but for those that differ from answer to answer.
pub async fn answer(
    db: &PgPool,
    path: &str,
    person: Option<&testing::Person>,
) -> (StatusCode, String, String) {
    let role = as_role(db, Role::Leaderboard).await;
    answer_as(&role, path, person).await
}

/// Of the role's own connections.
pub async fn answer_as(
    role: &PgPool,
    path: &str,
    person: Option<&testing::Person>,
) -> (StatusCode, String, String) {
    let app = testing::app(
        testing::kit(Role::Leaderboard, role.clone(), MockClock::at(noon())),
        routes(),
        |_| {},
    )
    .await;
    let mut request = TestRequest::get().uri(path);
    if let Some(person) = person {
        request = request.insert_header(person.bearer());
    }
    let response = call_service(&app, request.to_request()).await;
    let status = response.status();
    let headers = response.headers().iter();
    let mut headers: Vec<_> = headers
        .filter(|(name, _)| !["date", "traceparent", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort();
    let body = read_body(response).await.to_vec();
    (status, headers.join("\n"), String::from_utf8(body).unwrap())
}

pub async fn board(db: &PgPool, phase: PhaseId, person: Option<&testing::Person>) -> Value {
    let (status, body) = get(db, &format!("/api/v1/boards/{phase}"), person).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

pub fn ranked(board: &Value) -> Vec<(Option<i64>, &str)> {
    let rows = board["rows"].as_array().unwrap();
    rows.iter()
        .map(|row| (row["rank"].as_i64(), row["team"].as_str().unwrap()))
        .collect()
}
