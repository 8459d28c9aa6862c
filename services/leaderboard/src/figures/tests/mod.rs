//! From scores per case to the figures that callers see.

mod bad_input;
mod digits;
mod drawn;
mod pictured;
mod seen;

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use molar_service::Role;
use molar_testkit::{
    ChallengeBuilder, EvaluationBuilder, MockClock, PhaseBuilder, SubmissionBuilder, TeamBuilder,
    as_role, noon,
};
use molar_web_kit::testing;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::make;
use crate::patience::Patience;
use crate::statistics;
use crate::testing::{CASES, ask, challenge, entry, fold, get, ia, later, set, team};

const PAGE: &str = "/boards/sts/teeth/validation/figures";

async fn draw(db: &PgPool, at: DateTime<Utc>) {
    let role = as_role(db, Role::Leaderboard).await;
    statistics::all(&role, &MockClock::at(at), 100, &Patience::default())
        .await
        .unwrap();
    make::all(&role, at, &Patience::default()).await.unwrap();
}

/// The versions that are drawn.
async fn versions(db: &PgPool) -> Vec<i32> {
    sqlx::query_scalar!("SELECT version FROM leaderboard.drawings ORDER BY version")
        .fetch_all(db)
        .await
        .unwrap()
}

fn list_path(phase: PhaseId) -> String {
    format!("/api/v1/boards/{phase}/figures")
}

fn file_path(phase: PhaseId, name: &str) -> String {
    format!("/api/v1/boards/{phase}/figures/{name}.svg")
}

fn picture_path(phase: PhaseId, name: &str) -> String {
    format!("/api/v1/boards/{phase}/figures/{name}.png")
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
