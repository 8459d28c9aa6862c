//! Whatever a challenge, its tracks and its phases are called: pages show it as text that turns nothing beside it.

use molar_testkit::ChallengeBuilder;
use molar_web_kit::testing::{TURNING, organizer, turned};
use sqlx::{AssertSqlSafe, PgPool};

use crate::testing::Api;

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_title_turns_what_stands_beside_it(pool: PgPool) {
    let api = Api::new(&pool).await;
    let demo = ChallengeBuilder::new("demo").insert(&pool).await;
    let titles = format!(
        "UPDATE tracks.challenges SET title = '{TURNING}', summary = '{TURNING}', note = '{TURNING}';
         UPDATE tracks.tracks SET title = '{TURNING}'; UPDATE tracks.phases SET title = '{TURNING}'"
    );
    let titles = sqlx::raw_sql(AssertSqlSafe(titles));
    titles.execute(&pool).await.unwrap();
    let olga = api.of(&organizer(&pool, TURNING, demo.id).await);
    for (who, path) in [
        (&api.nobody(), "/"),
        (&api.nobody(), "/challenges/demo"),
        (&olga, "/organize"),
        (&olga, "/organize/challenges"),
        (&olga, "/organize/challenges/demo"),
        (&olga, "/organize/challenges/demo/data"),
    ] {
        let (status, html) = who.page(path).await;
        assert_eq!(status, 200, "{path}: {html}");
        assert!(turned(&html).is_empty(), "{path}: {:?}", turned(&html));
        let shown = html.matches("שיניים").count();
        assert!(shown >= 2, "{path} shows it {shown} times: {html}");
    }
}
