use serde_json::{Value, json};
use sqlx::PgPool;

use super::stage::Stage;

fn teams(finals: &Value) -> Vec<&str> {
    let all = finals["finalists"].as_array().unwrap().iter();
    all.map(|of| of["team"].as_str().unwrap()).collect()
}

fn standing(finals: &Value) -> Vec<&str> {
    let all = finals["finalists"].as_array().unwrap().iter();
    all.filter(|of| of["is_struck"] == false)
        .map(|of| of["team"].as_str().unwrap())
        .collect()
}

const FIVE: &[(&str, Option<i32>)] = &[
    ("Ada", Some(1)),
    ("Bob", Some(2)),
    ("Cem", Some(2)),
    ("Dan", Some(4)),
    ("Eve", None),
];

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_first_are_named_once_ties_included_and_nobody_out_of_competition(pool: PgPool) {
    let stage = Stage::of(&pool, FIVE).await;
    let path = stage.path("finalists");
    for wrong in [json!({}), json!({"top": 0}), json!({"top": 1001})] {
        let (status, refused) = stage.olga().post(&path, wrong).await;
        assert_eq!(
            (status, &refused["errors"][0]["pointer"]),
            (422, &json!("/top"))
        );
    }
    let named = stage.name(2).await;
    assert_eq!(teams(&named), ["Ada", "Bob", "Cem"]);
    assert_eq!(named["ranking_version"], 7);
    let (status, again) = stage.olga().post(&path, json!({"top": 3})).await;
    assert_eq!((status, &again["code"]), (409, &json!("finalists-named")));
    let audited =
        sqlx::query_scalar!("SELECT details FROM audit.entries WHERE action = 'finalists.named'");
    let audited = audited.fetch_one(&pool).await.unwrap();
    assert_eq!(audited["teams"].as_array().unwrap().len(), 3);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_lost_its_place_is_not_named_and_an_open_phase_names_nobody(pool: PgPool) {
    let stage = Stage::of(&pool, FIVE).await;
    sqlx::query!(
        "UPDATE registration.participations SET state = 'disqualified', reason = 'two accounts' WHERE team_id = $1",
        stage.team("Ada").0
    )
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query!("UPDATE tracks.phases SET closes_at = closes_at + interval '9 days'")
        .execute(&pool)
        .await
        .unwrap();
    let (status, refused) = stage
        .olga()
        .post(&stage.path("finalists"), json!({"top": 1}))
        .await;
    assert_eq!(status, 409, "{refused}");
    sqlx::query!("UPDATE tracks.phases SET closes_at = closes_at - interval '9 days'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(teams(&stage.name(1).await), ["Bob", "Cem"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn when_one_is_struck_the_next_moves_up(pool: PgPool) {
    let stage = Stage::of(&pool, FIVE).await;
    stage.name(1).await;
    let ada = stage.finalist("Ada").await;
    let path = format!("/api/v1/finalists/{ada}/strike");
    let (status, refused) = stage.olga().post(&path, json!({})).await;
    assert_eq!(
        (status, &refused["errors"][0]["pointer"]),
        (422, &json!("/reason"))
    );
    let reason = json!({"reason": "code is not theirs"});
    let (status, struck) = stage.olga().post(&path, reason.clone()).await;
    assert_eq!(
        (status, standing(&struck)),
        (200, vec!["Bob", "Cem"]),
        "{struck}"
    );
    assert_eq!(stage.olga().post(&path, reason).await.0, 409);
    // Its team reads why; the others do not learn that it was one.
    let (_, own) = stage.member("Ada").get(&stage.path("finalists")).await;
    assert_eq!(own["finalists"][0]["struck_reason"], "code is not theirs");
    let (_, other) = stage.member("Bob").get(&stage.path("finalists")).await;
    assert_eq!(teams(&other), ["Bob"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn before_it_is_published_a_team_learns_of_itself_and_no_rank(pool: PgPool) {
    let stage = Stage::of(&pool, FIVE).await;
    let path = stage.path("finalists");
    assert_eq!(stage.olga().get(&path).await.0, 404);
    stage.name(1).await;
    let (status, own) = stage.member("Ada").get(&path).await;
    assert_eq!((status, teams(&own)), (200, vec!["Ada"]));
    let text = own.to_string();
    assert_eq!(own["finalists"][0]["rank"], Value::Null, "{text}");
    assert_eq!(own["ranking_version"], Value::Null, "{text}");
    for nobody in [stage.member("Bob"), stage.world.api.nobody()] {
        assert_eq!(nobody.get(&path).await.0, 404);
        let page = format!("/finals/{}", stage.demo.phase_id);
        assert_eq!(nobody.page(&page).await.0, 404);
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn one_act_publishes_ranks_finalists_and_awards(pool: PgPool) {
    let stage = Stage::of(&pool, FIVE).await;
    stage.name(1).await;
    let publish = stage.path("publish");
    let (status, refused) = stage.olga().post(&publish, json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("dossiers-open")));
    assert!(
        refused["detail"].as_str().unwrap().contains("Ada"),
        "{refused}"
    );
    let ada = stage.lock(&pool, "Ada").await;
    let awards =
        json!({"awards": [{"title": "Best method", "places": [{"finalist_id": ada, "place": 1}]}]});
    assert_eq!(
        stage
            .olga()
            .put(&stage.path("awards"), awards.clone())
            .await
            .0,
        200
    );
    let (status, published) = stage
        .olga()
        .post(&publish, json!({"reason": "at the workshop"}))
        .await;
    assert_eq!(
        (status, &published["state"]),
        (200, &json!("published")),
        "{published}"
    );

    let (status, told) = stage.world.api.nobody().get(&stage.path("finalists")).await;
    assert_eq!((status, &told["finalists"][0]["rank"]), (200, &json!(1)));
    assert_eq!(told["awards"][0]["places"][0]["team"], "Ada");
    let audited =
        sqlx::query_scalar!("SELECT details FROM audit.entries WHERE action = 'phase.published'");
    let audited = audited.fetch_all(&pool).await.unwrap();
    assert_eq!(audited.len(), 1);
    assert_eq!(audited[0]["finals"]["awards"][0]["title"], "Best method");
    assert_eq!(audited[0]["finals"]["finalists"][0]["rank"], 1);
    // To whoever does not see the board it is told as little as the board.
    sqlx::query!("UPDATE tracks.phases SET visibility = 'participants'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(
        stage
            .world
            .api
            .nobody()
            .get(&stage.path("finalists"))
            .await
            .0,
        404
    );
    assert_eq!(
        stage
            .world
            .api
            .nobody()
            .page(&format!("/finalists/{ada}"))
            .await
            .0,
        404
    );
    assert_eq!(
        teams(&stage.member("Bob").get(&stage.path("finalists")).await.1),
        ["Ada"]
    );
    // What is published stays.
    let strike = format!("/api/v1/finalists/{ada}/strike");
    for (status, refused) in [
        stage.olga().post(&strike, json!({"reason": "late"})).await,
        stage.olga().put(&stage.path("awards"), awards).await,
    ] {
        assert_eq!(
            (status, &refused["code"]),
            (409, &json!("finals-published"))
        );
    }
    let unlock = format!("/api/v1/finalists/{ada}/unlock");
    assert_eq!(
        stage
            .olga()
            .post(&unlock, json!({"reason": "late"}))
            .await
            .0,
        409
    );
}

fn hidden<'a>(html: &'a str, name: &str) -> &'a str {
    let start = format!(r#"name="{name}" value=""#);
    let (_, rest) = html.split_once(&start).unwrap();
    rest.split_once('"').unwrap().0
}

/// Nobody files for a place in a ranking that is moved behind their back.
#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_end_of_a_phase_stays_once_its_finalists_are_named(pool: PgPool) {
    let stage = Stage::of(&pool, FIVE).await;
    let path = format!("/api/v1/phases/{}", stage.demo.phase_id);
    let moved = |at: &str| json!({"closes_at": at, "reason": "a power cut"});
    let (status, later) = stage
        .olga()
        .patch(&path, moved("2026-08-31T10:00:00Z"))
        .await;
    assert_eq!(status, 200, "{later}");
    stage.name(1).await;
    for at in ["2026-08-31T11:00:00Z", "2026-09-09T10:00:00Z"] {
        let (status, refused) = stage.olga().patch(&path, moved(at)).await;
        assert_eq!(
            (status, &refused["code"]),
            (409, &json!("finalists-named")),
            "{refused}"
        );
    }
    let quota = json!({"quota": {"concurrent": 9}, "reason": "a power cut"});
    assert_eq!(stage.olga().patch(&path, quota).await.0, 200);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn organizers_do_all_of_it_on_the_page(pool: PgPool) {
    let stage = Stage::of(&pool, FIVE).await;
    let page = format!("/finals/{}", stage.demo.phase_id);
    let browser = stage.world.api.browser(&stage.olga);
    let name = format!("/organize/phases/{}/finalists", stage.demo.phase_id);
    let (status, html) = browser.submit(&page, &name, &[("top", "many")]).await;
    assert_eq!(status, 422);
    assert!(html.contains("must be a number"), "{html}");
    let (status, to) = browser.submit(&page, &name, &[("top", "1")]).await;
    assert_eq!((status, to.as_str()), (303, page.as_str()));
    let ada = stage.lock(&pool, "Ada").await;
    let award = format!("/organize/phases/{}/awards", stage.demo.phase_id);
    let place = format!("place-{ada}");
    let (_, html) = browser.page(&page).await;
    let before = hidden(&html, "instead_of").to_owned();
    let fields = [
        ("title", "Best <method>"),
        (place.as_str(), "1"),
        ("instead_of", before.as_str()),
    ];
    assert_eq!(browser.submit(&page, &award, &fields).await.0, 303);
    let (_, html) = browser.page(&page).await;
    assert!(html.contains("Best &#60;method&#62;"), "{html}");
    // Whoever looked before it changed is told, and changes nothing.
    let (status, late) = browser.submit(&page, &award, &fields).await;
    assert_eq!(status, 422);
    assert!(late.contains("have changed since you looked"), "{late}");
    assert_eq!(late.matches("Best &#60;method&#62;").count(), 1, "{late}");
    let remove = [("remove", "0"), ("instead_of", hidden(&html, "instead_of"))];
    assert_eq!(browser.submit(&page, &award, &remove).await.0, 303);
    let (_, html) = browser.page(&page).await;
    assert!(html.contains("No award was named"), "{html}");
    let act = format!("/organize/finalists/{ada}");
    let (status, html) = browser.submit(&page, &act, &[("act", "strike")]).await;
    assert_eq!(status, 422);
    assert!(html.contains("say why"), "{html}");
}
