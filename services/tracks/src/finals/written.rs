//! Whatever teams, authors and awards are called: pages show it as text that turns nothing beside it.

use serde_json::json;
use sqlx::PgPool;

use super::stage::Stage;

/// Markup, another direction, signs of several code points, and as long as may be.
const NAMES: &[(&str, Option<i32>)] = &[
    ("<script>x</script>", Some(1)),
    ("\u{202e}שיניים", Some(2)),
    ("👩\u{200d}👩\u{200d}👧 فريق 🦷", Some(3)),
    (
        "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
        Some(4),
    ),
];
const AWARD: &str = "\u{202e}<b>Best</b>";
const AUTHOR: &str = "\u{202e}<i>Zoë</i>";

fn shown(text: &str) -> String {
    let escaped = text.replace('<', "&#60;").replace('>', "&#62;");
    format!("<bdi>{escaped}</bdi>")
}

/// Nothing of theirs is markup, and no control of direction stands outside of what keeps it to itself.
fn is_harmless(html: &str) -> bool {
    let markup = ["<script>x", "<b>Best", "<i>Zo"];
    let turning = |before: &str| html.matches(&format!("{before}\u{202e}")).count();
    !markup.iter().any(|tag| html.contains(tag)) && turning("") == turning("<bdi>")
}

async fn award(stage: &Stage) {
    let mut places = Vec::new();
    for ((name, _), place) in NAMES.iter().zip(1..) {
        places.push(json!({"finalist_id": stage.finalist(name).await, "place": place}));
    }
    let awards = json!({"awards": [{"title": AWARD, "places": places}]});
    let (status, set) = stage.olga().put(&stage.path("awards"), awards).await;
    assert_eq!(status, 200, "{set}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_page_of_the_finals_holds_any_names_of_teams(pool: PgPool) {
    let stage = Stage::of(&pool, NAMES).await;
    stage.name(4).await;
    let page = format!("/finals/{}", stage.demo.phase_id);
    let (status, html) = stage.olga().page(&page).await;
    assert_eq!(status, 200, "{html}");
    for (name, _) in NAMES {
        // In the table, and at the field for its place in an award.
        assert_eq!(html.matches(&shown(name)).count(), 2, "{name}: {html}");
    }
    assert!(is_harmless(&html), "{html}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_name_turns_why_a_phase_is_not_published(pool: PgPool) {
    let stage = Stage::of(&pool, NAMES).await;
    stage.name(2).await;
    let publish = stage.path("publish");
    let (status, open) = stage.olga().post(&publish, json!({})).await;
    assert_eq!((status, &open["code"]), (409, &json!("dossiers-open")));
    let told = open["detail"].as_str().unwrap();
    assert!(
        told.contains("of <script>x</script>, שיניים: lock"),
        "{told}"
    );

    let unranked =
        "UPDATE leaderboard.entries SET final_rank = NULL, is_eligible = false, out_reason = 'out'";
    sqlx::raw_sql(unranked).execute(&pool).await.unwrap();
    let (status, moved) = stage.olga().post(&publish, json!({})).await;
    assert_eq!((status, &moved["code"]), (409, &json!("ranking-moved")));
    let told = moved["detail"].as_str().unwrap();
    assert!(
        told.starts_with("<script>x</script>, שיניים stands"),
        "{told}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn awards_hold_any_title_and_any_names_of_teams(pool: PgPool) {
    let stage = Stage::of(&pool, NAMES).await;
    stage.name(4).await;
    award(&stage).await;
    let page = format!("/finals/{}", stage.demo.phase_id);
    let (_, html) = stage.olga().page(&page).await;
    assert!(html.contains(&shown(AWARD)), "{html}");
    for ((name, _), place) in NAMES.iter().zip(1..) {
        let told = format!("<li value=\"{place}\">{}", shown(name));
        assert!(html.contains(&told), "{told}: {html}");
    }
    assert!(is_harmless(&html), "{html}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn certificates_hold_any_names_also_in_the_title_of_the_window(pool: PgPool) {
    let stage = Stage::of(&pool, NAMES).await;
    stage.name(4).await;
    award(&stage).await;
    for (name, _) in NAMES {
        let path = format!("/finalists/{}", stage.finalist(name).await);
        let dossier = json!({"authors": [{"name": AUTHOR, "affiliation": "Lab"}]});
        let member = stage.member(name);
        let (status, saved) = member.put(&format!("/api/v1{path}/dossier"), dossier).await;
        assert_eq!(status, 200, "{saved}");
        // Of the team, and of its only author.
        for number in [0, 1] {
            let certificate = format!("{path}/certificates/{number}");
            let (status, html) = stage.olga().page(&certificate).await;
            assert_eq!(status, 200, "{html}");
            for text in [*name, AUTHOR, AWARD] {
                assert!(html.contains(&shown(text)), "{text}: {html}");
            }
            assert!(is_harmless(&html), "{html}");
        }
    }
}
