//! Two entries case by case: what is told, to whom, and of which version.

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use molar_testkit::{PhaseBuilder, noon};
use molar_web_kit::testing;
use serde_json::json;
use sqlx::PgPool;

use super::by_case::{PAGE, draw, entry, ia};
use super::spied::{World, rules};
use super::world::{challenge, fold_at, get, set};

async fn ask(db: &PgPool, query: &str) -> (StatusCode, String) {
    get(db, &format!("{PAGE}?{query}"), None).await
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn two_entries_are_compared_by_the_number_of_the_case_and_organizers_see_its_name(
    db: PgPool,
) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    entry(&db, &challenge, "Ants", &ia([0.5, 0.75])).await;
    entry(&db, &challenge, "<b>&", &ia([0.25, 0.8125])).await;
    fold_at(&db, challenge.phase_id, noon()).await;
    let (status, page) = ask(&db, "a=Ants&b=%3Cb%3E%26&metric=IA").await;
    assert_eq!(status, StatusCode::OK);
    // The largest difference first.
    let (first, second) = (page.find("+0.2500"), page.find("-0.0625"));
    assert!(first.is_some() && first < second, "{page}");
    assert!(
        page.contains("<strong>0.5000</strong>") && page.contains("<strong>0.8125</strong>"),
        "{page}"
    );
    assert!(
        page.contains("case 1") && !page.contains("Case_0"),
        "{page}"
    );
    assert!(!page.contains("<b>&") && page.contains("figure figure-wide"));
    assert!(!page.contains("<style") && !page.contains("style="));
    // The first two, where nothing is asked for.
    let (_, first_two) = get(&db, PAGE, None).await;
    assert!(first_two.contains("+0.2500"), "{first_two}");

    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    let (_, seen) = get(&db, PAGE, Some(&olga)).await;
    assert!(seen.contains("Case_01"), "{seen}");
    let (_, board) = get(&db, "/boards/sts/teeth/validation/figures", None).await;
    assert!(!board.contains(PAGE), "nothing is drawn yet: {board}");
    draw(&db, challenge.phase_id).await;
    let (_, board) = get(&db, "/boards/sts/teeth/validation/figures", None).await;
    assert!(board.contains(&format!("href=\"{PAGE}\"")), "{board}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_cannot_be_compared_is_told_at_the_form(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let (status, nobody) = get(&db, PAGE, None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(nobody.contains("Nobody is on this board yet"), "{nobody}");
    entry(&db, &challenge, "Ants", &ia([0.5, 0.5])).await;
    fold_at(&db, challenge.phase_id, noon() - TimeDelta::hours(2)).await;
    let (_, one) = ask(&db, "a=Ants&b=Ants").await;
    assert!(one.contains("There is one entry"), "{one}");
    entry(&db, &challenge, "Bees", &ia([0.5, 0.5])).await;
    fold_at(&db, challenge.phase_id, noon() - TimeDelta::hours(1)).await;
    for (query, told) in [
        ("a=Cats&b=Ants", "There is no entry of “<bdi>Cats</bdi>”"),
        ("a=Ants&b=%00", "There is no entry of “<bdi>"),
        (
            "b=%3Cscript%3E",
            "There is no entry of “<bdi>&#60;script&#62;</bdi>”",
        ),
        ("a=Ants&b=Ants", "not compared with itself"),
        (
            "a=Ants&b=Bees&metric=Nonsense",
            "There is no metric “<bdi>Nonsense</bdi>”",
        ),
        (
            "a=Ants&b=Bees&metric=image_DSC",
            "There is no metric “<bdi>image_DSC</bdi>”",
        ),
    ] {
        let (status, page) = ask(&db, query).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{query}");
        assert!(
            page.contains(told) && page.contains("<option value=\"Bees\""),
            "{query}: {page}"
        );
    }
    for query in ["a=Bees", "b=Ants", "a=&b=&metric=", "a=Bees&b=Ants"] {
        assert_eq!(ask(&db, query).await.0, StatusCode::OK, "{query}");
    }
    let (_, tied) = ask(&db, "").await;
    assert!(
        tied.contains("+0.0000") && !tied.contains("<strong>"),
        "{tied}"
    );
    let missing = get(&db, "/boards/sts/teeth/nothing/compare", None).await;
    assert_eq!(missing.0, StatusCode::NOT_FOUND);

    sqlx::query!("DELETE FROM scoring.case_scores")
        .execute(&db)
        .await
        .unwrap();
    let (status, without) = get(&db, PAGE, None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(without.contains("No case that both have"), "{without}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_ladder_compares_nothing_but_for_its_organizers(db: PgPool) {
    let world = World::new(&db).await;
    set(&db, &rules(json!({"ladder_step": 0.01}))).await;
    let query = format!("{PAGE}?a=Walruses&b=Otters");
    for person in [None, Some(&world.member)] {
        let (status, page) = get(&db, &query, person).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            page.contains("(a Ladder)") && !page.contains("0.8352") && !page.contains("Walruses"),
            "{page}"
        );
    }
    let (_, seen) = get(&db, &query, Some(&world.olga)).await;
    assert!(seen.contains("0.8352"), "{seen}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_frozen_board_compares_what_it_shows_and_a_team_that_was_taken_off_with_nobody(
    db: PgPool,
) {
    let mut world = World::new(&db).await;
    set(&db, "freezes_at = '2026-08-31 11:00:00Z'").await;
    let first = world.first.clone();
    world.hand_in(&db, &first, 1, 0.9, 0.9).await;
    world.fold(&db, 1).await;
    let query = "a=Walruses&b=Otters&metric=IA";
    let (_, frozen) = ask(&db, query).await;
    assert!(
        frozen.contains("<strong>0.8352</strong>") && !frozen.contains("0.9000"),
        "{frozen}"
    );
    let olga = format!("{PAGE}?{query}");
    let (_, seen) = get(&db, &olga, Some(&world.olga)).await;
    assert!(seen.contains("<strong>0.9000</strong>"), "{seen}");

    sqlx::query!(
        "UPDATE registration.participations p SET state = 'disqualified', reason = 'copied'
         FROM registration.teams t WHERE t.id = p.team_id AND t.name = 'Otters'"
    )
    .execute(&db)
    .await
    .unwrap();
    let (status, gone) = ask(&db, query).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        gone.contains("There is no entry of “<bdi>Otters</bdi>”")
            && !gone.contains("value=\"Otters\""),
        "{gone}"
    );
    assert!(!gone.contains("a team that is not on the board"), "{gone}");
}
