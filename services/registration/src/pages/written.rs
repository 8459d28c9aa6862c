//! Whatever people, teams and challenges are called: pages show it as text that turns nothing beside it.

use molar_web_kit::testing::{TURNING, organizer, person, turned};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};

use crate::testing::{Api, challenge, invitation, participation, sign, team};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_name_turns_what_stands_beside_it(pool: PgPool) {
    let api = Api::new(&pool).await;
    let demo = challenge(&pool).await;
    let questions =
        json!([{"id": "data", "text": TURNING, "kind": "choice", "choices": ["own", TURNING]}]);
    let titles = format!(
        "UPDATE tracks.challenges SET title = '{TURNING}';
         UPDATE tracks.tracks SET title = '{TURNING}', questions = '{questions}'"
    );
    let titles = sqlx::raw_sql(AssertSqlSafe(titles));
    titles.execute(&pool).await.unwrap();
    let noa = person(&pool, "Noa").await;
    sign(&api, &noa).await;
    team(&api, &noa, "Otters").await;
    let ada = person(&pool, TURNING).await;
    sign(&api, &ada).await;
    let team = team(&api, &ada, TURNING).await;
    participation(&api, &ada, &team, demo.track).await;
    let token = invitation(&api, &ada, &team).await;
    let question = json!({"challenge": "demo", "text": TURNING});
    let (status, asked) = api.of(&ada).post("/api/v1/questions", question).await;
    assert_eq!(status, 201, "{asked}");

    let eve = api.browser(&person(&pool, "Eve").await);
    let olga = api.browser(&organizer(&pool, TURNING, demo.id).await);
    let noa = api.browser(&noa);
    let ada = api.browser(&ada);
    let of_team = format!("/teams/{team}");
    let invited = format!("/invitations/{token}");
    for (who, path) in [
        (&ada, "/account"),
        (&ada, "/teams"),
        (&ada, of_team.as_str()),
        (&ada, "/join/demo"),
        // Has not asked for a place yet, and is asked the question.
        (&noa, "/join/demo"),
        (&ada, "/questions"),
        (&ada, "/questions/new?challenge=demo"),
        (&ada, "/challenges/demo/faq"),
        (&eve, invited.as_str()),
        (&olga, "/organize/participations"),
        (&olga, "/organize/questions/demo"),
        (&olga, "/organize/ledger/demo"),
        (&olga, "/organize/announcements"),
    ] {
        let (status, html) = who.page(path).await;
        assert_eq!(status, 200, "{path}: {html}");
        assert!(turned(&html).is_empty(), "{path}: {:?}", turned(&html));
        let shown = html.matches("שיניים").count();
        assert!(shown >= 2, "{path} shows it {shown} times: {html}");
    }
}
