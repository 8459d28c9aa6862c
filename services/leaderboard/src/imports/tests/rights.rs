//! Who may import and remove.

use molar_testkit::ChallengeBuilder;
use molar_web_kit::testing;
use serde_json::json;
use sqlx::PgPool;

use super::{SMALL, World};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn organizers_of_the_challenge_and_administrators_import_and_remove_and_nobody_else(
    owner: PgPool,
) {
    let world = World::new(owner).await;
    let jaws = ChallengeBuilder::new("jaws").insert(&world.owner).await;
    let stranger = testing::person(&world.owner, "Stranger").await;
    let orla = testing::organizer(&world.owner, "Orla", jaws.id).await;
    let rita = testing::organizer(&world.owner, "Rita", world.challenge.id).await;
    sqlx::query!(
        "UPDATE registration.challenge_roles SET role = 'reviewer' WHERE user_id = $1",
        rita.id.0
    )
    .execute(&world.owner)
    .await
    .unwrap();
    let anna = testing::admin(&world.owner, "Anna").await;
    let path = "/api/v1/boards/imported";
    let body = world.body(SMALL);
    assert_eq!(world.post(path, None, None, &body).await.0, 401);
    for person in [&stranger, &orla, &rita] {
        assert_eq!(world.post(path, Some(person), None, &body).await.0, 403);
    }
    assert_eq!(world.kept().await, (0, 0));
    let (status, made) = world.post(path, Some(&anna), None, &body).await;
    assert_eq!(status, 201, "{made}");

    let remove = format!("{path}/{}/remove", made["id"].as_str().unwrap());
    let reason = json!({"reason": "of a test"});
    assert_eq!(world.post(&remove, None, None, &reason).await.0, 401);
    for person in [&stranger, &orla, &rita] {
        assert_eq!(
            world.post(&remove, Some(person), None, &reason).await.0,
            403
        );
    }
    assert_eq!(world.kept().await, (1, 1));
    let done = world.post(&remove, Some(&world.olga), None, &reason).await;
    assert_eq!(done.0, 200, "{}", done.1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn two_challenges_may_use_one_name_and_each_replaces_its_own(owner: PgPool) {
    let world = World::new(owner).await;
    let jaws = ChallengeBuilder::new("jaws").insert(&world.owner).await;
    let orla = testing::organizer(&world.owner, "Orla", jaws.id).await;
    world.imported(&world.body(SMALL)).await;
    let path = "/api/v1/boards/imported";
    let mut body = world.body("team,IA\nTheirs,0.5\n");
    body["challenge"] = json!("jaws");
    body["replace"] = json!("to see whether it is ours");
    assert_eq!(world.post(path, Some(&orla), None, &body).await.0, 404);
    body["replace"] = json!(null);
    assert_eq!(world.post(path, Some(&orla), None, &body).await.0, 201);
    let (_, ours) = world.get("/boards/sts/final").await;
    let (_, theirs) = world.get("/boards/jaws/final").await;
    assert!(!ours.contains("Theirs") && theirs.contains("Theirs"));
}
