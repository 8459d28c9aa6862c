//! The page of a board of hundreds of teams.

use molar_testkit::{PhaseBuilder, TeamBuilder};
use molar_web_kit::testing;
use sqlx::PgPool;

use super::world::{challenge, entry, fold, get};

const PATH: &str = "/boards/sts/teeth/validation";

/// Team 1 is the best, team 401 the last.
const TEAMS: u32 = 401;

async fn insert(db: &PgPool, member: &testing::Person, of: u32) {
    let challenge = challenge(db, PhaseBuilder::new("validation")).await;
    for n in 1..=TEAMS {
        let mut team = TeamBuilder::new(&challenge, &format!("Team {n:03}"));
        if n == of {
            team = team.member(member.id);
        }
        let team = team.insert(db).await;
        let ia = 1.0 - f64::from(n) / 1000.0;
        entry(db, &challenge, &team, 0, ia).await;
    }
    fold(db, challenge.phase_id).await;
}

/// The names of the rows, in their order.
fn rows(page: &str) -> Vec<u32> {
    let names = page.split("<th scope=\"row\"").skip(1);
    names
        .map(|row| {
            let at = row.find("Team ").unwrap();
            row[at + 5..at + 8].parse().unwrap()
        })
        .collect()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_long_board_is_shown_in_parts_and_whole_where_it_is_asked_for(db: PgPool) {
    let member = testing::person(&db, "Ada").await;
    insert(&db, &member, 350).await;
    let page = async |query: &str| get(&db, &format!("{PATH}{query}"), None).await.1;

    let first = page("").await;
    assert_eq!(rows(&first), (1..=200).collect::<Vec<_>>());
    assert!(first.contains("Rows 1 to 200 of 401."));
    assert!(!first.contains("rel=\"prev\"") && !first.contains("Your team"));
    let next = format!("<a rel=\"next\" href=\"{PATH}?page=2\">Rows 201 to 400</a>");
    assert!(first.contains(&next), "{first}");

    let second = page("?page=2").await;
    assert_eq!(rows(&second), (201..=400).collect::<Vec<_>>());
    let before = format!("<a rel=\"prev\" href=\"{PATH}?page=1\">Rows 1 to 200</a>");
    let next = format!("<a rel=\"next\" href=\"{PATH}?page=3\">Rows 401 to 401</a>");
    assert!(second.contains(&before) && second.contains(&next));

    for last in ["?page=3", "?page=77"] {
        let last = page(last).await;
        assert_eq!(rows(&last), [401]);
        assert!(!last.contains("rel=\"next\""));
    }
    assert_eq!(rows(&page("?sort=IA&dir=asc&page=3").await), [1]);
    assert_eq!(rows(&page("?page=0").await), rows(&first));

    let all = page("?page=all").await;
    assert_eq!(rows(&all), (1..=TEAMS).collect::<Vec<_>>());
    let few = page("?team=Team+39").await;
    assert_eq!(rows(&few), (390..=399).collect::<Vec<_>>());
    for whole in [all, few] {
        assert!(!whole.contains("Rows ") && !whole.contains("rel=\"next\""));
    }

    let mine = async |query: &str| get(&db, &format!("{PATH}{query}"), Some(&member)).await.1;
    let told =
        "Your team is among <a href=\"/boards/sts/teeth/validation?page=2\">rows 201 to 400</a>";
    assert!(mine("").await.contains(told));
    assert!(!mine("?page=2").await.contains("Your team is among"));
}
