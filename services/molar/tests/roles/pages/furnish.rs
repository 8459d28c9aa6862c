//! What makes pages worth looking at: a board with teams on it, figures that are drawn, texts that are long.

use std::time::{Duration, Instant};

use molar_testkit::{Challenge, EvaluationBuilder, SubmissionBuilder, Team, TeamBuilder, noon};
use reqwest::header::{ACCEPT, COOKIE};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::client;
use crate::system::System;
use crate::world::World;

/// As long as a team may be called, in the widest letters and without any room to break.
pub const LONGEST: &str = "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW";
/// One sign of several, letters from right to left, and a control that turns all that follows.
pub const TURNING: &str = "👩\u{200d}👩\u{200d}👧 فريق \u{202e}Zahn 🦷";

/// Names that a page must hold: long, written from right to left, with signs, without any room to break.
const TEAMS: [(&str, f64, f64); 10] = [
    (LONGEST, 0.9402, 0.8203),
    ("Molar Ridge", 0.9312, 0.8127),
    (TURNING, 0.9201, 0.8101),
    ("Even Arch", 0.9107, 0.8034),
    (
        "Universitätsklinikum, Arbeitsgruppe Bildverarbeitung, Köln",
        0.9011,
        0.7712,
    ),
    ("فريق الأسنان", 0.8854, 0.7698),
    ("牙齿分割队", 0.8421, 0.7103),
    ("🦷 Tooth & Nail <b>", 0.8420, 0.7011),
    (
        "Donaudampfschifffahrtsgesellschaftszahnbuerstenhalter",
        0.7012,
        0.6021,
    ),
    ("Guests of the house", 0.9555, 0.8888),
];

/// The roles fold and draw by themselves.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns a finalist with a long name, an author with a longer one, and an award with the longest title.
pub async fn furnish(owner: &PgPool, system: &System, world: &World) -> Uuid {
    let mut finalists = Vec::new();
    for (place, (name, overlap, identified)) in TEAMS.into_iter().enumerate() {
        let team = TeamBuilder::new(&world.challenge, name);
        let team = match name.starts_with("Guests") {
            true => team.out_of_competition("of the organizers' institute"),
            false => team,
        };
        let team = team.insert(owner).await;
        hand_in(owner, &world.challenge, &team, place, overlap, identified).await;
        if [LONGEST, TURNING].contains(&name) {
            finalists.push(team);
        }
    }
    let challenge = &world.challenge;
    let baseline = json!({"image_DSC": 0.62, "IA": 0.41});
    sqlx::query!(
        "INSERT INTO tracks.baselines (phase_id, name, position, values) VALUES ($1, 'Plain U-Net', 1, $2)",
        challenge.phase_id.0,
        baseline
    )
    .execute(owner)
    .await
    .unwrap();
    let figures = format!("/boards/{}/teeth/validation/figures", challenge.slug);
    until_shown(&system.url("leaderboard", &figures), None, "<svg").await;
    award(owner, challenge, &finalists).await
}

/// They are finalists behind our team; the first of them is returned.
async fn award(owner: &PgPool, challenge: &Challenge, teams: &[Team]) -> Uuid {
    let (phase, award) = (challenge.phase_id, Uuid::now_v7());
    let mut statements = format!(
        "INSERT INTO tracks.awards (id, phase_id, position, title) VALUES ('{award}', '{phase}', 1, repeat('W', 120));"
    );
    let mut finalists = Vec::new();
    for (team, rank) in teams.iter().zip(2..) {
        let finalist = Uuid::now_v7();
        statements += &format!(
            "INSERT INTO tracks.finalists (id, phase_id, team_id, rank, named_at)
             VALUES ('{finalist}', '{phase}', '{}', {rank}, now());
             INSERT INTO tracks.award_places (award_id, finalist_id, place) VALUES ('{award}', '{finalist}', {rank});
             INSERT INTO tracks.dossiers (finalist_id, authors, changed_by, changed_at)
             VALUES ('{finalist}', jsonb_build_array(jsonb_build_object('name', repeat('W', 100), 'affiliation', 'A lab')),
                     '{}', now());",
            team.id, team.captain,
        );
        finalists.push(finalist);
    }
    let done = sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(owner)
        .await;
    done.unwrap();
    finalists[0]
}

pub async fn hand_in(
    owner: &PgPool,
    challenge: &Challenge,
    team: &Team,
    place: usize,
    overlap: f64,
    identified: f64,
) {
    let at = noon() - chrono::TimeDelta::days(9 - i64::try_from(place).unwrap());
    let submission = SubmissionBuilder::new(challenge, team).created_at(at);
    // Cancelled until it is whole: the processes would make what is missing.
    let submission = submission.cancelled().settled("spent").insert(owner).await;
    let values = json!({"image_DSC": overlap, "IA": identified});
    EvaluationBuilder::new(challenge, &submission, values)
        .at(at)
        .insert(owner)
        .await;
    sqlx::query!(
        "UPDATE submission.submissions SET cancelled_at = NULL, cancelled_by = NULL,
                code_url = 'https://code.test/' || team_id WHERE id = $1",
        submission.id.0
    )
    .execute(owner)
    .await
    .unwrap();
}

/// Waits until the page that somebody is sent has this in it.
pub async fn until_shown(url: &str, session: Option<&str>, what: &str) {
    let begun = Instant::now();
    loop {
        let mut request = client().get(url).header(ACCEPT, "text/html");
        if let Some(session) = session {
            request = request.header(COOKIE, format!("molar_session={session}"));
        }
        let page = request.send().await.unwrap().text().await.unwrap();
        if page.contains(what) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "no {what} at {url}:\n{page}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
