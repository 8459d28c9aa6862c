//! Boards for tests: a challenge of five cases, entries with values for each, and what the role answers.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, call_service, read_body};
use actix_web::web;
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

use crate::{fold, routes};

pub const CASES: [&str; 5] = ["Case_01", "Case_02", "Case_03", "Case_04", "Case_05"];

pub async fn challenge(db: &PgPool, metrics: &[&str]) -> Challenge {
    let phase = PhaseBuilder::new("validation").metrics(metrics);
    let builder = ChallengeBuilder::new("sts").cases(&CASES).phase(phase);
    builder.insert(db).await
}

pub async fn team(db: &PgPool, challenge: &Challenge, name: &str, values: &[Value]) -> Team {
    let team = TeamBuilder::new(challenge, name).insert(db).await;
    entry(db, challenge, &team, values).await;
    team
}

pub async fn entry(db: &PgPool, challenge: &Challenge, team: &Team, values: &[Value]) {
    entry_at(db, challenge, team, 0, values).await;
}

/// An evaluation with these values, one for each case, of what was handed in so many minutes past noon.
pub async fn entry_at(
    db: &PgPool,
    challenge: &Challenge,
    team: &Team,
    minutes: i64,
    values: &[Value],
) {
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

pub fn ia(values: [f64; 5]) -> Vec<Value> {
    values.iter().map(|value| json!({"IA": value})).collect()
}

pub async fn fold(db: &PgPool, phase: PhaseId, at: DateTime<Utc>) -> bool {
    let role = as_role(db, Role::Leaderboard).await;
    fold::one(&role, phase, at).await.unwrap()
}

pub fn later(seconds: i64) -> DateTime<Utc> {
    noon() + TimeDelta::seconds(seconds)
}

/// Of every phase.
pub async fn set(db: &PgPool, columns: &str) {
    let statement = format!("UPDATE tracks.phases SET {columns}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(db)
        .await
        .unwrap();
}

/// What the role answers at noon.
pub struct Answer {
    pub status: StatusCode,
    headers: HeaderMap,
    pub body: String,
    pub bytes: web::Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// `known` is the tag of what the caller says to have.
pub async fn ask(
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
    let bytes = read_body(response).await;
    Answer {
        status,
        headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
        bytes,
    }
}

pub async fn get(
    db: &PgPool,
    path: &str,
    person: Option<&testing::Person>,
) -> (StatusCode, String) {
    let answer = ask(db, path, person, None).await;
    (answer.status, answer.body)
}
