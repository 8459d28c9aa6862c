//! Who follows a board hears when it changes, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use molar_testkit::{PhaseBuilder, TeamBuilder};
use molar_web_kit::live::ring_on;
use molar_web_kit::live::testing::{is_silent, next};
use molar_web_kit::testing;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::following::Following;
use super::world::{challenge, entry, fold, get, set};
use crate::rows::rankings;

const PATIENCE: Duration = Duration::from_secs(10);

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_new_ranking_rings_in_every_process_and_is_told_to_who_follows(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let following = Following::new(&db).await;
    let bell = Arc::new(Notify::new());
    let stop = following.boards.stop.clone();
    let role = following.kit.db.clone();
    let ringing = tokio::spawn(ring_on(role, rankings::NOTIFIED, bell.clone(), stop));
    // It rings once it listens.
    timeout(PATIENCE, bell.notified()).await.unwrap();
    let mut events = following.follow(challenge.phase_id, None).await;
    let first = next(&mut events).await.unwrap();

    let team = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    entry(&db, &challenge, &team, 1, 0.5).await;
    assert!(fold(&db, challenge.phase_id).await);
    timeout(PATIENCE, bell.notified()).await.unwrap();
    following.look().await;
    let second = next(&mut events).await.unwrap();
    let lines: Vec<_> = second.lines().collect();
    assert_eq!(lines[1], "event: changed");
    assert!(first != second && !second.contains("Ants") && !second.contains("0.5"));
    assert_eq!(
        lines[0].trim_start_matches("id: "),
        lines[2].trim_start_matches("data: ")
    );

    following.look().await;
    assert!(is_silent(&mut events).await);
    following.boards.stop.cancel();
    assert_eq!(next(&mut events).await, None);
    timeout(PATIENCE, ringing).await.unwrap().unwrap();
}

/// The number on the page is that of the first event: a page that missed nothing is not fetched again.
#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_page_knows_the_number_of_what_it_shows_and_of_a_past_board_none(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let team = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    entry(&db, &challenge, &team, -90, 0.5).await;
    super::world::fold_at(
        &db,
        challenge.phase_id,
        molar_testkit::noon() - chrono::TimeDelta::hours(1),
    )
    .await;
    let following = Following::new(&db).await;
    for sorted in ["", "?sort=team&dir=desc", "?team=nobody"] {
        let mut events = following.follow(challenge.phase_id, None).await;
        let first = next(&mut events).await.unwrap();
        let number = first.lines().next().unwrap().trim_start_matches("id: ");
        let path = format!("/boards/sts/teeth/validation{sorted}");
        let (_, page) = get(&db, &path, None).await;
        assert!(page.contains(&format!("data-seen=\"{number}\"")), "{page}");
        assert!(page.contains("/assets/live.js"), "{page}");
    }
    let (status, past) = get(
        &db,
        "/boards/sts/teeth/validation?at=2026-09-01T13:30",
        None,
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        !past.contains("data-live") && !past.contains("live.js"),
        "{past}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_that_is_hidden_ends_and_one_that_is_shown_again_is_told(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let team = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    entry(&db, &challenge, &team, 1, 0.5).await;
    fold(&db, challenge.phase_id).await;
    let following = Following::new(&db).await;
    let mut events = following.follow(challenge.phase_id, None).await;
    next(&mut events).await.unwrap();
    set(&db, "board = '{\"is_hidden\": true}'").await;
    following.look().await;
    assert_eq!(next(&mut events).await, None);

    let mut events = following.follow(challenge.phase_id, None).await;
    assert_eq!(
        next(&mut events).await.unwrap(),
        "id: 0\nevent: changed\ndata: 0\n\n"
    );
    set(&db, "board = '{}'").await;
    following.look().await;
    assert!(next(&mut events).await.unwrap().contains("changed"));

    set(&db, "visibility = 'organizers'").await;
    following.look().await;
    assert_eq!(next(&mut events).await, None);
    let answer = following.ask(challenge.phase_id, None).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_may_not_see_it_any_more_hears_the_end_and_the_others_go_on(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    set(&db, "visibility = 'participants'").await;
    let (mia, noa) = (
        testing::person(&db, "Mia").await,
        testing::person(&db, "Noa").await,
    );
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    let ants = TeamBuilder::new(&challenge, "Ants").member(mia.id);
    let ants = ants.insert(&db).await;
    let bees = TeamBuilder::new(&challenge, "Bees").member(noa.id);
    bees.insert(&db).await;
    let following = Following::new(&db).await;
    let mut streams = Vec::new();
    for person in [&mia, &noa, &olga] {
        let mut events = following.follow(challenge.phase_id, Some(person)).await;
        next(&mut events).await.unwrap();
        streams.push(events);
    }
    entry(&db, &challenge, &ants, 1, 0.5).await;
    fold(&db, challenge.phase_id).await;
    following.look().await;
    for events in &mut streams {
        assert!(next(events).await.unwrap().contains("changed"));
    }

    sqlx::query!(
        "UPDATE registration.participations SET state = 'withdrawn' WHERE team_id = $1",
        ants.id.0
    )
    .execute(&db)
    .await
    .unwrap();
    following.look().await;
    assert_eq!(next(&mut streams[0]).await, None, "its team has no place");

    sqlx::query!(
        "UPDATE registration.tokens SET revoked_at = now() WHERE user_id = $1",
        olga.id.0
    )
    .execute(&db)
    .await
    .unwrap();
    set(&db, "title = 'Another'").await;
    following.look().await;
    assert!(next(&mut streams[1]).await.unwrap().contains("changed"));
    assert_eq!(next(&mut streams[2]).await, None, "she is signed out");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_is_no_organizer_any_more_hears_the_end_though_still_signed_in(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    let following = Following::new(&db).await;
    let mut events = following.follow(challenge.phase_id, Some(&olga)).await;
    next(&mut events).await.unwrap();
    set(&db, "title = 'Another'").await;
    following.look().await;
    assert!(next(&mut events).await.unwrap().contains("changed"));

    sqlx::raw_sql("DELETE FROM registration.challenge_roles")
        .execute(&db)
        .await
        .unwrap();
    set(&db, "title = 'A third'").await;
    following.look().await;
    assert_eq!(next(&mut events).await, None);
    // As anybody else she may come again.
    let mut events = following.follow(challenge.phase_id, Some(&olga)).await;
    assert!(next(&mut events).await.unwrap().contains("changed"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_is_looked_at_once_for_all_who_see_the_same(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    let stranger = testing::person(&db, "Stranger").await;
    let following = Following::new(&db).await;
    let mut streams = Vec::new();
    for person in [None, None, Some(&stranger), Some(&olga), Some(&olga)] {
        streams.push(following.follow(challenge.phase_id, person).await);
    }
    assert_eq!(following.boards.followed.list().len(), 2);
    streams.truncate(3);
    assert_eq!(following.boards.followed.list().len(), 1);
    streams.clear();
    assert!(following.boards.followed.list().is_empty());
}
