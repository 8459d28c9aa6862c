//! Whatever teams are called: pages show it as text that turns nothing beside it.

use actix_web::http::StatusCode;
use molar_testkit::{Challenge, PhaseBuilder, noon};
use molar_web_kit::testing::{TURNING, turned};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use url::form_urlencoded;

use super::by_case::{PAGE, draw, entry, ia, label};
use super::columns::baseline;
use super::world::{challenge, fold_at, get};

const BOARD: &str = "/boards/sts/teeth/validation";
const REPORT: &str = "/boards/sts/teeth/validation/report";

/// Markup, another direction, signs of several code points, and as long as may be.
fn names() -> [String; 4] {
    [
        "<script>x</script>".to_owned(),
        "\u{202e}שיניים".to_owned(),
        "👩\u{200d}👩\u{200d}👧 فريق 🦷".to_owned(),
        "W".repeat(60),
    ]
}

fn shown(name: &str) -> String {
    let escaped = name.replace('<', "&#60;").replace('>', "&#62;");
    format!("<bdi>{escaped}</bdi>")
}

/// How often the control stands there, behind this.
fn turning(page: &str, before: &str) -> usize {
    page.matches(&format!("{before}\u{202e}")).count()
}

/// All of them on one board, each with values of its own and a tooth.
async fn board(db: &PgPool) -> Challenge {
    let challenge = challenge(db, PhaseBuilder::new("validation")).await;
    for (name, eighths) in names().iter().zip([7.0, 6.0, 5.0, 4.0]) {
        let value = eighths / 8.0;
        let evaluation = entry(db, &challenge, name, &ia([value, value - 0.125])).await;
        label(db, &challenge, evaluation, 0, &[("11", value)]).await;
    }
    fold_at(db, challenge.phase_id, noon()).await;
    challenge
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn entries_are_compared_whatever_their_teams_are_called(db: PgPool) {
    board(&db).await;
    let names = names();
    for (a, b) in [(&names[0], &names[1]), (&names[2], &names[3])] {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("a", a).append_pair("b", b);
        let (status, page) = get(&db, &format!("{PAGE}?{}", query.finish()), None).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for name in [a, b] {
            // Above, twice over the metrics, once over the cases, at the link to its history.
            assert_eq!(page.matches(&shown(name)).count(), 5, "{name}: {page}");
        }
        assert!(!page.contains("<script>x"), "{page}");
        // Only what isolates it holds the control, and what the browser sends and does not show.
        let (kept, sent) = (turning(&page, "<bdi>"), turning(&page, "value=\""));
        assert_eq!(turning(&page, ""), kept + sent, "{page}");
        assert_eq!(sent, 2, "{page}");
        assert!(page.contains("dir=\"auto\">שיניים</option>"), "{page}");
    }
    let query = "a=%3Cscript%3Ex%3C/script%3E&b=%E2%80%AE%D7%A9%D7%99%D7%A0%D7%99%D7%99%D7%9D";
    let (_, page) = get(&db, &format!("{PAGE}?{query}"), None).await;
    assert!(
        page.contains("dir=\"auto\" selected>שיניים</option>"),
        "{page}"
    );
    for of_figure in [
        "Dice by tooth, &lt;script&gt;x&lt;/script&gt;</title>",
        "Dice by tooth, שיניים</title>",
    ] {
        assert!(page.contains(of_figure), "{of_figure}: {page}");
    }
    let (status, page) = get(&db, &format!("{PAGE}?a=%E2%80%AEnobody"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let told = "no entry of “<bdi>\u{202e}nobody</bdi>”";
    assert!(page.contains(told), "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_report_holds_any_names_of_teams(db: PgPool) {
    let challenge = board(&db).await;
    draw(&db, challenge.phase_id).await;
    let (status, page) = get(&db, REPORT, None).await;
    assert_eq!(status, StatusCode::OK);
    for name in names() {
        // In the ranking, and over the ranks by other schemes.
        assert!(page.matches(&shown(&name)).count() >= 2, "{name}: {page}");
    }
    assert!(page.contains("<svg"), "{page}");
    assert!(!page.contains("<script>x"), "{page}");
    assert_eq!(turning(&page, ""), turning(&page, "<bdi>"), "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_name_of_a_team_turns_why_it_was_disqualified(db: PgPool) {
    let challenge = board(&db).await;
    let disqualified = format!(
        "UPDATE registration.participations p
         SET state = 'disqualified', reason = 'shared its account', is_reason_public = true
         FROM registration.teams t WHERE t.id = p.team_id AND t.name = '{TURNING}'"
    );
    let disqualified = sqlx::raw_sql(AssertSqlSafe(disqualified));
    disqualified.execute(&db).await.unwrap();
    fold_at(&db, challenge.phase_id, noon()).await;
    for path in [BOARD, REPORT] {
        let (status, page) = get(&db, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        assert!(turned(&page).is_empty(), "{path}: {:?}", turned(&page));
        for told in [TURNING, "shared its account"] {
            assert!(page.contains(&shown(told)), "{path}: {told}: {page}");
        }
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_title_and_no_baseline_turns_what_stands_beside_it(db: PgPool) {
    let challenge = board(&db).await;
    baseline(&db, &challenge, TURNING, json!({"IA": 0.25})).await;
    let titles = format!(
        "UPDATE tracks.challenges SET title = '{TURNING}', note = '{TURNING}';
         UPDATE tracks.tracks SET title = '{TURNING}'; UPDATE tracks.phases SET title = '{TURNING}';
         UPDATE tracks.baselines SET note = '{TURNING}'"
    );
    let titles = sqlx::raw_sql(AssertSqlSafe(titles));
    titles.execute(&db).await.unwrap();
    let over = "baseline=%E2%80%AE%D7%A9%D7%99%D7%A0%D7%99%D7%99%D7%9D";
    let (gains, history) = (format!("{BOARD}?{over}"), format!("{BOARD}/history"));
    for path in [
        "/boards",
        BOARD,
        gains.as_str(),
        PAGE,
        REPORT,
        history.as_str(),
    ] {
        let (status, page) = get(&db, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        assert!(turned(&page).is_empty(), "{path}: {:?}", turned(&page));
        assert!(page.contains(&shown(TURNING)), "{path}: {page}");
    }
    let (_, page) = get(&db, BOARD, None).await;
    assert!(page.contains("dir=\"auto\">שיניים</option>"), "{page}");
    let (_, page) = get(&db, &gains, None).await;
    let chosen = "dir=\"auto\" selected>שיניים</option>";
    assert!(page.contains(chosen), "{page}");
}
