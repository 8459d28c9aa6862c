//! Pages at moments that do not last, or that no other page of the world is in.

use molar_domain::attempt::AttemptState;
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

/// Each says what it is.
pub async fn all(owner: &PgPool, system: &System, world: &World) -> Vec<Visit> {
    let mut visits = boards(owner, system).await;
    visits.extend(submissions(owner, system, world).await);
    visits
}

async fn boards(owner: &PgPool, system: &System) -> Vec<Visit> {
    let mut visits = Vec::new();
    for (name, change, says) in [
        ("empty", "", "Nobody is on this board yet"),
        ("frozen", "freezes_at = now()", "This board stands still"),
        (
            "hidden",
            "board = '{\"is_hidden\": true}'",
            "class=\"empty\"",
        ),
        (
            "anonymous",
            "board = '{\"names\": \"anonymous\"}'",
            "<bdi>Team ",
        ),
    ] {
        let challenge = challenge(owner, name).await;
        let page = format!("/boards/{}/teeth/validation", challenge.slug);
        let url = system.url("leaderboard", &page);
        if name != "empty" {
            compete(owner, &challenge).await;
            until_shown(&url, None, "Even Arch").await;
        }
        if !change.is_empty() {
            let phase = challenge.phase_id;
            run(
                owner,
                format!("UPDATE tracks.phases SET {change} WHERE id = '{phase}'"),
            )
            .await;
        }
        visits.push(visit(&format!("board-{name}"), url, None, says).await);
    }
    visits
}

async fn challenge(owner: &PgPool, name: &str) -> Challenge {
    let at = |text: &str| text.parse().unwrap();
    let phase = PhaseBuilder::new("validation")
        .window(at("2020-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z"));
    let challenge = ChallengeBuilder::new(&format!("board-{name}")).phase(phase);
    challenge.insert(owner).await
}

async fn compete(owner: &PgPool, challenge: &Challenge) {
    for (place, (name, overlap)) in (0..).zip([("Molar Ridge", 0.93), ("Even Arch", 0.91)]) {
        let team = TeamBuilder::new(challenge, name).insert(owner).await;
        hand_in(owner, challenge, &team, place, overlap, overlap / 2.0).await;
    }
}

async fn submissions(owner: &PgPool, system: &System, world: &World) -> Vec<Visit> {
    let challenge = &world.challenge;
    // Cancelled until they are whole: the processes would make what is missing.
    let container = || {
        let submission = SubmissionBuilder::new(challenge, &world.team);
        submission.container().cancelled()
    };
    let running = container().insert(owner).await;
    let attempt = AttemptBuilder::new(challenge, &running).state(AttemptState::Running);
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
            "UPDATE submission.submissions SET cancelled_at = NULL, cancelled_by = NULL WHERE id IN ('{}', '{}')",
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
