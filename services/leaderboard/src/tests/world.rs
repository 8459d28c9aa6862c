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

use crate::kept::Boards;
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
    let answer = asked(role, None, path, person, &[]).await;
    (answer.status, answer.headers.join("\n"), answer.body)
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: Vec<String>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter();
        found.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// By a process that remembers `boards`, where there are.
pub async fn asked(
    role: &PgPool,
    boards: Option<&Boards>,
    path: &str,
    person: Option<&testing::Person>,
    headers: &[(&str, &str)],
) -> Answer {
    asked_at(role, boards, noon(), path, person, headers).await
}

pub async fn asked_at(
    role: &PgPool,
    boards: Option<&Boards>,
    now: DateTime<Utc>,
    path: &str,
    person: Option<&testing::Person>,
    headers: &[(&str, &str)],
) -> Answer {
    let app = testing::app(
        testing::kit(Role::Leaderboard, role.clone(), MockClock::at(now)),
        routes(),
        |service| {
            if let Some(boards) = boards {
                boards.configure(service);
            }
        },
    )
    .await;
    let mut request = TestRequest::get().uri(path);
    for header in headers {
        request = request.insert_header(*header);
    }
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
    let body = read_body(response).await;
    Answer {
        status,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
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
