//! From scores per case to the figures that callers see.

mod bad_input;
mod drawn;
mod seen;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
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
use crate::{fold, routes, statistics};

const CASES: [&str; 5] = ["Case_01", "Case_02", "Case_03", "Case_04", "Case_05"];
const PAGE: &str = "/boards/sts/teeth/validation/figures";

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

/// An evaluation with these values, one for each case.
async fn entry(db: &PgPool, challenge: &Challenge, team: &Team, values: &[Value]) {
    let submission = SubmissionBuilder::new(challenge, team).insert(db).await;
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

async fn draw(db: &PgPool, at: DateTime<Utc>) {
    let role = as_role(db, Role::Leaderboard).await;
    statistics::all(&role, &MockClock::at(at), 100)
        .await
        .unwrap();
    make::all(&role, at).await.unwrap();
}

/// The versions that are drawn.
async fn versions(db: &PgPool) -> Vec<i32> {
    sqlx::query_scalar!("SELECT version FROM leaderboard.drawings ORDER BY version")
        .fetch_all(db)
        .await
        .unwrap()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

async fn ask(
    db: &PgPool,
    path: &str,
    person: Option<&testing::Person>,
    known: Option<&str>,
) -> Answer {
    let role = as_role(db, Role::Leaderboard).await;
    let kit = testing::kit(Role::Leaderboard, role, MockClock::at(noon()));
    let app = testing::app(kit, routes(), |_| {}).await;
    let mut request = TestRequest::get().uri(path);
    if let Some(person) = person {
        request = request.insert_header(person.bearer());
    }
    if let Some(tag) = known {
        request = request.insert_header(("if-none-match", tag));
    }
    let response = call_service(&app, request.to_request()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read_body(response).await;
    Answer {
        status,
        headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn get(db: &PgPool, path: &str, person: Option<&testing::Person>) -> (StatusCode, String) {
    let answer = ask(db, path, person, None).await;
    (answer.status, answer.body)
}

fn list_path(phase: PhaseId) -> String {
    format!("/api/v1/boards/{phase}/figures")
}

fn file_path(phase: PhaseId, name: &str) -> String {
    format!("/api/v1/boards/{phase}/figures/{name}.svg")
}

/// As anybody is told.
async fn list(db: &PgPool, phase: PhaseId) -> Value {
    let (status, body) = get(db, &list_path(phase), None).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    let figures = list["figures"].as_array().unwrap().iter();
    figures
        .map(|figure| figure["name"].as_str().unwrap())
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
