//! Whom a board is for, and what it tells until it is published.

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use molar_service::Role;
use molar_testkit::{PhaseBuilder, TeamBuilder, as_role, noon};
use molar_web_kit::testing;
use serde_json::json;
use sqlx::PgPool;

use super::world::{board, challenge, entry, fold, get, ranked, set};
use crate::fold as folds;

/// Of two disqualified teams only the one of which it was made public.
#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_disqualification_is_shown_where_the_organizers_made_it_public(db: PgPool) {
    let validation = PhaseBuilder::new("validation");
    let challenge = challenge(&db, validation).await;
    for name in ["Quiet", "Loud", "Idle"] {
        let team = TeamBuilder::new(&challenge, name)
            .state("disqualified")
            .insert(&db)
            .await;
        if name != "Idle" {
            entry(&db, &challenge, &team, 1, 0.9).await;
        }
    }
    fold(&db, challenge.phase_id).await;
    sqlx::query!(
        "UPDATE registration.participations p SET is_reason_public = true, reason = 'trained on the test set'
         FROM registration.teams t WHERE t.id = p.team_id AND t.name <> 'Quiet'"
    )
    .execute(&db)
    .await
    .unwrap();

    let seen = board(&db, challenge.phase_id, None).await;
    assert_eq!(
        seen["disqualified"],
        json!([{"team": "Loud", "reason": "trained on the test set"}])
    );
    let (_, page) = get(&db, "/boards/sts/teeth/validation", None).await;
    assert!(page.contains("trained on the test set"), "{page}");
    assert!(!page.contains("Quiet") && !page.contains("Idle"), "{page}");

    sqlx::query!("UPDATE tracks.phases SET is_final = true")
        .execute(&db)
        .await
        .unwrap();
    let hidden = board(&db, challenge.phase_id, None).await;
    assert_eq!(hidden["disqualified"], json!([]));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_unpublished_final_board_tells_nothing_but_to_its_organizers(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("final").is_final()).await;
    let team = TeamBuilder::new(&challenge, "Ones").insert(&db).await;
    entry(&db, &challenge, &team, 1, 0.5).await;
    fold(&db, challenge.phase_id).await;
    let stranger = testing::person(&db, "Stranger").await;
    let organizer = testing::organizer(&db, "Organizer", challenge.id).await;

    for caller in [None, Some(&stranger)] {
        let board = board(&db, challenge.phase_id, caller).await;
        assert_eq!(board["rows"], json!([]));
        assert!(
            board.get("version").is_none() && board.get("made_at").is_none(),
            "{board}"
        );
        assert!(board["hidden"].is_string());
        let (_, csv) = get(
            &db,
            &format!("/api/v1/boards/{}.csv", challenge.phase_id),
            caller,
        )
        .await;
        assert_eq!(csv.lines().count(), 1, "{csv}");
        assert!(!csv.contains("Ones"));
    }
    assert_eq!(
        ranked(&board(&db, challenge.phase_id, Some(&organizer)).await),
        [(Some(1), "Ones")]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_frozen_board_stands_still_for_all_but_organizers_until_it_is_published(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let fold_at =
        |hours: i64| folds::one(&role, challenge.phase_id, noon() - TimeDelta::hours(hours));
    let ants = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    entry(&db, &challenge, &ants, 1, 0.5).await;
    fold_at(3).await.unwrap();
    let bees = TeamBuilder::new(&challenge, "Bees").insert(&db).await;
    entry(&db, &challenge, &bees, 2, 0.9).await;
    fold_at(1).await.unwrap();
    set(&db, "freezes_at = '2026-09-01 10:00:00Z'").await;

    let frozen = board(&db, challenge.phase_id, None).await;
    assert_eq!(ranked(&frozen), [(Some(1), "Ants")]);
    assert_eq!(frozen["frozen_at"], "2026-09-01T10:00:00Z");
    let (_, csv) = get(
        &db,
        &format!("/api/v1/boards/{}.csv", challenge.phase_id),
        None,
    )
    .await;
    assert!(!csv.contains("Bees"), "{csv}");
    let past = format!(
        "/api/v1/boards/{}?at=2026-09-01T11:30:00Z",
        challenge.phase_id
    );
    assert!(!get(&db, &past, None).await.1.contains("Bees"));
    let (_, page) = get(&db, "/boards/sts/teeth/validation", None).await;
    assert!(
        page.contains("stands still since") && !page.contains("Bees"),
        "{page}"
    );
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    let seen = board(&db, challenge.phase_id, Some(&olga)).await;
    assert_eq!(ranked(&seen)[0], (Some(1), "Bees"));

    set(&db, "published_at = now()").await;
    assert_eq!(ranked(&board(&db, challenge.phase_id, None).await).len(), 2);
    set(
        &db,
        "published_at = NULL, freezes_at = '2026-09-01 12:00:01Z'",
    )
    .await;
    assert_eq!(ranked(&board(&db, challenge.phase_id, None).await).len(), 2);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_is_for_those_whom_the_phase_names(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let ada = testing::person(&db, "Ada").await;
    let ants = TeamBuilder::new(&challenge, "Ants")
        .member(ada.id)
        .insert(&db)
        .await;
    entry(&db, &challenge, &ants, 1, 0.5).await;
    fold(&db, challenge.phase_id).await;
    let eve = testing::person(&db, "Eve").await;
    let waiting = TeamBuilder::new(&challenge, "Waiting").state("requested");
    waiting.member(eve.id).insert(&db).await;

    set(&db, "visibility = 'participants'").await;
    for stranger in [None, Some(&eve)] {
        let seen = board(&db, challenge.phase_id, stranger).await;
        assert!(
            seen["hidden"].is_string() && ranked(&seen).is_empty(),
            "{seen}"
        );
    }
    let seen = board(&db, challenge.phase_id, Some(&ada)).await;
    assert_eq!(ranked(&seen), [(Some(1), "Ants")]);

    set(&db, "visibility = 'organizers'").await;
    let path = format!("/api/v1/boards/{}", challenge.phase_id);
    assert_eq!(get(&db, &path, Some(&ada)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&db, "/api/v1/boards", Some(&ada)).await.1, "[]");
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    assert_eq!(get(&db, &path, Some(&olga)).await.0, StatusCode::OK);
}
