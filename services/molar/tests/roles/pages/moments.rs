//! Pages at moments that do not last, or that no other page of the world is in.

use chrono::SecondsFormat;
use molar_domain::attempt::AttemptState;
use molar_domain::case_run::CaseRunState;
use molar_domain::upload::UploadState;
use molar_testkit::{
    AttemptBuilder, Challenge, ChallengeBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder,
};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::furnish::{hand_in, until_shown};
use super::{Visit, session};
use crate::system::System;
use crate::world::{Kind, World};

const TEAMS: [(&str, f64); 2] = [("Molar Ridge", 0.93), ("Even Arch", 0.91)];

/// What becomes of a board on which two compete, and what its page says then.
const MODES: [(&str, &str, &str); 6] = [
    ("frozen", "freezes_at = now()", "This board stands still"),
    (
        "hidden",
        "board = '{\"is_hidden\": true}'",
        "class=\"empty\"",
    ),
    (
        "anonymous",
        // Before, it is that of the day's beginning, on which nobody stood.
        "board = '{\"names\": \"anonymous\"}', published_at = now()",
        "<bdi>Team ",
    ),
    (
        "rounded",
        "board = '{\"values\": \"rounded\", \"decimals\": 2}'",
        "rounds values to 2 decimals",
    ),
    (
        "order",
        "board = '{\"values\": \"order\"}'",
        "shows ranks and no values",
    ),
    (
        "ladder",
        "board = '{\"ladder_step\": 0.01}', keep = 'best', keep_metric = 'IA'",
        "(a Ladder)",
    ),
];

const HIDDEN: &str = "shown when the organizers publish it";

/// Boards with nobody, with nobody to see, with nobody beside the first: what each of their pages says.
const SPARSE: [(&str, &str, &str); 10] = [
    ("empty", "", "Nobody is on this board yet"),
    ("empty", "/figures", "Its figures come with the first"),
    ("empty", "/compare", "there is nothing to compare"),
    ("empty", "/report", "Nobody is on this board yet"),
    ("hidden", "/figures", HIDDEN),
    ("hidden", "/compare", HIDDEN),
    ("hidden", "/report", HIDDEN),
    ("one", "/compare", "It takes two to compare"),
    ("one", "/report", "Molar Ridge"),
    // Last, since they are drawn within seconds.
    ("one", "/figures", "<svg"),
];

/// Each says what it is.
pub async fn all(owner: &PgPool, system: &System, world: &World, finalist: Uuid) -> Vec<Visit> {
    let mut visits = boards(owner, system).await;
    visits.extend(asked(owner, system, world).await);
    visits.extend(submissions(owner, system, world).await);
    let certificate = format!("/finalists/{finalist}/certificates/1");
    let certificate = system.url("tracks", &certificate);
    let organizer = session(world, Kind::Organizer);
    visits.push(visit("certificate", certificate, organizer, "place</strong>").await);
    visits
}

async fn boards(owner: &PgPool, system: &System) -> Vec<Visit> {
    // All are there before one is waited for: the role takes them in one round.
    challenge(owner, "empty").await;
    let one = challenge(owner, "one").await;
    compete(owner, &one, &TEAMS[..1]).await;
    let mut phases = Vec::new();
    for (name, ..) in MODES {
        let challenge = challenge(owner, name).await;
        compete(owner, &challenge, &TEAMS).await;
        phases.push(challenge.phase_id);
    }
    let mut visits = Vec::new();
    for (phase, (name, change, says)) in phases.into_iter().zip(MODES) {
        let url = board(system, name, "");
        until_shown(&url, None, "Even Arch").await;
        run(
            owner,
            format!("UPDATE tracks.phases SET {change} WHERE id = '{phase}'"),
        )
        .await;
        visits.push(visit(&format!("board-{name}"), url, None, says).await);
    }
    for (name, page, says) in SPARSE {
        let url = board(system, name, page);
        let page = page.strip_prefix('/').unwrap_or("board");
        visits.push(visit(&format!("{page}-{name}"), url, None, says).await);
    }
    visits
}

