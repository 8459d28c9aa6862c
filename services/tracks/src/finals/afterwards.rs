//! What comes between naming, the due date, publication and later.

use serde_json::{Value, json};
use sqlx::PgPool;

use super::stage::Stage;

const THREE: &[(&str, Option<i32>)] = &[("Zoe", Some(1)), ("Bob", Some(2)), ("Cem", Some(3))];

async fn published(pool: &PgPool) -> Stage {
    let stage = Stage::of(pool, THREE).await;
    stage.name(2).await;
    stage.lock(pool, "Zoe").await;
    stage.lock(pool, "Bob").await;
    let (status, told) = stage.olga().post(&stage.path("publish"), json!({})).await;
    assert_eq!(status, 200, "{told}");
    stage
}

async fn hide_names(pool: &PgPool) {
    sqlx::query!("UPDATE tracks.phases SET board = '{\"names\": \"anonymous\"}'")
        .execute(pool)
        .await
        .unwrap();
}

async fn told(stage: &Stage) -> Vec<(String, Value)> {
    let (status, told) = stage.world.api.nobody().get(&stage.path("finalists")).await;
    assert_eq!(status, 200, "{told}");
    let all = told["finalists"].as_array().unwrap().iter();
    all.map(|of| (of["team"].as_str().unwrap().to_owned(), of["rank"].clone()))
        .collect()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_is_disqualified_later_has_won_nothing(pool: PgPool) {
    let stage = published(&pool).await;
    let zoe = stage.finalist("Zoe").await;
    sqlx::query!(
        "UPDATE registration.participations SET state = 'disqualified', reason = 'two accounts' WHERE team_id = $1",
        stage.team("Zoe").0
    )
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(told(&stage).await, [("Bob".to_owned(), json!(2))]);
    let nobody = stage.world.api.nobody();
    let dossier = format!("/api/v1/finalists/{zoe}/dossier");
    assert_eq!(nobody.get(&dossier).await.0, 404);
    let certificate = format!("/finalists/{zoe}/certificates/0");
    assert_eq!(stage.olga().page(&certificate).await.0, 404);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn where_the_board_has_pseudonyms_winners_are_named_and_their_ranks_are_not(pool: PgPool) {
    let stage = published(&pool).await;
    hide_names(&pool).await;
    let names = ["Bob", "Zoe"].map(|name| (name.to_owned(), Value::Null));
    assert_eq!(told(&stage).await, names);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn where_the_board_has_pseudonyms_who_is_awarded_is_told_and_which_place_is_not(
    pool: PgPool,
) {
    let stage = Stage::of(&pool, THREE).await;
    hide_names(&pool).await;
    stage.name(2).await;
    let (zoe, bob) = (
        stage.lock(&pool, "Zoe").await,
        stage.lock(&pool, "Bob").await,
    );
    let places = json!([{"finalist_id": zoe, "place": 1}, {"finalist_id": bob, "place": 2}]);
    let awards = json!({"awards": [{"title": "Best method", "places": places}]});
    let (status, set) = stage.olga().put(&stage.path("awards"), awards).await;
    assert_eq!(status, 200, "{set}");
    let (status, told) = stage.olga().post(&stage.path("publish"), json!({})).await;
    assert_eq!(status, 200, "{told}");

    let by_name = json!([
        {"finalist_id": bob, "team": "Bob", "place": null},
        {"finalist_id": zoe, "team": "Zoe", "place": null},
    ]);
    let by_place = json!([
        {"finalist_id": zoe, "team": "Zoe", "place": 1},
        {"finalist_id": bob, "team": "Bob", "place": 2},
    ]);
    let nobody = stage.world.api.nobody();
    for (who, seen) in [
        (&nobody, &by_name),
        (&stage.member("Cem"), &by_name),
        (&stage.member("Zoe"), &by_name),
        (&stage.olga(), &by_place),
    ] {
        let (_, finals) = who.get(&stage.path("finalists")).await;
        assert_eq!(&finals["awards"][0]["places"], seen, "{finals}");
    }
    let page = format!("/finals/{}", stage.demo.phase_id);
    let (_, html) = nobody.page(&page).await;
    assert!(
        html.contains("Best method") && html.contains("<li><bdi>Zoe</bdi></li>"),
        "{html}"
    );
    assert!(!html.contains("<li value="), "{html}");
    let (_, html) = stage.olga().page(&page).await;
    assert!(
        html.contains(r#"<li value="1"><bdi>Zoe</bdi>"#) && html.contains("pseudonyms"),
        "{html}"
    );

    let certificate = format!("/finalists/{zoe}/certificates/0");
    let (status, own) = stage.member("Zoe").page(&certificate).await;
    assert_eq!(status, 200, "{own}");
    assert!(
        own.contains("was awarded <strong><bdi>Best method</bdi></strong>")
            && own.contains("was a finalist"),
        "{own}"
    );
    assert!(!own.contains("1st"), "{own}");
    let (_, all) = stage.olga().page(&certificate).await;
    assert!(
        all.contains("<strong>1st place</strong>") && all.contains("ranked <strong>1st</strong>"),
        "{all}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn ranks_are_those_of_the_board_when_it_is_published(pool: PgPool) {
    let stage = Stage::of(&pool, THREE).await;
    stage.name(2).await;
    stage.lock(&pool, "Zoe").await;
    let bob = stage.lock(&pool, "Bob").await;
    let rank = async |team, rank: Option<i32>| {
        sqlx::query!(
            "UPDATE leaderboard.entries SET final_rank = $2, is_eligible = $2::int IS NOT NULL,
                    out_reason = CASE WHEN $2::int IS NULL THEN 'out' END
             WHERE team_id = $1",
            stage.team(team).0,
            rank,
        )
        .execute(&pool)
        .await
        .unwrap();
    };
    rank("Zoe", Some(2)).await;
    rank("Bob", None).await;
    let publish = stage.path("publish");
    let (status, refused) = stage.olga().post(&publish, json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("ranking-moved")));
    assert!(
        refused["detail"].as_str().unwrap().contains("Bob"),
        "{refused}"
    );
    rank("Bob", Some(1)).await;
    let (status, refused) = stage.olga().post(&publish, json!({})).await;
    assert_eq!(status, 200, "{refused}");
    let expected = [("Bob", 1), ("Zoe", 2)].map(|(team, rank)| (team.to_owned(), json!(rank)));
    assert_eq!(told(&stage).await, expected);
    let path = format!("/finalists/{bob}/certificates/0");
    assert!(stage.olga().page(&path).await.1.contains("1st"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_moves_up_after_the_due_date_fills_its_dossier_all_the_same(pool: PgPool) {
    let stage = Stage::of(&pool, THREE).await;
    stage.name(1).await;
    sqlx::query!("UPDATE tracks.finals SET dossiers_due_at = named_at")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query!("UPDATE tracks.finalists SET named_at = named_at - interval '1 day' WHERE named_at IS NOT NULL")
        .execute(&pool)
        .await
        .unwrap();
    let zoe = stage.finalist("Zoe").await;
    let late = stage.member("Zoe");
    let path = format!("/api/v1/finalists/{zoe}/dossier");
    let body = super::stage::dossier(Some(true));
    assert_eq!(late.put(&path, body.clone()).await.0, 409);
    let unlock = format!("/api/v1/finalists/{zoe}/unlock");
    let reason = json!({"reason": "the mail was lost"});
    assert_eq!(stage.olga().post(&unlock, reason.clone()).await.0, 200);
    assert_eq!(late.put(&path, body).await.0, 200);

    let strike = format!("/api/v1/finalists/{zoe}/strike");
    assert_eq!(stage.olga().post(&strike, reason).await.0, 200);
    stage.fill("Bob").await;
}
