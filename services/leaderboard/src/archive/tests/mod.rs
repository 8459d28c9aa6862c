//! From rows to the file that somebody else verifies.

mod broken;
mod editions;
mod made;
mod rocrate;
mod seen;

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, read_body};
use chrono::TimeDelta;
use molar_domain::PhaseId;
use molar_service::Role;
use molar_testkit::{
    Challenge, ChallengeBuilder, EvaluationBuilder, MockClock, PhaseBuilder, SubmissionBuilder,
    Team, TeamBuilder, as_role, noon,
};
use molar_web_kit::testing::{self, Person};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::names::CHECKSUMS;
use super::report::Report;
use super::verify::verify;
use crate::patience::Patience;
use crate::{figures, fold, routes, statistics};

const CASES: [&str; 4] = ["Anna", "Berta", "Cora", "Dora"];
const METRICS: [&str; 4] = [
    "image_DSC",
    "IA",
    "instance_DSC/upper",
    "gpu_memory_area_mib_s",
];
const CLOSED: &str = "closes_at = '2026-09-01 11:00:00Z', opens_at = '2026-08-01 11:00:00Z'";
const PUBLISHED: &str = "published_at = '2026-09-01 11:30:00Z'";

/// A phase that has ended: four teams, two of them equal, and one out of competition. One case failed; one has no upper
/// tooth; nobody's memory was measured.
struct World {
    challenge: Challenge,
    teams: Vec<Team>,
    olga: Person,
}

impl World {
    async fn new(db: &PgPool) -> Self {
        let phase = PhaseBuilder::new("final").metrics(&METRICS);
        let challenge = ChallengeBuilder::new("sts").cases(&CASES).phase(phase);
        let challenge = challenge.insert(db).await;
        let olga = testing::organizer(db, "Olga", challenge.id).await;
        let mut teams = Vec::new();
        for (name, at) in [
            ("=Walruses", 0.9),
            ("Otters", 0.7),
            ("Badgers", 0.7),
            ("Ibexes", 0.1),
        ] {
            let team = TeamBuilder::new(&challenge, name).insert(db).await;
            hand_in(db, &challenge, &team, at).await;
            teams.push(team);
        }
        let guests = TeamBuilder::new(&challenge, "Guests").out_of_competition("of the institute");
        let guests = guests.insert(db).await;
        hand_in(db, &challenge, &guests, 0.95).await;
        teams.push(guests);
        sqlx::raw_sql(
            "UPDATE scoring.case_scores SET reason = 'no-prediction' WHERE (values->>'image_DSC')::float8 = 0;
             UPDATE submission.submissions SET code_url = 'https://code.test/it', licence = 'MIT'
             WHERE team_id = (SELECT id FROM registration.teams WHERE name = 'Otters')",
        )
        .execute(db)
        .await
        .unwrap();
        set(db, CLOSED).await;
        let world = Self {
            challenge,
            teams,
            olga,
        };
        world.make(db, 0).await;
        world
    }

    /// Ranks, statistics and figures, so many minutes past noon.
    async fn make(&self, db: &PgPool, minutes: i64) {
        let role = as_role(db, Role::Leaderboard).await;
        let at = noon() + TimeDelta::minutes(minutes);
        fold::one(&role, self.challenge.phase_id, at).await.unwrap();
        statistics::all(&role, &MockClock::at(at), 100, &Patience::default())
            .await
            .unwrap();
        figures::all(&role, at, &Patience::default()).await.unwrap();
    }

    async fn archive(&self, db: &PgPool) -> Vec<u8> {
        let (status, bytes) = get(db, self.challenge.phase_id, Some(&self.olga), 0).await;
        assert_eq!(
            status,
            StatusCode::OK,
            "{}",
            String::from_utf8_lossy(&bytes)
        );
        bytes
    }
}

/// Cases between 0 and `at`, the first of them failed where that is small.
async fn hand_in(db: &PgPool, challenge: &Challenge, team: &Team, at: f64) {
    let submission = SubmissionBuilder::new(challenge, team);
    let submission = submission
        .created_at(noon() - TimeDelta::days(2))
        .insert(db)
        .await;
    let values = |case: usize| {
        let value = if case == 0 && at < 0.5 {
            0.0
        } else {
            at / (case as f64 + 0.7)
        };
        let upper = (case != 1).then_some(value * 0.3);
        json!({"image_DSC": value, "IA": 0.5 + value / 4.0, "instance_DSC/upper": upper,
               "gpu_memory_area_mib_s": null})
    };
    let evaluation = EvaluationBuilder::new(challenge, &submission, values(0));
    let evaluation = evaluation.insert(db).await;
    for (place, case) in challenge.cases.iter().enumerate() {
        sqlx::query!(
            "UPDATE scoring.case_scores SET values = $3 WHERE evaluation_id = $1 AND case_id = $2",
            evaluation.id.0,
            case.id.0,
            values(place),
        )
        .execute(db)
        .await
        .unwrap();
    }
}

async fn get(
    db: &PgPool,
    phase: PhaseId,
    person: Option<&Person>,
    days_later: i64,
) -> (StatusCode, Vec<u8>) {
    let (status, _, bytes) = answer(db, phase, person, days_later).await;
    (status, bytes)
}

/// With what the file is to be called.
async fn answer(
    db: &PgPool,
    phase: PhaseId,
    person: Option<&Person>,
    days_later: i64,
) -> (StatusCode, String, Vec<u8>) {
    let role = as_role(db, Role::Leaderboard).await;
    let now = noon() + TimeDelta::days(days_later);
    let kit = testing::kit(Role::Leaderboard, role, MockClock::at(now));
    let app = testing::app(kit, routes(), |_| {}).await;
    let path = format!("/api/v1/boards/{phase}/archive");
    let mut request = TestRequest::get().uri(&path);
    if let Some(person) = person {
        request = request.insert_header(person.bearer());
    }
    let response = call_service(&app, request.to_request()).await;
    let status = response.status();
    let name = response.headers().get("content-disposition");
    let name = name.map_or("", |name| name.to_str().unwrap()).to_owned();
    (status, name, read_body(response).await.to_vec())
}

type Files = BTreeMap<String, Vec<u8>>;

fn unzip(bytes: &[u8]) -> Files {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = Files::new();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(name, bytes);
    }
    files
}

fn zip_of(files: &Files) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// With checksums that fit: only who computes anew finds what was changed.
fn sealed(files: &Files) -> Vec<u8> {
    let mut files = files.clone();
    files.remove(CHECKSUMS);
    let line = |(name, bytes): (&String, &Vec<u8>)| {
        format!("{}  {name}\n", hex::encode(Sha256::digest(bytes)))
    };
    let lines: String = files.iter().map(line).collect();
    files.insert(CHECKSUMS.to_owned(), lines.into_bytes());
    zip_of(&files)
}

fn text<'a>(files: &'a Files, name: &str) -> &'a str {
    std::str::from_utf8(&files[name]).unwrap()
}

fn json_of(files: &Files, name: &str) -> Value {
    serde_json::from_slice(&files[name]).unwrap()
}

fn verified(bytes: &[u8]) -> Report {
    verify(Cursor::new(bytes), &|_| {}).unwrap()
}

/// The checks that differ.
fn wrong(report: &Report) -> Vec<&str> {
    let wrong = report.checks.iter().filter(|check| !check.is_equal);
    wrong.map(|check| check.what).collect()
}

async fn set(db: &PgPool, columns: &str) {
    let statement = format!("UPDATE tracks.phases SET {columns}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(db)
        .await
        .unwrap();
}
