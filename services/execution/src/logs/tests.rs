use std::future::poll_fn;
use std::pin::Pin;

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::dev::ServiceResponse;
use actix_web::test::{TestRequest, call_service, read_body};
use actix_web::web;
use molar_domain::worker_api::{Finish, Grant, LogPiece, Stored};
use molar_domain::{CaseRunId, FailureCode};
use molar_objects::Bucket;
use molar_web_kit::testing::{Person, app, organizer, person};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use super::listeners::OF_ONE_USER;
use crate::routes;
use crate::rows::logs;
use crate::testing::{World, failed};

struct Readers {
    member: Person,
    boss: Person,
    stranger: Person,
}

async fn readers(world: &World) -> Readers {
    Readers {
        member: world.member().await,
        boss: organizer(&world.pool, "Boss", world.challenge.id).await,
        stranger: person(&world.pool, "Stranger").await,
    }
}

/// Puts a log where the grant's belongs and ends the run with `report`.
async fn finish_with_log(world: &World, grant: &Grant, report: Finish, log: &str) {
    let key = format!(
        "attempt/{}/{}/{}/log.txt",
        grant.attempt_id, grant.case_run_id, grant.lease_token
    );
    let kept = Stored {
        size_bytes: log.len() as u64,
        sha256: hex::encode(Sha256::digest(log)),
    };
    let store = &world.state.store;
    let put = store.put_bytes(Bucket::Logs, &key, "text/plain", log.to_owned());
    put.await.unwrap();
    let report = Finish {
        log: Some(kept),
        ..report
    };
    assert_eq!(world.finish(grant, &report).await, 204);
}

async fn piece(world: &World, grant: &Grant, position: u32, text: &str) {
    let piece = LogPiece {
        lease_token: grant.lease_token,
        position,
        text: text.to_owned(),
    };
    let path = format!("case-runs/{}/log-pieces", grant.case_run_id);
    assert_eq!(world.call(&path, piece).await.0, 204);
}

/// A member's events of this run, which has said this much.
async fn followed(world: &World, grant: &Grant, said: &str) -> BoxBody {
    piece(world, grant, 0, said).await;
    let path = format!("{}/events", log_of(grant.case_run_id));
    let live = send(world, &world.member().await, TestRequest::get().uri(&path)).await;
    let mut live = live.into_body();
    assert!(event(&mut live).await.unwrap().contains(said));
    live
}

async fn send(world: &World, who: &Person, request: TestRequest) -> ServiceResponse<BoxBody> {
    let state = world.state.clone();
    let add = |config: &mut web::ServiceConfig| {
        config.app_data(state);
    };
    let app = app(world.kit.clone(), routes(), add).await;
    call_service(&app, request.insert_header(who.bearer()).to_request()).await
}

async fn get(world: &World, who: &Person, path: &str) -> (u16, String) {
    let answer = send(world, who, TestRequest::get().uri(path)).await;
    let status = answer.status().as_u16();
    let body = read_body(answer).await.to_vec();
    (status, String::from_utf8(body).unwrap())
}

fn log_of(run: Uuid) -> String {
    format!("/api/v1/case-runs/{run}/log")
}

async fn release(world: &World, who: &Person, run: Uuid, reason: &str) -> u16 {
    let request = TestRequest::post()
        .uri(&format!("{}/release", log_of(run)))
        .set_json(json!({ "reason": reason }));
    send(world, who, request).await.status().as_u16()
}

