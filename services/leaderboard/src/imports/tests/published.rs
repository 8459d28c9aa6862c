//! The final OPG table that the challenge published.

use std::path::Path;
use std::time::{Duration, Instant};

use molar_testkit::noon;
use molar_web_kit::testing;
use serde_json::json;
use sqlx::PgPool;

use super::{SMALL, World};
use crate::imports::rows::{self, New};
use crate::imports::{Directions, Ranked, read};

const TABLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/reference/ranking/opg-final.csv"
);

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_published_opg_table_goes_in_and_comes_out_to_the_last_digit(owner: PgPool) {
    if !Path::new(TABLE).exists() {
        eprintln!(
            "SKIPPED reference: the_published_opg_table_goes_in_and_comes_out_to_the_last_digit"
        );
        return;
    }
    let published = std::fs::read_to_string(TABLE)
        .unwrap()
        .replace("\r\n", "\n");
    // Sent worst first, so that the order of the file cannot help.
    let mut lines: Vec<_> = published.lines().collect();
    lines[1..].reverse();
    let world = World::new(owner).await;
    let mut body = world.body(&lines.join("\n"));
    body["source"] = json!("https://www.codabench.org/competitions/3024/");
    let id = world.imported(&body).await;
    let path = format!("/api/v1/boards/imported/{id}");
    let board = world.json(&path).await;
    assert_eq!(board["differences"], json!([]));
    assert_eq!(board["left_out"], json!([]));

    let mut reader = csv::Reader::from_reader(published.as_bytes());
    let heading = reader.headers().unwrap().clone();
    let records: Vec<_> = reader.records().map(|record| record.unwrap()).collect();
    let rows = board["rows"].as_array().unwrap();
    assert_eq!((rows.len(), records.len()), (10, 10));
    for (row, record) in rows.iter().zip(&records) {
        for (column, cell) in heading.iter().zip(record) {
            let found = match column {
                "team" => {
                    assert_eq!(row["team"], cell);
                    continue;
                }
                "final_rank" => &row["rank"],
                "mean_rank" => &row["mean_rank"],
                _ => match column.strip_suffix("_rank") {
                    Some(metric) => &row["ranks"][metric],
                    None => &row["values"][column],
                },
            };
            let expected: f64 = cell.parse().unwrap();
            assert_eq!(
                found.as_f64(),
                Some(expected),
                "{column} of {}",
                row["team"]
            );
        }
    }
    let (_, csv) = world.get(&format!("{path}.csv")).await;
    assert_eq!(csv, published);
    let (_, page) = world.get("/boards/sts/final").await;
    assert!(page.contains("All 110 ranks that were published"), "{page}");
    assert!(page.contains("codabench.org/competitions/3024/"), "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_rank_that_was_published_otherwise_is_kept_and_told(owner: PgPool) {
    let world = World::new(owner).await;
    let (status, made) = world.import(&world.body(SMALL)).await;
    assert_eq!((status, &made["differences"]), (201, &json!(1)));
    let path = format!("/api/v1/boards/imported/{}", made["id"].as_str().unwrap());
    let board = world.json(&path).await;
    assert_eq!(
        board["differences"],
        json!([{"row": 2, "team": "B", "column": "final_rank", "published": "1", "computed": 2.0}])
    );
    assert_eq!(board["rows"][1]["rank"], 2);
    assert_eq!(
        board["rows"][1]["published"],
        json!({"IA_rank": "2", "final_rank": "1"})
    );
    let (_, page) = world.get("/boards/sts/final").await;
    assert!(
        page.contains("1 of 4 published ranks come out otherwise"),
        "{page}"
    );
    assert!(
        page.contains(r#"<td class="rank rank-2">2<small class="of">published 1</small>"#),
        "{page}"
    );
    assert_eq!(page.matches(">published ").count(), 1, "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_is_replaced_with_a_reason_and_keeps_its_address(owner: PgPool) {
    let world = World::new(owner).await;
    let mut body = world.body(SMALL);
    let id = world.imported(&body).await;
    let (status, taken) = world.import(&body).await;
    assert_eq!(status, 409, "{taken}");
    assert_eq!(world.kept().await, (1, 1));

    body["table"] = json!("team,IA\nC,0.5\n");
    body["replace"] = json!("the table had a typing error");
    let (status, made) = world.import(&body).await;
    assert_eq!((status, made["id"].as_str()), (200, Some(&*id)), "{made}");
    let board = world.json(&format!("/api/v1/boards/imported/{id}")).await;
    assert_eq!(board["rows"].as_array().unwrap().len(), 1);
    assert_eq!(board["rows"][0]["team"], "C");
    let log = sqlx::query!(
        r#"SELECT action AS "action!", reason, details AS "details!", challenge_id FROM audit.log ORDER BY seq DESC LIMIT 1"#
    );
    let log = log.fetch_one(&world.owner).await.unwrap();
    assert_eq!(log.action, "board.replaced");
    assert_eq!(log.reason.as_deref(), Some("the table had a typing error"));
    assert_eq!(log.challenge_id, Some(world.challenge.id.0));
    assert_eq!(log.details["to"], board["table_sha256"]);
    assert_ne!(log.details["from"], log.details["to"]);

    body["slug"] = json!("another");
    let (status, nothing) = world.import(&body).await;
    assert_eq!(status, 404, "{nothing}");
    assert_eq!(world.kept().await, (1, 2));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_is_removed_with_a_reason_and_its_name_is_free_again(owner: PgPool) {
    let world = World::new(owner).await;
    let id = world.imported(&world.body(SMALL)).await;
    let path = format!("/api/v1/boards/imported/{id}/remove");
    let olga = Some(&world.olga);
    let (status, wrong) = world.post(&path, olga, None, &json!({"reason": " "})).await;
    assert_eq!(status, 422, "{wrong}");
    assert_eq!(world.kept().await, (1, 1));
    let reason = json!({"reason": "it was never published"});
    let (status, gone) = world.post(&path, olga, None, &reason).await;
    assert_eq!((status, &gone["slug"]), (200, &json!("final")));
    let log = sqlx::query!(
        r#"SELECT action AS "action!", reason FROM audit.log ORDER BY seq DESC LIMIT 1"#
    );
    let log = log.fetch_one(&world.owner).await.unwrap();
    let told = (log.action.as_str(), log.reason.as_deref());
    assert_eq!(told, ("board.removed", Some("it was never published")));
    for path in [
        format!("/api/v1/boards/imported/{id}"),
        format!("/api/v1/boards/imported/{id}.csv"),
        "/boards/sts/final".to_owned(),
    ] {
        assert_eq!(world.get(&path).await.0, 404, "{path}");
    }
    assert_eq!(world.post(&path, olga, None, &reason).await.0, 404);
    world.imported(&world.body(SMALL)).await;
}

async fn waiting(pool: &PgPool) -> i64 {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "waiting!" FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'"#
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_is_removed_while_it_is_replaced_is_told_as_what_stood_there_then(owner: PgPool) {
    let world = World::new(owner).await;
    let id = world.imported(&world.body(SMALL)).await;
    let table = read(b"team,IA\nC,0.5\n", &Directions::default()).unwrap();
    let new = New {
        slug: "final".to_owned(),
        title: "Another".to_owned(),
        source: None,
        note: None,
        table_sha256: "f".repeat(64),
        ranked: Ranked::of(table).unwrap(),
    };
    let mut replacing = world.owner.begin().await.unwrap();
    let by = world.olga.id;
    rows::replace(&mut *replacing, id.parse().unwrap(), &new, by, noon())
        .await
        .unwrap();
    let commit = async {
        let deadline = Instant::now() + Duration::from_secs(20);
        while waiting(&world.owner).await == 0 {
            assert!(Instant::now() < deadline, "nobody waits");
        }
        replacing.commit().await.unwrap();
    };
    let path = format!("/api/v1/boards/imported/{id}/remove");
    let reason = json!({"reason": "it was never published"});
    let remove = world.post(&path, Some(&world.olga), None, &reason);
    let ((status, gone), ()) = tokio::join!(remove, commit);
    assert_eq!((status, &gone["title"]), (200, &json!("Another")));
    let log = sqlx::query!(
        r#"SELECT action AS "action!", reason, details AS "details!", challenge_id FROM audit.log ORDER BY seq DESC LIMIT 1"#
    );
    let log = log.fetch_one(&world.owner).await.unwrap();
    assert_eq!(log.action, "board.removed");
    assert_eq!(log.details["table_sha256"], json!(new.table_sha256));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_import_that_is_sent_again_with_its_key_is_made_once(owner: PgPool) {
    let world = World::new(owner).await;
    let (path, body) = ("/api/v1/boards/imported", world.body(SMALL));
    let olga = Some(&world.olga);
    let first = world.post(path, olga, Some("once"), &body).await;
    assert_eq!(first.0, 201, "{}", first.1);
    assert_eq!(world.post(path, olga, Some("once"), &body).await, first);
    assert_eq!(world.kept().await, (1, 1));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn boards_are_listed_by_challenge_and_read_with_a_tag(owner: PgPool) {
    let world = World::new(owner).await;
    let list = "/api/v1/boards/imported";
    assert_eq!(world.json(list).await, json!([]));
    let id = world.imported(&world.body(SMALL)).await;
    let listed = world.json(&format!("{list}?challenge=sts")).await;
    assert_eq!(listed[0]["id"], json!(id));
    assert_eq!(listed[0]["path"], "/boards/sts/final");
    assert_eq!(listed[0]["imported"], true);
    let board = world.json(&format!("{list}/{id}")).await;
    assert_eq!(board["imported"], true);
    let (_, page) = world.get("/boards/sts/final").await;
    assert!(
        page.contains(board["table_sha256"].as_str().unwrap()),
        "{page}"
    );
    let csv = world.named(&format!("{list}/{id}.csv")).await;
    assert_eq!(csv, "inline; filename=\"imported-sts-final.csv\"");
    assert_eq!(
        world.json(&format!("{list}?challenge=other")).await,
        json!([])
    );

    for path in [
        format!("{list}/{id}"),
        format!("{list}/{id}.csv"),
        "/boards/sts/final".to_owned(),
    ] {
        let request = || actix_web::test::TestRequest::get().uri(&path);
        let (status, tag, _) = world.send(request(), None).await;
        assert!(status == 200 && !tag.is_empty(), "{path}: {status} {tag}");
        let known = request().insert_header(("if-none-match", tag));
        assert_eq!(world.send(known, None).await.0, 304, "{path}");
    }
    let signed_in = testing::person(&world.owner, "Noemi").await;
    let page = actix_web::test::TestRequest::get().uri("/boards/sts/final");
    let (status, tag, _) = world.send(page, Some(&signed_in)).await;
    // It holds a token.
    assert_eq!((status, tag.as_str()), (200, ""));
}
