//! What people see of an imported board.

use molar_web_kit::testing::{self, TURNING, turned};
use serde_json::json;
use sqlx::PgPool;

use super::{SMALL, World};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn names_are_text_and_isolated_whatever_is_in_them(owner: PgPool) {
    let world = World::new(owner).await;
    let long = "x".repeat(200);
    let table = format!(
        "team,<i>points</i>\n\"<script>alert(1)</script>\",2\nשן \u{202e}קבוצה,1\n🦷,0.5\n{long},0.25\n=HYPERLINK(1),\n"
    );
    let mut body = world.body(&table);
    body["higher"] = json!(["<i>points</i>"]);
    body["title"] = json!("<b>Final</b>");
    body["note"] = json!("<u>of 2024</u>");
    body["source"] = json!("https://example.test/?a=\"><script>alert(2)</script>");
    let id = world.imported(&body).await;
    let (status, page) = world.get("/boards/sts/final").await;
    assert_eq!(status, 200);
    for markup in ["<script>alert", "<i>points", "<b>Final", "<u>of"] {
        assert!(!page.contains(markup), "{markup} in {page}");
    }
    for name in ["שן \u{202e}קבוצה", "🦷", &long] {
        assert!(
            page.contains(&format!("<bdi>{name}</bdi>")),
            "{name} in {page}"
        );
    }
    assert!(
        page.contains("ranked anew from a published table; not measured here"),
        "{page}"
    );
    // No rank was published with it.
    assert!(
        !page.contains("published ranks") && !page.contains(">published "),
        "{page}"
    );
    let (_, csv) = world
        .get(&format!("/api/v1/boards/imported/{id}.csv"))
        .await;
    assert!(csv.contains("\n'=HYPERLINK(1),,5,5,5\n"), "{csv}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_name_of_a_column_turns_those_that_it_is_told_with(owner: PgPool) {
    let world = World::new(owner).await;
    let mut body = world.body(&format!("team,IA,{TURNING},points,seconds\nA,0.9,,,3\n"));
    body["lower"] = json!([TURNING, "seconds"]);
    body["higher"] = json!(["points"]);
    world.imported(&body).await;
    let (_, page) = world.get("/boards/sts/final").await;
    assert!(turned(&page).is_empty(), "{:?}", turned(&page));
    for told in [
        format!("less of <bdi>{TURNING}</bdi> and <bdi>seconds</bdi>."),
        format!("No entry has <bdi>{TURNING}</bdi>, <bdi>points</bdi>, which"),
    ] {
        assert!(page.contains(&told), "{told} in {page}");
    }
}

/// Teams in the order of the page.
fn teams(page: &str) -> Vec<&str> {
    let cells = page.split(r#"<th scope="row" class="team"><bdi>"#).skip(1);
    cells.map(|cell| cell.split_once('<').unwrap().0).collect()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn each_column_orders_the_page_and_what_is_missing_goes_last(owner: PgPool) {
    let world = World::new(owner).await;
    let table = "team,IA,rank\nb,0.9,30\nc,0.8,20\nA,,10\n";
    let mut body = world.body(table);
    body["lower"] = json!(["rank"]);
    world.imported(&body).await;
    let page = async |query: &str| world.get(&format!("/boards/sts/final{query}")).await.1;
    let by_rank = page("").await;
    // b: 1 and 3, c: 2 and 2, A: 3 and 1.
    assert_eq!(teams(&by_rank), ["b", "c", "A"]);
    assert!(by_rank.contains(r#"aria-sort="ascending""#), "{by_rank}");
    for (query, expected) in [
        ("?sort=team", ["A", "b", "c"]),
        ("?sort=team&dir=desc", ["c", "b", "A"]),
        ("?sort=metric-1", ["b", "c", "A"]),
        ("?sort=metric-1&dir=asc", ["c", "b", "A"]),
        ("?sort=metric-2", ["A", "c", "b"]),
        ("?sort=metric-2&dir=desc", ["b", "c", "A"]),
        ("?sort=metric-3&dir=desc", ["b", "c", "A"]),
        ("?sort=%3Cscript%3E", ["b", "c", "A"]),
    ] {
        assert_eq!(teams(&page(query).await), expected, "{query}");
    }
    let page = page("?sort=metric-2").await;
    assert!(
        page.contains("/boards/sts/final?sort=metric-2&#38;dir=desc"),
        "{page}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_list_of_boards_tells_imported_ones_also_of_a_challenge_without_phases(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, before) = world.get("/boards").await;
    assert!(
        !before.contains("Imported from published tables"),
        "{before}"
    );
    sqlx::query!(
        "INSERT INTO tracks.challenges (id, slug, title, summary, zone, created_at, updated_at)
         VALUES (gen_random_uuid(), 'past', 'A past one', 'It is over.', 'Europe/Berlin', now(), now())"
    )
    .execute(&world.owner)
    .await
    .unwrap();
    let anna = testing::admin(&world.owner, "Anna").await;
    let path = "/api/v1/boards/imported";
    for (challenge, title) in [("past", "Final of 2023"), ("sts", "Final of 2024")] {
        let mut body = world.body(SMALL);
        body["challenge"] = json!(challenge);
        body["title"] = json!(title);
        assert_eq!(world.post(path, Some(&anna), None, &body).await.0, 201);
    }
    let (_, index) = world.get("/boards").await;
    for link in [
        r#"<a href="/boards/past/final"><bdi>Final of 2023</bdi></a>"#,
        r#"<a href="/boards/sts/final"><bdi>Final of 2024</bdi></a>"#,
        "<h2><bdi>A past one</bdi></h2>",
        "imported on 1 September 2026",
    ] {
        assert!(index.contains(link), "{link} in {index}");
    }
    assert_eq!(index.matches("<h2>").count(), 2, "{index}");
}
