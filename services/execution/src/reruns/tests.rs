use actix_web::test::{TestRequest, call_service, read_body};
use actix_web::web;
use molar_domain::case_run::CaseRunState;
use molar_domain::dispatch::{Share, Waiting};
use molar_domain::phase::SubmissionKind;
use molar_domain::{FailureCode, SubmissionId};
use molar_testkit::{
    ChallengeBuilder, EvaluationBuilder, PhaseBuilder, Submission, SubmissionBuilder, TeamBuilder,
};
use molar_web_kit::testing::{Person, app, organizer};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::routes;
use crate::rows::turns;
use crate::testing::{World, failed};

async fn send(world: &World, who: &Person, id: SubmissionId, reason: &str) -> (u16, Value) {
    let state = world.state.clone();
    let configure = |config: &mut web::ServiceConfig| {
        config.app_data(state);
    };
    let app = app(world.kit.clone(), routes(), configure).await;
    let request = TestRequest::post()
        .uri(&format!("/api/v1/submissions/{id}/rerun"))
        .insert_header(who.bearer())
        .set_json(json!({ "reason": reason }));
    let answer = call_service(&app, request.to_request()).await;
    let status = answer.status().as_u16();
    let body = read_body(answer).await;
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// As `submission` does; and the image is stored.
async fn settle(world: &World) {
    sqlx::query!(
        "INSERT INTO submission.quota_ledger (submission_id, entry, phase_id, team_id, day, created_at)
         SELECT id, 'returned', phase_id, team_id, '2026-09-01', created_at FROM submission.submissions
         ON CONFLICT DO NOTHING"
    )
    .execute(&world.pool)
    .await
    .unwrap();
    sqlx::query!(
        "INSERT INTO submission.images (digest, config_key, config_size_bytes, stored_at)
         SELECT image_digest, submission_id::text, 1, decided_at FROM submission.uploads WHERE image_digest IS NOT NULL
         ON CONFLICT DO NOTHING"
    )
    .execute(&world.pool)
    .await
    .unwrap();
}

/// The canary of the container fails, and with it its attempt.
async fn fail(world: &World) {
    let grant = world.claim().await.unwrap();
    assert_eq!(
        world
            .finish(&grant, &failed(&grant, FailureCode::TimedOut))
            .await,
        204
    );
    settle(world).await;
}

async fn attempts(world: &World, id: SubmissionId) -> Vec<String> {
    sqlx::query_scalar!(
        r#"SELECT concat_ws(' ', number, state, CASE WHEN is_rerun THEN 're-run: ' || rerun_reason END) AS "text!"
           FROM execution.attempts WHERE submission_id = $1 ORDER BY number"#,
        id.0
    )
    .fetch_all(&world.pool)
    .await
    .unwrap()
}

async fn audited(world: &World) -> Vec<(String, Option<String>)> {
    sqlx::query!(
        "SELECT e.action, p.text AS \"text?\" FROM audit.entries e LEFT JOIN audit.personal p USING (seq)
         WHERE e.actor_id IS NOT NULL ORDER BY e.seq"
    )
    .fetch_all(&world.pool)
    .await
    .unwrap()
    .into_iter()
    .map(|row| (row.action, row.text))
    .collect()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_failed_container_is_run_again_with_all_its_cases_and_a_line_in_the_audit_log(
    pool: PgPool,
) {
    let world = World::new(pool).await;
    let boss = organizer(&world.pool, "Boss", world.challenge.id).await;
    fail(&world).await;
    let id = world.submission;
    let (status, view) = send(&world, &boss, id, " the engine had crashed ").await;
    assert_eq!(status, 201, "{view}");
    assert_eq!((&view["number"], &view["runs"]), (&json!(2), &json!(3)));
    assert_eq!(
        attempts(&world, id).await,
        ["1 failed", "2 queued re-run: the engine had crashed"]
    );
    let said = Some("the engine had crashed".to_owned());
    assert_eq!(
        audited(&world).await,
        [("submission.rerun".to_owned(), said)]
    );
    // It is on its way: not a second time.
    let (status, refused) = send(&world, &boss, id, "once more").await;
    assert_eq!((status, &refused["code"]), (409, &json!("in-flight")));
    assert_eq!(attempts(&world, id).await.len(), 2);
}

/// How the team of a submission stands.
async fn share_of(world: &World, submission: SubmissionId) -> Share {
    let attempts = sqlx::query!(
        "SELECT team_id, device_class FROM execution.attempts WHERE submission_id = $1",
        submission.0
    );
    let team = attempts.fetch_all(&world.pool).await.unwrap().remove(0);
    let waiting = [Waiting {
        case_run: Uuid::nil().into(),
        team: team.team_id.into(),
        needs_gpu: false,
        is_rerun: false,
        preference: 0,
        order: (Uuid::nil(), 0),
    }];
    let shares = turns::shares(&world.db, &team.device_class, &waiting);
    let shares = shares.await.unwrap();
    shares
        .get(&team.team_id.into())
        .copied()
        .unwrap_or_default()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_first_run_that_came_later_goes_before_a_rerun(pool: PgPool) {
    let world = World::new(pool).await;
    let boss = organizer(&world.pool, "Boss", world.challenge.id).await;
    fail(&world).await;
    assert_eq!(send(&world, &boss, world.submission, "ours").await.0, 201);
    let later = world.submit("Later").await;
    let owner = async |case_run: uuid::Uuid| {
        sqlx::query_scalar!(
            "SELECT a.submission_id FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
             WHERE r.id = $1",
            case_run
        )
        .fetch_one(&world.pool)
        .await
        .unwrap()
    };
    // What is run again costs its team no turn.
    let share = share_of(&world, world.submission).await;
    let before = (share.running, share.last_served_at);
    let mut order = Vec::new();
    while let Some(grant) = world.claim().await {
        order.push(owner(grant.case_run_id).await);
        if order.ends_with(&[world.submission.0]) {
            let share = share_of(&world, world.submission).await;
            assert_eq!((share.running, share.last_served_at), before);
        }
        let report = world.predicted(&grant).await;
        assert_eq!(world.finish(&grant, &report).await, 204);
    }
    let expected = [[later.0; 3], [world.submission.0; 3]].concat();
    assert_eq!(order, expected);
    assert_eq!(
        attempts(&world, world.submission).await[1],
        "2 finished re-run: ours"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_rerun_of_what_is_withdrawn_stops(pool: PgPool) {
    let world = World::new(pool).await;
    let boss = organizer(&world.pool, "Boss", world.challenge.id).await;
    fail(&world).await;
    assert_eq!(send(&world, &boss, world.submission, "ours").await.0, 201);
    sqlx::query!(
        "UPDATE submission.submissions SET withdrawn_at = $1",
        world.now()
    )
    .execute(&world.pool)
    .await
    .unwrap();
    world.reconcile().await;
    assert_eq!(
        attempts(&world, world.submission).await[1],
        "2 cancelled re-run: ours"
    );
    let (status, refused) = send(&world, &boss, world.submission, "again").await;
    assert_eq!((status, &refused["code"]), (409, &json!("withdrawn")));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_cannot_be_run_again_is_refused_with_a_way_out(pool: PgPool) {
    let world = World::new(pool).await;
    let boss = organizer(&world.pool, "Boss", world.challenge.id).await;
    let id = world.submission;
    let code = async |id, reason: &str| {
        let (status, body) = send(&world, &boss, id, reason).await;
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(code(id, "it waits").await, (409, "in-flight".to_owned()));

    let grant = world.claim().await.unwrap();
    world
        .finish(&grant, &failed(&grant, FailureCode::TimedOut))
        .await;
    sqlx::query!(
        "INSERT INTO submission.quota_ledger (submission_id, entry, phase_id, team_id, day, created_at)
         SELECT id, 'reserved', phase_id, team_id, '2026-09-01', created_at FROM submission.submissions
         ON CONFLICT DO NOTHING"
    )
    .execute(&world.pool)
    .await
    .unwrap();
    assert_eq!(code(id, "unsettled").await, (409, "in-flight".to_owned()));
    settle(&world).await;
    let images = "DELETE FROM submission.images";
    #[expect(clippy::disallowed_methods, reason = "a statement of this test")]
    sqlx::query(images).execute(&world.pool).await.unwrap();
    assert_eq!(code(id, "no image").await, (409, "image-gone".to_owned()));
    let removing = sqlx::query!(
        "INSERT INTO submission.removals (id, phase_id, retention_days, begun_at)
         SELECT id, phase_id, 30, created_at FROM submission.submissions WHERE id = $1",
        id.0
    );
    removing.execute(&world.pool).await.unwrap();
    let gone = (409, "files-removed".to_owned());
    assert_eq!(code(id, "a sweep has begun").await, gone);
    sqlx::query!("UPDATE submission.removals SET finished_at = begun_at")
        .execute(&world.pool)
        .await
        .unwrap();
    let left = code(id, "what the sweep left").await;
    assert_eq!(left, (409, "image-gone".to_owned()));
    let took = sqlx::query!(
        "UPDATE submission.uploads SET removal_id = submission_id WHERE submission_id = $1",
        id.0
    );
    took.execute(&world.pool).await.unwrap();
    assert_eq!(code(id, "its own").await, gone);
    sqlx::query!("UPDATE submission.uploads SET removal_id = NULL")
        .execute(&world.pool)
        .await
        .unwrap();
    settle(&world).await;
    for empty in ["", "  ", &"x".repeat(1001)] {
        assert_eq!(code(id, empty).await.0, 422, "{empty}");
    }
    sqlx::query!("UPDATE tracks.cases SET state = 'removed', stored_at = NULL")
        .execute(&world.pool)
        .await
        .unwrap();
    assert_eq!(
        code(id, "no cases").await,
        (409, "phase-without-cases".to_owned())
    );

    let zip = other(&world, "zips", SubmissionKind::Predictions).await;
    let chief = organizer(&world.pool, "Chief", zip.0).await;
    let (status, body) = send(&world, &chief, zip.1.id, "measure it").await;
    assert_eq!((status, &body["code"]), (409, &json!("no-run")));
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("/organize/rescorings"), "{detail}");
    assert!(audited(&world).await.is_empty(), "nothing was done");
    assert_eq!(attempts(&world, id).await.len(), 1);
}

async fn other(
    world: &World,
    slug: &str,
    kind: SubmissionKind,
) -> (molar_domain::ChallengeId, Submission) {
    let challenge = ChallengeBuilder::new(slug)
        .phase(PhaseBuilder::new("validation").kind(kind))
        .insert(&world.pool)
        .await;
    let team = TeamBuilder::new(&challenge, "Zips")
        .insert(&world.pool)
        .await;
    let submission = SubmissionBuilder::new(&challenge, &team)
        .insert(&world.pool)
        .await;
    let values = json!({"image_DSC": 0.5, "IA": 0.25});
    EvaluationBuilder::new(&challenge, &submission, values)
        .insert(&world.pool)
        .await;
    (challenge.id, submission)
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn others_are_told_nothing_and_members_that_it_is_not_theirs(pool: PgPool) {
    let world = World::new(pool).await;
    fail(&world).await;
    let member = world.member().await;
    let elsewhere = other(&world, "elsewhere", SubmissionKind::Predictions).await;
    let foreign = organizer(&world.pool, "Foreign", elsewhere.0).await;
    assert_eq!(send(&world, &member, world.submission, "ours").await.0, 403);
    assert_eq!(
        send(&world, &foreign, world.submission, "ours").await.0,
        404
    );
    assert!(attempts(&world, world.submission).await.len() == 1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_page_shows_the_refusal_at_the_form_and_keeps_what_was_typed(pool: PgPool) {
    let world = World::new(pool).await;
    let boss = organizer(&world.pool, "Boss", world.challenge.id).await;
    fail(&world).await;
    let state = world.state.clone();
    let configure = |config: &mut web::ServiceConfig| {
        config.app_data(state);
    };
    let app = app(world.kit.clone(), routes(), configure).await;
    let path = format!("/organize/submissions/{}/rerun", world.submission);
    let long = "why ".repeat(300);
    for (reason, status) in [(long.as_str(), 422), ("the disk was full", 303)] {
        let request = TestRequest::post()
            .uri(&path)
            .insert_header(boss.bearer())
            .set_form([("reason", reason)]);
        let answer = call_service(&app, request.to_request()).await;
        assert_eq!(answer.status().as_u16(), status);
        let html = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
        if status == 422 {
            assert!(
                html.contains("role=\"alert\"") && html.contains(reason),
                "{html}"
            );
        }
    }
    let request = TestRequest::get().uri(&path).insert_header(boss.bearer());
    let html = read_body(call_service(&app, request.to_request()).await).await;
    let html = String::from_utf8(html.to_vec()).unwrap();
    assert!(
        html.contains("only what has ended") && !html.contains("<form class=\"form\""),
        "{html}"
    );
    assert_eq!(world.runs().await.len(), 6);
    assert_eq!(world.runs().await[0], CaseRunState::Failed);
}
