//! Boards as they were, and what moved since.

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use molar_testkit::{PhaseBuilder, TeamBuilder, noon};
use molar_web_kit::testing;
use serde_json::Value;
use sqlx::PgPool;

use super::world::{board, challenge, entry, fold_at, get, ranked, set};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_can_be_read_as_it_was(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let team = TeamBuilder::new(&challenge, "Ones").insert(&db).await;
    for (hours, ia) in [(2, 0.5), (1, 0.8)] {
        entry(&db, &challenge, &team, -60 * hours, ia).await;
        let at = noon() - TimeDelta::hours(hours);
        fold_at(&db, challenge.phase_id, at).await;
    }
    let path = format!(
        "/api/v1/boards/{}?at=2026-09-01T10:30:00Z",
        challenge.phase_id
    );
    let (_, body) = get(&db, &path, None).await;
    let then: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(then["rows"][0]["values"]["IA"], 0.5);
    assert_eq!(
        board(&db, challenge.phase_id, None).await["rows"][0]["values"]["IA"],
        0.8
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn where_no_ranking_stood_is_told_in_words_unless_the_board_is_hidden(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let team = TeamBuilder::new(&challenge, "Ones").insert(&db).await;
    entry(&db, &challenge, &team, -300, 0.5).await;
    fold_at(&db, challenge.phase_id, noon() - TimeDelta::hours(4)).await;
    let api = format!("/api/v1/boards/{}", challenge.phase_id);
    let early = "at=2026-09-01T07:59:59Z";
    for path in [format!("{api}?{early}"), format!("{api}.csv?{early}")] {
        let (status, body) = get(&db, &path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(
            body.contains("no ranking of this phase had been made by then"),
            "{body}"
        );
    }
    let page =
        async |at: &str| get(&db, &format!("/boards/sts/teeth/validation?at={at}"), None).await;
    let (status, told) = page("2026-09-01T09:59").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        told.contains("had been made by then") && told.contains("Ones"),
        "{told}"
    );
    let (status, told) = page("2026-09-01T10:00").await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert!(
        told.contains("As it stood on 1 September 2026, 10:00 CEST"),
        "{told}"
    );
    let (status, told) = page("soon").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && told.contains("is no time"));
    // What is to come is now.
    let (status, _) = get(&db, &format!("{api}?at=2027-01-01T00:00:00Z"), None).await;
    assert_eq!(status, StatusCode::OK);

    set(&db, "is_final = true").await;
    let (status, body) = get(&db, &format!("{api}?{early}"), None).await;
    assert!(
        status == StatusCode::OK && body.contains("\"hidden\""),
        "{body}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_team_that_left_keeps_its_old_ranks_and_loses_its_name_there(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let ants = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    let bees = TeamBuilder::new(&challenge, "Bees").insert(&db).await;
    entry(&db, &challenge, &ants, -300, 0.9).await;
    entry(&db, &challenge, &bees, -300, 0.8).await;
    fold_at(&db, challenge.phase_id, noon() - TimeDelta::hours(4)).await;
    sqlx::query!(
        "UPDATE registration.participations SET state = 'disqualified', reason = 'a reason' WHERE team_id = $1",
        ants.id.0
    )
    .execute(&db)
    .await
    .unwrap();
    // At once, before the next ranking is made.
    let now = board(&db, challenge.phase_id, None).await;
    assert_eq!(ranked(&now)[1], (Some(2), "Bees"));
    assert!(!now.to_string().contains("Ants"), "{now}");
    fold_at(&db, challenge.phase_id, noon() - TimeDelta::hours(1)).await;
    let now = board(&db, challenge.phase_id, None).await;
    assert_eq!(ranked(&now), [(Some(1), "Bees")]);
    let path = format!(
        "/api/v1/boards/{}?at=2026-09-01T10:00:00Z",
        challenge.phase_id
    );
    let (_, then) = get(&db, &path, None).await;
    assert!(
        then.contains("not on the board any more") && !then.contains("Ants"),
        "{then}"
    );
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    assert!(get(&db, &path, Some(&olga)).await.1.contains("Ants"));
}
