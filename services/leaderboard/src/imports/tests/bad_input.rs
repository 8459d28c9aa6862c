//! What makes no board leaves none, and says why.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sqlx::PgPool;

use super::{SMALL, World, fill};

/// All that is complained of, with its place.
fn told(problem: &Value) -> String {
    let errors = problem["errors"].as_array().into_iter().flatten();
    errors.fold(String::new(), |mut told, error| {
        let _ = writeln!(told, "{} {}", error["pointer"], error["detail"]);
        told
    })
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_bad_table_is_told_by_row_and_column_and_leaves_nothing(owner: PgPool) {
    let world = World::new(owner).await;
    let cases = [
        (
            "team,IA\nA,NaN\n",
            "row 1 (line 2), column `IA`: `NaN` is no number",
        ),
        (
            "team,IA\nA,0.5\nB\n",
            "row 2 (line 3): has 1 cells, the heading 2",
        ),
        (
            "team,IA\nA,0.5\nA,0.4\n",
            "the team `A` is already in row 1",
        ),
        (
            "team,seconds\nA,0.5\n",
            "`seconds`: is no metric that Molar knows",
        ),
        ("team,IA\n", "there is no row below the heading"),
        ("", "there is no column `team`"),
        ("team,IA,IA_rank\nA,,1\n", "no row has a value"),
        ("team,IA\nA\u{0},1\n", "has a control character"),
    ];
    for (table, expected) in cases {
        let (status, problem) = world.import(&world.body(table)).await;
        assert_eq!(status, 422, "{table}: {problem}");
        let told = told(&problem);
        assert!(
            told.contains(r#""/table""#) && told.contains(expected),
            "{table}: {told}"
        );
    }
    let large = format!("team,IA\n{}", "A,0.5\n".repeat(1 << 18));
    let (status, problem) = world.import(&world.body(&large)).await;
    assert_eq!(status, 422, "{problem}");
    assert!(told(&problem).contains("larger than 1024 KiB"), "{problem}");
    let beyond = format!("team,IA\n{}", "A,0.5\n".repeat(1 << 19));
    assert_eq!(world.import(&world.body(&beyond)).await.0, 413);
    assert_eq!(world.kept().await, (0, 0));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn all_that_is_wrong_beside_the_table_is_told_at_once(owner: PgPool) {
    let world = World::new(owner).await;
    let body = json!({
        "challenge": "sts", "slug": "Final!", "title": "", "source": "javascript:alert(1)",
        "note": "a\u{7}b", "replace": "", "table": "team\n",
    });
    let (status, problem) = world.import(&body).await;
    assert_eq!(status, 422);
    let told = told(&problem);
    for place in ["/slug", "/title", "/source", "/note", "/replace", "/table"] {
        assert!(told.contains(&format!("\"{place}\"")), "{place}: {told}");
    }
    let mut body = world.body(SMALL);
    for source in [
        "https://",
        "//molar.test/x",
        "https://organizers@other.test/",
        "data:text/html,x",
    ] {
        body["source"] = json!(source);
        assert_eq!(world.import(&body).await.0, 422, "{source}");
    }
    // Longer as it is kept than as it was typed.
    body["source"] = json!(format!("https://molar.test/{}", "ü".repeat(400)));
    assert_eq!(world.import(&body).await.0, 422);
    body["source"] = json!(null);
    body["challenge"] = json!("nowhere");
    assert_eq!(world.import(&body).await.0, 404);
    assert_eq!(world.kept().await, (0, 0));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_largest_table_that_is_taken_is_kept_and_shown(owner: PgPool) {
    let world = World::new(owner).await;
    let metrics: Vec<_> = (0..10)
        .map(|number| format!("image_NSD@{number}.5mm,image_NSD@{number}.5mm_rank"))
        .collect();
    let mut table = format!("team,mean_rank,final_rank,{}\n", metrics.join(","));
    // Every rank is wrong.
    for team in 0..1000 {
        let values: Vec<_> = (0..10)
            .map(|metric| format!("0.{},{}", 1000 + team * 7 % 9 + metric, 2000 + metric))
            .collect();
        let _ = writeln!(table, "team {team},3000,4000,{}", values.join(","));
    }
    let id = world.imported(&world.body(&table)).await;
    let board = world.json(&format!("/api/v1/boards/imported/{id}")).await;
    assert_eq!(board["rows"].as_array().unwrap().len(), 1000);
    let (status, page) = world.get("/boards/sts/final").await;
    assert_eq!((status, page.matches("<tr>").count()), (200, 1001));
    assert!(page.contains("12000 of 12000 published ranks"));
    for published in (2000..2010).chain([3000, 4000]) {
        let told = page.matches(&format!("published {published}<")).count();
        assert_eq!(told, 1000, "{published}");
    }
    assert!(page.len() < 4 << 20, "{}", page.len());
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn very_many_named_metrics_are_one_complaint(owner: PgPool) {
    let world = World::new(owner).await;
    let mut body = world.body(SMALL);
    let names = |count| json!((0..count).map(|at| format!("m{at}")).collect::<Vec<_>>());
    body["higher"] = names(100_000);
    let (status, problem) = world.import(&body).await;
    assert_eq!(
        (status, problem["errors"].as_array().unwrap().len()),
        (422, 1)
    );
    (body["higher"], body["lower"]) = (names(16), names(17));
    let (status, problem) = world.import(&body).await;
    assert_eq!(status, 422);
    assert_eq!(
        told(&problem),
        "\"/higher\" \"names 33 metrics with `lower`; 32 is the most\"\n"
    );
    assert_eq!(world.kept().await, (0, 0));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_challenge_has_a_hundred_imported_boards_at_most(owner: PgPool) {
    let world = World::new(owner).await;
    world.imported(&world.body(SMALL)).await;
    fill(&world.owner).await;
    let mut body = world.body(SMALL);
    body["slug"] = json!("one-more");
    let (status, problem) = world.import(&body).await;
    assert_eq!(status, 409, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("at most 100"),
        "{problem}"
    );
    body["slug"] = json!("final");
    body["replace"] = json!("one may still be replaced");
    assert_eq!(world.import(&body).await.0, 200);
}
