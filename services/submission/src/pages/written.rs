//! Whatever people, teams and challenges are called: pages show it as text that turns nothing beside it.

use actix_web::http::StatusCode;
use molar_web_kit::testing::{TURNING, organizer, turned};
use sqlx::{AssertSqlSafe, PgPool};

use crate::testing::World;

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_name_turns_what_stands_beside_it(pool: PgPool) {
    let world = World::new(&pool).await;
    let id = world.create("a").await;
    let named = format!(
        "UPDATE tracks.challenges SET title = '{TURNING}'; UPDATE tracks.tracks SET title = '{TURNING}';
         UPDATE tracks.phases SET title = '{TURNING}'; UPDATE registration.teams SET name = '{TURNING}';
         UPDATE submission.submissions SET note = '{TURNING}'"
    );
    let named = sqlx::raw_sql(AssertSqlSafe(named));
    named.execute(&pool).await.unwrap();
    let olga = organizer(&pool, TURNING, world.challenge.id).await;
    let own = format!("/submissions/{id}");
    let hand_in = format!("/submissions/new?phase={}", world.challenge.phase_id);
    for (who, path) in [
        (&world.member, "/submissions"),
        (&world.member, hand_in.as_str()),
        (&world.member, own.as_str()),
        (&olga, "/organize/submissions"),
    ] {
        let (status, html) = world.page_as(who, path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {html}");
        assert!(turned(&html).is_empty(), "{path}: {:?}", turned(&html));
        let shown = html.matches("שיניים").count();
        assert!(shown >= 2, "{path} shows it {shown} times: {html}");
    }
    let (_, html) = world.page(&hand_in).await;
    assert!(html.contains("dir=\"auto\">שיניים</option>"), "{html}");
}
