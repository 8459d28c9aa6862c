//! A board on hidden cases whose final is not published yet.

use molar_testkit::PhaseBuilder;
use molar_web_kit::testing::Person;
use sqlx::PgPool;

use super::spied::World;

async fn text(db: &PgPool, world: &World, person: Option<&Person>) -> String {
    let answers = world.answers(db, person).await.into_iter();
    let told = answers.map(|(route, answer)| format!("{route}\n{answer}\n"));
    told.collect()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_that_waits_for_a_publication_tells_nothing_before_it(db: PgPool) {
    let world = World::new(&db).await;
    let last = PhaseBuilder::new("finale").is_final();
    let last = last.insert(&db, &world.challenge).await;
    // What a process has kept of it while it was open is not told, either.
    assert!(text(&db, &world, None).await.contains("Walruses"));
    sqlx::query!(
        "UPDATE tracks.phases SET opens_after = $1 WHERE id <> $1",
        last.0
    )
    .execute(&db)
    .await
    .unwrap();
    let secrets = [world.all(), vec!["Plain".into()]].concat();
    for person in [None, Some(&world.stranger), Some(&world.member)] {
        for (route, answer) in world.answers(&db, person).await {
            // The question is in the answer that there is nothing to compare with.
            let answer = answer.replace("baseline=Plain", "");
            let told: Vec<_> = secrets.iter().filter(|one| is_in(&answer, one)).collect();
            assert!(told.is_empty(), "{route} tells {told:?}:\n{answer}");
        }
    }
    assert!(
        text(&db, &world, Some(&world.olga))
            .await
            .contains("Walruses")
    );
    sqlx::query!(
        "UPDATE tracks.phases SET published_at = '2026-09-01 12:00:00Z' WHERE id = $1",
        last.0
    )
    .execute(&db)
    .await
    .unwrap();
    assert!(text(&db, &world, None).await.contains("Walruses"));
}

/// As in the test of all modes: headers and words of the API are not a ranking's.
fn is_in(answer: &str, secret: &str) -> bool {
    let answer = answer.replace("api/v1", "");
    match secret {
        "version" => answer.contains("\"version\""),
        secret => answer.contains(secret),
    }
}
