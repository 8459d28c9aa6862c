//! No answer may change where only what is hidden does: each mode on each route, byte by byte, headers included.

use chrono::TimeDelta;
use molar_testkit::{TeamBuilder, noon};
use serde_json::json;
use sqlx::PgPool;

use super::spied::{World, rules};
use super::world::{board, set};

/// A change that only what is hidden goes with.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// The first team gets a little better and stays the first.
    Better,
    /// Everything by which a team is known becomes another.
    Known,
    /// A team comes that is the best of all.
    Comes,
    /// The first team loses its place.
    Leaves,
}

impl Change {
    async fn happen(self, db: &PgPool, world: &mut World) {
        match self {
            Self::Better => {
                let first = world.first.clone();
                world.hand_in(db, &first, 1, 0.83617, 0.55678).await;
            }
            Self::Known => {
                let rename = "UPDATE registration.teams SET name = 'New ' || substr(md5(name), 1, 9);
                     UPDATE registration.participations SET out_reason = 'of another' WHERE is_out_of_competition;
                     UPDATE submission.submissions SET code_url = 'https://other.test'";
                sqlx::raw_sql(rename).execute(db).await.unwrap();
                let first = world.first.clone();
                world.hand_in(db, &first, 1, 0.83517, 0.55778).await;
                world.fold(db, 0).await;
            }
            Self::Comes => {
                let name = format!("Auks {}", uuid::Uuid::new_v4().simple());
                let new = TeamBuilder::new(&world.challenge, &name).insert(db).await;
                world.hand_in(db, &new, 1, 0.9, 0.9).await;
            }
            Self::Leaves => {
                sqlx::query!(
                    "UPDATE registration.participations SET state = 'withdrawn' WHERE team_id = $1",
                    world.first.id.0
                )
                .execute(db)
                .await
                .unwrap();
            }
        }
        world.fold(db, 0).await;
        world.draw(db, noon() + TimeDelta::minutes(2)).await;
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_answer_changes_where_only_what_is_hidden_does(db: PgPool) {
    let modes = [
        (rules(json!({"values": "order"})), Change::Better),
        (
            rules(json!({"values": "rounded", "decimals": 1})),
            Change::Better,
        ),
        (rules(json!({"ladder_step": 0.05})), Change::Better),
        (rules(json!({"names": "anonymous"})), Change::Known),
        (rules(json!({"names": "anonymous"})), Change::Comes),
        (rules(json!({"names": "anonymous"})), Change::Leaves),
        (
            rules(json!({"names": "anonymous", "values": "rounded", "decimals": 1})),
            Change::Better,
        ),
        (rules(json!({"is_hidden": true})), Change::Comes),
        ("is_final = true".into(), Change::Comes),
        ("visibility = 'participants'".into(), Change::Comes),
        ("freezes_at = '2026-09-01 11:00:00Z'".into(), Change::Comes),
    ];
    let mut world = World::new(&db).await;
    for (mode, change) in modes {
        clear(&db, &mut world).await;
        set(&db, &mode).await;
        let is_for_members = mode.starts_with("visibility");
        let member = Some(&world.member).filter(|_| !is_for_members).cloned();
        let people = [None, Some(world.stranger.clone()), member];
        let people: Vec<_> = people.iter().map(Option::as_ref).collect();
        let mut before = Vec::new();
        for person in &people {
            before.push(world.answers(&db, *person).await);
        }
        let known = board(&db, world.challenge.phase_id, Some(&world.olga)).await;
        change.happen(&db, &mut world).await;
        for (person, before) in people.iter().zip(before) {
            for (old, new) in before.into_iter().zip(world.answers(&db, *person).await) {
                assert_eq!(old.1, new.1, "{mode}, {change:?}: {}", old.0);
            }
        }
        let known_after = board(&db, world.challenge.phase_id, Some(&world.olga)).await;
        let is_ladder = mode.contains("ladder");
        assert_eq!(
            known == known_after,
            is_ladder,
            "{mode}: the change is there"
        );
    }
}

/// As [`World::new`] leaves it.
async fn clear(db: &PgPool, world: &mut World) {
    let newer = "DELETE FROM leaderboard.drawings WHERE version > 1;
                 DELETE FROM leaderboard.statistics WHERE version > 1;
                 DELETE FROM leaderboard.entries e USING leaderboard.rankings r
                     WHERE r.id = e.ranking_id AND r.version > 1;
                 DELETE FROM leaderboard.rankings WHERE version > 1;
                 UPDATE submission.submissions SET withdrawn_at = created_at
                     WHERE created_at > '2026-08-30';
                 DELETE FROM scoring.case_scores c USING scoring.evaluations e
                     WHERE e.id = c.evaluation_id AND e.created_at > '2026-08-30';
                 DELETE FROM scoring.evaluations WHERE created_at > '2026-08-30';
                 UPDATE registration.participations SET state = 'approved' WHERE state = 'withdrawn';
                 UPDATE tracks.phases SET board = '{}', is_final = false, visibility = 'public', freezes_at = NULL";
    sqlx::raw_sql(newer).execute(db).await.unwrap();
    world.draw(db, noon()).await;
    world.names.clear();
}
