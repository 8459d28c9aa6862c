//! Who may have an archive, and when.

use actix_web::http::StatusCode;
use molar_testkit::TeamBuilder;
use molar_web_kit::testing;
use serde_json::json;
use sqlx::PgPool;

use super::{CLOSED, PUBLISHED, World, get, hand_in, set, verified, wrong};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn organizers_have_it_from_the_end_and_all_from_the_publication(db: PgPool) {
    let world = World::new(&db).await;
    let phase = world.challenge.phase_id;
    let stranger = testing::person(&db, "Stranger").await;
    for nobody in [None, Some(&stranger)] {
        assert_eq!(get(&db, phase, nobody, 0).await.0, StatusCode::NOT_FOUND);
    }
    let (status, organizers) = get(&db, phase, Some(&world.olga), 0).await;
    assert_eq!(status, StatusCode::OK);

    set(&db, "closes_at = '2026-09-02 11:00:00Z'").await;
    let (status, why) = get(&db, phase, Some(&world.olga), 0).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(String::from_utf8_lossy(&why).contains("has not ended"));

    set(&db, CLOSED).await;
    set(&db, PUBLISHED).await;
    let (_, published) = get(&db, phase, Some(&world.olga), 0).await;
    for anybody in [None, Some(&stranger)] {
        let (status, bytes) = get(&db, phase, anybody, 0).await;
        assert_eq!(status, StatusCode::OK);
        assert!(bytes == published, "the same for all");
    }
    assert!(organizers != published, "it says when it was published");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_that_hides_something_is_archived_for_organizers_only(db: PgPool) {
    let world = World::new(&db).await;
    set(&db, PUBLISHED).await;
    for rules in [
        json!({"names": "anonymous"}),
        json!({"values": "order"}),
        json!({"values": "rounded", "decimals": 1}),
        json!({"ladder_step": 0.05}),
    ] {
        set(&db, &format!("board = '{rules}'")).await;
        let (status, _) = get(&db, world.challenge.phase_id, None, 0).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{rules}");
        let (status, _) = get(&db, world.challenge.phase_id, Some(&world.olga), 0).await;
        assert_eq!(status, StatusCode::OK, "{rules}");
    }
    set(&db, "board = '{}', visibility = 'participants'").await;
    let (status, _) = get(&db, world.challenge.phase_id, None, 0).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_that_everybody_has_left_is_archived_and_verified_as_well(db: PgPool) {
    let world = World::new(&db).await;
    sqlx::query!("UPDATE registration.participations SET state = 'withdrawn'")
        .execute(&db)
        .await
        .unwrap();
    world.make(&db, 5).await;
    let report = verified(&world.archive(&db).await);
    assert!(report.is_equal, "{:?}", wrong(&report));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn there_is_none_until_all_that_is_in_it_is_made(db: PgPool) {
    let world = World::new(&db).await;
    let phase = world.challenge.phase_id;
    let late = TeamBuilder::new(&world.challenge, "Late").insert(&db).await;
    hand_in(&db, &world.challenge, &late, 0.3).await;
    let role = molar_testkit::as_role(&db, molar_service::Role::Leaderboard).await;
    let later = molar_testkit::noon() + chrono::TimeDelta::hours(1);
    assert!(crate::fold::one(&role, phase, later).await.unwrap());
    let (status, why) = get(&db, phase, Some(&world.olga), 0).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(String::from_utf8_lossy(&why).contains("are being made"));
    // The team has left: the ranks that stand are not those that will.
    sqlx::query!(
        "UPDATE registration.participations SET state = 'withdrawn' WHERE team_id = $1",
        late.id.0
    )
    .execute(&db)
    .await
    .unwrap();
    world.make(&db, 0).await;
    assert_eq!(
        get(&db, phase, Some(&world.olga), 0).await.0,
        StatusCode::CONFLICT
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_of_which_nothing_was_ranked_has_none(db: PgPool) {
    let challenge = molar_testkit::ChallengeBuilder::new("sts")
        .insert(&db)
        .await;
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    set(&db, CLOSED).await;
    let (status, why) = get(&db, challenge.phase_id, Some(&olga), 0).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(String::from_utf8_lossy(&why).contains("nothing to archive"));
}
