use molar_web_kit::testing::person;
use sqlx::PgPool;

use crate::testing::{Api, challenge, new_agreement, sign, signature, team};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_newcomer_signs_makes_a_team_and_asks(pool: PgPool) {
    let api = Api::new(&pool).await;
    let demo = challenge(&pool).await;
    let ada = person(&pool, "Ada").await;
    let browser = api.browser(&ada);
    let (_, html) = browser.page("/join/demo").await;
    assert!(html.contains("Version 1: for research only."), "{html}");
    assert!(
        !html.contains("/join/demo/participation"),
        "sign first: {html}"
    );

    let signature = signature("1");
    let hash = signature["text_sha256"].as_str().unwrap();
    let mut fields = vec![
        ("version", "1"),
        ("text_sha256", hash),
        ("name", "Ada"),
        ("affiliation", ""),
    ];
    let (status, html) = browser
        .submit("/join/demo", "/join/demo/agreement", &fields)
        .await;
    assert_eq!(status, 422);
    assert!(
        html.contains("must have 1 to 200 characters, has 0"),
        "{html}"
    );
    fields[3].1 = "Analytical Society";
    let back = (303, "/join/demo".to_owned());
    assert_eq!(
        browser
            .submit("/join/demo", "/join/demo/agreement", &fields)
            .await,
        back
    );

    let team = [("team", "Molars")];
    assert_eq!(
        browser.submit("/join/demo", "/join/demo/team", &team).await,
        back
    );
    let (status, html) = browser.submit("/join/demo", "/join/demo/team", &team).await;
    assert_eq!(status, 422);
    assert!(
        html.contains("the challenge has a team of this name already"),
        "{html}"
    );

    let team = api.of(&ada).get("/api/v1/teams").await.1["items"][0]["id"].clone();
    let track = demo.track.to_string();
    let place = [
        ("team_id", team.as_str().unwrap()),
        ("track_id", track.as_str()),
    ];
    assert_eq!(
        browser
            .submit("/join/demo", "/join/demo/participation", &place)
            .await,
        back
    );
    let (_, html) = browser.page("/join/demo").await;
    assert!(html.contains("badge-requested"), "{html}");
    let (status, html) = browser
        .submit("/join/demo", "/join/demo/participation", &place)
        .await;
    assert_eq!(status, 422);
    assert!(
        html.contains("the team has asked for this place already"),
        "{html}"
    );
    assert_eq!(browser.page("/join/none").await.0, 404);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_new_version_says_what_it_changed_and_asks_again(pool: PgPool) {
    let api = Api::new(&pool).await;
    let demo = challenge(&pool).await;
    let ada = person(&pool, "Ada").await;
    sign(&api, &ada).await;
    let browser = api.browser(&ada);
    let (_, html) = browser.page("/join/demo").await;
    assert!(!html.contains("What changed"), "{html}");
    new_agreement(&pool, &demo, "2").await;
    let (_, html) = browser.page("/join/demo").await;
    assert!(html.contains("What changed since version 1"), "{html}");
    assert!(
        html.contains("<del><bdi>Version 1: for research only."),
        "{html}"
    );
    assert!(
        html.contains("<ins><bdi>Version 2: for research only."),
        "{html}"
    );
    sign(&api, &ada).await;
    let (_, html) = browser.page("/join/demo").await;
    assert!(!html.contains("What changed"), "{html}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_is_wrong_with_an_answer_stands_at_its_field(pool: PgPool) {
    let api = Api::new(&pool).await;
    let demo = challenge(&pool).await;
    sqlx::query!(
        r#"UPDATE tracks.tracks SET questions = '[
            {"id": "lab", "text": "Which lab?", "required": true, "kind": "text"},
            {"id": "data", "text": "Which data?", "kind": "choice", "choices": ["public", "own"]}]'
           WHERE id = $1"#,
        demo.track.0
    )
    .execute(&pool)
    .await
    .unwrap();
    let ada = person(&pool, "Ada").await;
    sign(&api, &ada).await;
    let molars = team(&api, &ada, "Molars").await;
    let browser = api.browser(&ada);
    let (_, html) = browser.page("/join/demo").await;
    assert!(
        html.contains("Which lab?") && html.contains(">own</option>"),
        "{html}"
    );

    let track = demo.track.to_string();
    let mut fields = vec![
        ("team_id", molars.as_str()),
        ("track_id", track.as_str()),
        ("answer-lab", ""),
        ("answer-data", "own"),
    ];
    let path = "/join/demo/participation";
    let (status, html) = browser.submit("/join/demo", path, &fields).await;
    assert_eq!(status, 422);
    assert!(
        html.contains("the organizers ask for an answer: Which lab?"),
        "{html}"
    );
    assert!(
        html.contains("<option value=\"own\" dir=\"auto\" selected>own</option>"),
        "kept: {html}"
    );
    fields[2].1 = "Ours";
    let (status, to) = browser.submit("/join/demo", path, &fields).await;
    assert_eq!((status, to.as_str()), (303, "/join/demo"));
}
