use serde_json::json;
use sqlx::PgPool;

use crate::finals::stage::Stage;

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn only_who_stands_is_awarded_and_what_is_wrong_changes_nothing(pool: PgPool) {
    let stage = Stage::of(
        &pool,
        &[("Ada", Some(1)), ("Bob", Some(2)), ("Cem", Some(3))],
    )
    .await;
    let path = stage.path("awards");
    assert_eq!(stage.olga().put(&path, json!({"awards": []})).await.0, 404);
    stage.name(2).await;
    let (ada, bob) = (stage.finalist("Ada").await, stage.finalist("Bob").await);
    let of = |places: serde_json::Value| json!({"awards": [{"title": "Best", "places": places}]});
    let both = of(json!([{"finalist_id": ada, "place": 1}, {"finalist_id": bob, "place": 2}]));
    let (status, set) = stage.olga().put(&path, both.clone()).await;
    assert_eq!(
        (status, set[0]["places"].as_array().unwrap().len()),
        (200, 2)
    );

    let other = stage.demo.phase_id;
    for (wrong, at) in [
        (of(json!([])), "/awards/0/places"),
        (
            of(json!([{"finalist_id": other, "place": 1}])),
            "/awards/0/places/0/finalist_id",
        ),
        (
            of(json!([{"finalist_id": ada, "place": 0}])),
            "/awards/0/places/0/place",
        ),
        (
            of(json!([{"finalist_id": ada, "place": 1}, {"finalist_id": ada, "place": 2}])),
            "/awards/0/places/1/finalist_id",
        ),
    ] {
        let (status, refused) = stage.olga().put(&path, wrong).await;
        assert_eq!(
            (status, &refused["errors"][0]["pointer"]),
            (422, &json!(at)),
            "{refused}"
        );
    }
    let (_, finals) = stage.olga().get(&stage.path("finalists")).await;
    assert_eq!(finals["awards"], set);

    // Who has seen what stands there changes that; who has not is told.
    let mut again = both.clone();
    again["instead_of"] = finals["awards_tag"].clone();
    assert_eq!(stage.olga().put(&path, again).await.0, 200);
    let mut late = both.clone();
    late["instead_of"] = json!("0".repeat(32));
    let (status, refused) = stage.olga().put(&path, late).await;
    assert_eq!((status, &refused["code"]), (409, &json!("awards-changed")));

    // A struck team loses what it was awarded, and takes no other.
    let strike = format!("/api/v1/finalists/{ada}/strike");
    stage.olga().post(&strike, json!({"reason": "late"})).await;
    let (_, finals) = stage.olga().get(&stage.path("finalists")).await;
    assert_eq!(
        finals["awards"][0]["places"].as_array().unwrap().len(),
        1,
        "{finals}"
    );
    assert_eq!(stage.olga().put(&path, both).await.0, 422);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn certificates_are_the_teams_own_once_published_and_organizers_before(pool: PgPool) {
    let stage = Stage::of(&pool, &[("Ada", Some(1)), ("Bob", Some(2))]).await;
    stage.name(1).await;
    let ada = stage.lock(&pool, "Ada").await;
    let awards =
        json!({"awards": [{"title": "Best method", "places": [{"finalist_id": ada, "place": 2}]}]});
    stage.olga().put(&stage.path("awards"), awards).await;
    let path = |number: usize| format!("/finalists/{ada}/certificates/{number}");
    let (status, draft) = stage.olga().page(&path(0)).await;
    assert_eq!(status, 200);
    assert!(draft.contains("not published yet"), "{draft}");
    assert_eq!(stage.member("Ada").page(&path(0)).await.0, 404);
    stage.olga().post(&stage.path("publish"), json!({})).await;

    let (status, own) = stage.member("Ada").page(&path(1)).await;
    assert_eq!(status, 200, "{own}");
    for words in [
        "<bdi>Ada</bdi>",
        "2nd place",
        "Best method",
        "ranked <strong>1st</strong>",
        "1 September 2026",
    ] {
        assert!(own.contains(words), "{words}: {own}");
    }
    assert!(!own.contains("Draft"), "{own}");
    // There is one author.
    assert_eq!(stage.member("Ada").page(&path(2)).await.0, 404);
    assert_eq!(stage.member("Bob").page(&path(0)).await.0, 404);
    let (status, css) = stage
        .world
        .api
        .nobody()
        .page("/finalists/certificate.css")
        .await;
    assert_eq!(status, 200);
    assert!(css.contains("A4 landscape"));
}