/// The next event of an answer that is still written; None at its end.
async fn event(body: &mut BoxBody) -> Option<String> {
    let chunk = poll_fn(|context| Pin::new(&mut *body).poll_next(context)).await?;
    Some(String::from_utf8(chunk.unwrap().to_vec()).unwrap())
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_long_log_that_has_ended_comes_piece_by_piece_and_whole(pool: PgPool) {
    let world = World::new(pool).await;
    let canary = world.claim().await.unwrap();
    // Of two bytes each, so that a piece would end within one; and one byte before them.
    let whole = format!("x{}", "é".repeat(50_000));
    let report = failed(&canary, FailureCode::NoPrediction);
    finish_with_log(&world, &canary, report, &whole).await;
    let member = world.member().await;
    let path = format!("{}/events", log_of(canary.case_run_id));
    let answer = send(&world, &member, TestRequest::get().uri(&path)).await;
    let mut live = answer.into_body();
    let (mut read, mut pieces) = (String::new(), 0);
    loop {
        let said = event(&mut live).await.unwrap();
        if said.contains("event: end") {
            break;
        }
        let data = said
            .lines()
            .find_map(|line| line.strip_prefix("data: "))
            .unwrap();
        let text: String = serde_json::from_str(data).unwrap();
        assert!(text.len() <= 32 << 10);
        read += &text;
        pieces += 1;
    }
    assert_eq!((read.len(), pieces), (whole.len(), 4));
    assert!(read == whole);
    let (status, plain) = get(&world, &member, &log_of(canary.case_run_id)).await;
    assert!(status == 200 && plain == whole);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_canarys_log_is_for_its_team_and_organizers(pool: PgPool) {
    let world = World::new(pool).await;
    let canary = world.claim().await.unwrap();
    let report = failed(&canary, FailureCode::NoPrediction);
    finish_with_log(&world, &canary, report, "no such file: model.bin").await;

    let readers = readers(&world).await;
    for reader in [&readers.member, &readers.boss] {
        let (status, log) = get(&world, reader, &log_of(canary.case_run_id)).await;
        assert_eq!((status, log.as_str()), (200, "no such file: model.bin"));
    }
    for path in [
        log_of(canary.case_run_id),
        format!("/case-runs/{}/log", canary.case_run_id),
    ] {
        assert_eq!(get(&world, &readers.stranger, &path).await.0, 404);
    }
    assert_eq!(
        get(&world, &readers.boss, &log_of(Uuid::new_v4())).await.0,
        404
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_log_is_plain_text_and_its_page_obeys_nothing_in_it(pool: PgPool) {
    let world = World::new(pool).await;
    let canary = world.claim().await.unwrap();
    let report = failed(&canary, FailureCode::NoPrediction);
    let log = "<script>alert(1)</script>\u{1b}[2J";
    finish_with_log(&world, &canary, report, log).await;
    let member = readers(&world).await.member;
    let plain = TestRequest::get().uri(&log_of(canary.case_run_id));
    let plain = send(&world, &member, plain).await;
    let header = |name: &str| plain.headers().get(name).unwrap().to_str().unwrap();
    assert_eq!(header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(header("x-content-type-options"), "nosniff");

    let path = format!("/case-runs/{}/log", canary.case_run_id);
    let (status, page) = get(&world, &member, &path).await;
    assert_eq!(status, 200);
    assert!(
        page.contains("&#60;script&#62;alert(1)") && page.contains("␛[2J"),
        "{page}"
    );
    assert!(
        !page.contains('\u{1b}') && !page.contains("Release this log"),
        "{page}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_log_of_a_public_case_is_followed_from_its_start_to_its_end(pool: PgPool) {
    let world = World::new(pool).await;
    let grant = world.claim().await.unwrap();
    let member = readers(&world).await.member;
    let path = format!("{}/events", log_of(grant.case_run_id));
    let token = grant.lease_token;

    piece(&world, &grant, 0, "importing\n").await;
    let live = send(&world, &member, TestRequest::get().uri(&path)).await;
    assert_eq!(
        live.headers().get("content-type").unwrap(),
        "text/event-stream; charset=utf-8"
    );
    let mut live = live.into_body();
    let first = event(&mut live).await.unwrap();
    assert_eq!(
        first,
        format!("id: {token}.10\nevent: log\ndata: \"importing\\n\"\n\n")
    );
    piece(&world, &grant, 10, "\u{1b}[1m50 %\r").await;
    let second = event(&mut live).await.unwrap();
    assert_eq!(
        second,
        format!("id: {token}.19\nevent: log\ndata: \"␛[1m50 %\\n\"\n\n")
    );

    // As plain text it is there, too, before the run has ended.
    let (status, so_far) = get(&world, &member, &log_of(grant.case_run_id)).await;
    assert_eq!(
        (status, so_far.as_str()),
        (200, "importing\n\u{1b}[1m50 %\r")
    );

    let whole = "importing\n\u{1b}[1m50 %\rdone";
    let report = world.predicted(&grant).await;
    finish_with_log(&world, &grant, report, whole).await;
    let rest = event(&mut live).await.unwrap();
    assert_eq!(
        rest,
        format!("id: {token}.23\nevent: log\ndata: \"done\"\n\n")
    );
    let end = event(&mut live).await.unwrap();
    assert_eq!(
        end,
        format!("id: {token}.23\nevent: end\ndata: \"finished\"\n\n")
    );
    assert_eq!(event(&mut live).await, None);

    // Who comes back goes on from where it was.
    let again = TestRequest::get()
        .uri(&path)
        .insert_header(("last-event-id", format!("{token}.19")));
    let mut again = send(&world, &member, again).await.into_body();
    assert_eq!(event(&mut again).await.unwrap(), rest);
    let pieces = sqlx::query_scalar!("SELECT count(*) FROM execution.log_pieces");
    assert_eq!(pieces.fetch_one(&world.pool).await.unwrap(), Some(0));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_case_that_is_run_again_begins_a_new_log(pool: PgPool) {
    let world = World::new(pool).await;
    let lost = world.claim().await.unwrap();
    let mut live = followed(&world, &lost, "first try").await;

    world.pass(71).await;
    assert_eq!(world.sweep().await, 1);
    world.pass(15).await;
    let next = world.claim().await.unwrap();
    assert_eq!(next.case_run_id, lost.case_run_id);
    piece(&world, &next, 0, "second try").await;
    assert!(event(&mut live).await.unwrap().contains("event: restart"));
    assert!(event(&mut live).await.unwrap().contains("second try"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_run_that_is_given_up_ends_for_who_follows_it(pool: PgPool) {
    let world = World::new(pool).await;
    let member = readers(&world).await.member;
    let lost = world.claim().await.unwrap();
    let path = format!("{}/events", log_of(lost.case_run_id));
    for _ in 0..2 {
        world.pass(71).await;
        assert_eq!(world.sweep().await, 1);
        world.pass(60).await;
        world.claim().await.unwrap();
    }
    let last = logs::find(&world.db, lost.case_run_id).await.unwrap();
    let last = Grant {
        lease_token: last.unwrap().token.unwrap(),
        ..lost
    };
    piece(&world, &last, 0, "third try").await;
    world.pass(71).await;
    assert_eq!(world.sweep().await, 1);
    assert_eq!(world.attempt().await.0, "failed");

    // What came of it stays readable.
    let live = send(&world, &member, TestRequest::get().uri(&path)).await;
    let mut live = live.into_body();
    assert!(event(&mut live).await.unwrap().contains("third try"));
    let end = event(&mut live).await.unwrap();
    assert!(end.contains("event: end\ndata: \"failed\""), "{end}");
    assert_eq!(event(&mut live).await, None);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_cancel_between_two_leases_ends_the_log_for_who_follows_it(pool: PgPool) {
    let world = World::new(pool).await;
    let lost = world.claim().await.unwrap();
    let mut live = followed(&world, &lost, "first try").await;

    world.pass(71).await;
    assert_eq!(world.sweep().await, 1);
    world.cancel().await;
    world.reconcile().await;
    let end = event(&mut live).await.unwrap();
    assert!(end.contains("event: end\ndata: \"cancelled\""), "{end}");
    assert_eq!(event(&mut live).await, None);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn one_user_follows_no_more_than_a_few_logs_at_once(pool: PgPool) {
    let world = World::new(pool).await;
    world.state.listeners.add_permits(8);
    let grant = world.claim().await.unwrap();
    let readers = readers(&world).await;
    let path = format!("{}/events", log_of(grant.case_run_id));
    let follow = |who| send(&world, who, TestRequest::get().uri(&path));
    let mut held = Vec::new();
    for _ in 0..OF_ONE_USER {
        let live = follow(&readers.member).await;
        assert_eq!(live.status(), 200);
        held.push(live);
    }
    let refused = follow(&readers.member).await;
    assert_eq!(refused.status(), 429);
    let problem = String::from_utf8(read_body(refused).await.to_vec()).unwrap();
    assert!(problem.contains("you follow 4 logs already"), "{problem}");
    assert_eq!(follow(&readers.boss).await.status(), 200);
    held.pop();
    assert_eq!(follow(&readers.member).await.status(), 200);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn more_readers_than_there_is_room_for_are_told_to_come_later(pool: PgPool) {
    let world = World::new(pool).await;
    let grant = world.claim().await.unwrap();
    let member = readers(&world).await.member;
    let path = format!("{}/events", log_of(grant.case_run_id));
    let follow = || send(&world, &member, TestRequest::get().uri(&path));
    let (one, two) = (follow().await, follow().await);
    assert_eq!((one.status().as_u16(), two.status().as_u16()), (200, 200));
    assert_eq!(follow().await.status(), 503);
    drop(two);
    assert_eq!(follow().await.status(), 200);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_log_of_a_hidden_case_is_for_organizers_until_one_releases_it(pool: PgPool) {
    let world = World::new(pool).await;
    world.run_one().await;
    let hidden = world.claim().await.unwrap();
    let report = world.predicted(&hidden).await;
    finish_with_log(&world, &hidden, report, "CUDA error 700").await;
    let readers = readers(&world).await;
    let run = hidden.case_run_id;
    for path in [
        log_of(run),
        format!("{}/events", log_of(run)),
        format!("/case-runs/{run}/log"),
    ] {
        assert_eq!(get(&world, &readers.member, &path).await.0, 404, "{path}");
        let (status, log) = get(&world, &readers.boss, &path).await;
        assert!(
            status == 200 && log.contains("CUDA error 700"),
            "{path}: {log}"
        );
    }

    assert_eq!(release(&world, &readers.member, run, "please").await, 403);
    assert_eq!(release(&world, &readers.boss, run, "  ").await, 422);
    assert_eq!(
        release(
            &world,
            &readers.boss,
            run,
            "no image in it; to find the driver's fault"
        )
        .await,
        200
    );
    // Said once: the first reason stays.
    assert_eq!(release(&world, &readers.boss, run, "another").await, 200);
    for path in [log_of(run), format!("/case-runs/{run}/log")] {
        let (status, log) = get(&world, &readers.member, &path).await;
        assert!(
            status == 200 && log.contains("CUDA error 700"),
            "{path}: {log}"
        );
        assert_eq!(get(&world, &readers.stranger, &path).await.0, 404);
    }
    let page = get(&world, &readers.member, &format!("/case-runs/{run}/log"))
        .await
        .1;
    assert!(page.contains("to find the driver&#39;s fault"), "{page}");

    let entries = sqlx::query!(
        r#"SELECT e.actor_id, e.subject_id, p.text AS "reason?" FROM audit.entries e
           LEFT JOIN audit.personal p ON p.seq = e.seq WHERE e.action = 'log.released'"#
    );
    let entries = entries.fetch_all(&world.pool).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0].actor_id, entries[0].subject_id),
        (Some(readers.boss.id.0), run)
    );
    assert_eq!(
        entries[0].reason.as_deref(),
        Some("no image in it; to find the driver's fault")
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn only_what_is_hidden_and_there_is_released(pool: PgPool) {
    let world = World::new(pool).await;
    let canary = world.claim().await.unwrap();
    let report = world.predicted(&canary).await;
    finish_with_log(&world, &canary, report, "hello").await;
    let boss = readers(&world).await.boss;
    assert_eq!(
        release(&world, &boss, canary.case_run_id, "why not").await,
        409
    );
    let silent = world.run_one().await;
    assert_eq!(
        release(&world, &boss, silent.case_run_id, "why not").await,
        409
    );
    assert_eq!(
        release(&world, &boss, CaseRunId(Uuid::new_v4()).0, "why not").await,
        404
    );
}
