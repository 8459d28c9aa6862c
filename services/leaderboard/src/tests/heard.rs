//! A board as who cannot see it hears it.

use molar_service::Role;
use molar_testkit::{MockClock, as_role, noon};
use sqlx::PgPool;

use super::world::get;
use crate::patience::Patience;
use crate::statistics;
use crate::testing::{challenge, fold, ia, later, team};

/// What stands between the tags.
fn heard(page: &str) -> String {
    let pieces = page.split('<');
    let texts = pieces.map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    texts.collect()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn ranks_and_intervals_are_told_apart_from_the_values_beside_them(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    team(&db, &challenge, "Ants", &ia([0.5; 5])).await;
    fold(&db, challenge.phase_id, later(-60)).await;
    let role = as_role(&db, Role::Leaderboard).await;
    statistics::all(&role, &MockClock::at(noon()), 20, &Patience::default())
        .await
        .unwrap();
    for page in ["", "/report"] {
        let (_, page) = get(&db, &format!("/boards/sts/teeth/validation{page}"), None).await;
        let heard = heard(&page);
        for words in ["0.5000 ± 0.0000 rank 1", "1 between 1–1"] {
            assert!(heard.contains(words), "{words}: {page}");
        }
    }
}
