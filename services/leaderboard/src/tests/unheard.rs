//! No event where only what is hidden moves: each mode, for everybody who follows.

use futures_util::future::join_all;
use molar_testkit::TeamBuilder;
use molar_web_kit::live::testing::{is_silent, next};
use serde_json::json;
use sqlx::PgPool;

use super::following::Following;
use super::spied::{World, rules};
use super::world::set;

/// A team that stays the first gets a little better, or one comes that is the best of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Better,
    Comes,
}

impl Change {
    async fn happen(self, db: &PgPool, world: &mut World, round: u32) {
        let step = f64::from(round) * 0.001;
        let first = world.first.clone();
        match self {
            Self::Better => {
                world
                    .hand_in(db, &first, 1, 0.84 + step, 0.5578 + step)
                    .await;
            }
            Self::Comes => {
                let new = TeamBuilder::new(&world.challenge, &format!("Auks {round}"));
                let new = new.insert(db).await;
                let score = 0.95 + step;
                world.hand_in(db, &new, 1, score, score).await;
            }
        }
        assert!(world.fold(db, 0).await, "{self:?} makes a new ranking");
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn nobody_hears_what_a_mode_hides_but_who_sees_it(db: PgPool) {
    let anonymous = json!({"names": "anonymous"});
    // Those in which the best stays the best come first: each leaves its entries to the next.
    let modes = [
        (rules(json!({"values": "order"})), Change::Better),
        (rules(anonymous.clone()), Change::Better),
        (rules(anonymous), Change::Comes),
        (rules(json!({"is_hidden": true})), Change::Comes),
        ("is_final = true".into(), Change::Comes),
        ("visibility = 'participants'".into(), Change::Comes),
        ("freezes_at = '2026-09-01 11:00:00Z'".into(), Change::Comes),
    ];
    let mut world = World::new(&db).await;
    let phase = world.challenge.phase_id;
    for (round, (mode, change)) in (1..).zip(modes) {
        set(
            &db,
            "board = '{}', is_final = false, visibility = 'public', freezes_at = NULL",
        )
        .await;
        set(&db, &mode).await;
        let following = Following::new(&db).await;
        let is_for_members = mode.starts_with("visibility");
        let member = Some(&world.member).filter(|_| !is_for_members);
        let mut streams = Vec::new();
        for person in [None, Some(&world.stranger), member, Some(&world.olga)] {
            let mut events = following.follow(phase, person).await;
            next(&mut events).await.unwrap();
            streams.push(events);
        }
        change.happen(&db, &mut world, round).await;
        following.look().await;
        let silent = join_all(streams.iter_mut().map(is_silent)).await;
        assert_eq!(silent, [true, true, true, false], "{mode}, {change:?}");
    }
}