fn board(system: &System, name: &str, page: &str) -> String {
    let path = format!("/boards/board-{name}/teeth/validation{page}");
    system.url("leaderboard", &path)
}

async fn challenge(owner: &PgPool, name: &str) -> Challenge {
    let at = |text: &str| text.parse().unwrap();
    let phase = PhaseBuilder::new("validation")
        .window(at("2020-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z"));
    let challenge = ChallengeBuilder::new(&format!("board-{name}")).phase(phase);
    challenge.insert(owner).await
}

async fn compete(owner: &PgPool, challenge: &Challenge, teams: &[(&str, f64)]) {
    for (place, (name, overlap)) in teams.iter().enumerate() {
        let team = TeamBuilder::new(challenge, name).insert(owner).await;
        hand_in(owner, challenge, &team, place, *overlap, overlap / 2.0).await;
    }
}

/// The furnished board as its address asks for it: at a moment that is over, and over a baseline.
async fn asked(owner: &PgPool, system: &System, world: &World) -> Vec<Visit> {
    let page = format!("/boards/{}/teeth/validation", world.challenge.slug);
    let url = system.url("leaderboard", &page);
    // It is furnished, so a ranking stood by now.
    let now = molar_service::db::now(owner).await.unwrap();
    let past = now.to_rfc3339_opts(SecondsFormat::Micros, true);
    let past = format!("{url}?at={past}");
    let gains = format!("{url}?baseline=Plain%20U-Net");
    vec![
        visit("board-past", past, None, "As it stood on").await,
        visit("board-gains", gains, None, " pp<").await,
    ]
}

async fn submissions(owner: &PgPool, system: &System, world: &World) -> Vec<Visit> {
    let challenge = &world.challenge;
    // Cancelled until they are whole: the processes would make what is missing.
    let container = || {
        let submission = SubmissionBuilder::new(challenge, &world.team);
        submission.container().cancelled()
    };
    let running = container().insert(owner).await;
    // Finished until then, too: one that runs of what is cancelled is ended.
    let attempt = AttemptBuilder::new(challenge, &running).state(AttemptState::Finished);
    let attempt = attempt.case_runs(CaseRunState::Waiting);
    attempt.insert(owner).await;
    let failed = container().settled("returned").insert(owner).await;
    let attempt = AttemptBuilder::new(challenge, &failed);
    let attempt = attempt.failed(molar_domain::FailureCode::CanaryFailed);
    attempt.insert(owner).await;
    let refused = SubmissionBuilder::new(challenge, &world.team).state(UploadState::Refused);
    let refused = refused.settled("returned").insert(owner).await;
    run(
        owner,
        format!(
            "UPDATE submission.submissions SET cancelled_at = NULL, cancelled_by = NULL WHERE id IN ('{0}', '{1}');
             UPDATE execution.attempts SET state = 'running', finished_at = NULL WHERE submission_id = '{0}'",
            running.id, failed.id
        ),
    )
    .await;
    let mut visits = Vec::new();
    for (name, id) in [
        ("running", running.id),
        ("failed", failed.id),
        ("refused", refused.id),
    ] {
        let url = system.url("submission", &format!("/submissions/{}", Uuid::from(id)));
        let says = format!("badge-{name}");
        let captain = session(world, Kind::Captain);
        visits.push(visit(&format!("submission-{name}"), url, captain, &says).await);
    }
    visits
}

async fn visit(name: &str, url: String, session: Option<String>, says: &str) -> Visit {
    until_shown(&url, session.as_deref(), says).await;
    Visit {
        name: format!("moment-{name}"),
        url,
        session,
        is_first: true,
    }
}

async fn run(owner: &PgPool, statement: String) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(owner).await;
    done.unwrap();
}
