//! Tells every team where its containers stand: the turns of dispatch, played forward over the slots there are.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::dispatch::Waiting;
use molar_domain::place::{Place, places};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::Result;
use crate::rows::places::{self, Open, Standing};
use crate::rows::turns;
use crate::rows::workers::{Class, live_classes};

/// Makes all places anew.
pub async fn round(db: &PgPool, now: DateTime<Utc>) -> Result<()> {
    let mut tx = db.begin().await?;
    sqlx::query_scalar!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended('execution.places', 0))::text"#
    )
    .fetch_one(&mut *tx)
    .await?;
    let open = places::list_open(&mut *tx, now).await?;
    let classes = live_classes(&mut *tx, now).await?;
    let mut phases: Vec<Uuid> = open.iter().map(|of| of.phase_id).collect();
    phases.sort_unstable();
    phases.dedup();
    let typical = places::typical(&mut tx, &phases, now).await?;

    let mut standings = standings(&open);
    for class in &classes {
        let found = of_class(&mut tx, class, &open, &typical, now).await?;
        for place in found {
            if let Some(standing) = standings.get_mut(&place.attempt) {
                standing.place = Some((place.number, place.starts_at));
            }
        }
    }
    let standings: Vec<_> = standings.into_values().collect();
    places::replace(&mut tx, &standings, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Without their places.
fn standings(open: &[Open]) -> BTreeMap<Uuid, Standing> {
    let mut standings = BTreeMap::new();
    for of in open {
        let attempt_id = of.run.order.0;
        let standing = standings.entry(attempt_id).or_insert_with(|| Standing {
            attempt_id,
            device_class: of.device_class.clone(),
            is_served: of.is_served,
            place: None,
            remaining: 0,
        });
        standing.remaining += 1;
    }
    standings
}

async fn of_class(
    tx: &mut PgConnection,
    class: &Class,
    open: &[Open],
    typical: &HashMap<Uuid, TimeDelta>,
    now: DateTime<Utc>,
) -> Result<Vec<Place>> {
    let here: Vec<&Open> = (open.iter())
        .filter(|of| of.is_served && of.device_class == class.name)
        .collect();
    let waiting = here.iter().filter(|of| of.claimed_at.is_none());
    let waiting: Vec<Waiting> = waiting.map(|of| of.run).collect();
    let shares = turns::shares(tx, &class.name, &waiting).await?;
    let share = |team| shares.get(&team).copied().unwrap_or_default();
    // Until a case of the phase has ended, the longest that one may take.
    let lasts: HashMap<Uuid, TimeDelta> = here
        .iter()
        .map(|of| {
            let most = TimeDelta::seconds(of.wall_s.into());
            let typical = typical.get(&of.phase_id).copied();
            (of.run.order.0, typical.unwrap_or(most))
        })
        .collect();
    let lasts = |attempt: Uuid| lasts.get(&attempt).copied().unwrap_or_default();
    let running = here.iter().filter_map(|of| {
        let ends_at = of.claimed_at? + lasts(of.run.order.0);
        Some(ends_at.max(now))
    });
    let mut free_at: Vec<_> = running.collect();
    free_at.resize(usize::try_from(class.slots).unwrap_or(0), now);
    Ok(places(&waiting, share, free_at, lasts))
}

#[cfg(test)]
mod tests {
    use molar_testkit::ChallengeBuilder;
    use sqlx::PgPool;

    use super::*;
    use crate::testing::World;

    type Row = (bool, Option<i32>, Option<i64>, i32);

    /// Whether it is served, its place, the seconds until it starts and the cases that remain, in the order in which
    /// they were handed in.
    async fn stand(world: &World) -> Vec<Row> {
        round(&world.db, world.now()).await.unwrap();
        let rows = sqlx::query!(
            "SELECT is_served, place, expected_start_at, remaining FROM execution.places ORDER BY attempt_id"
        );
        let rows = rows.fetch_all(&world.pool).await.unwrap();
        let seconds = |at: DateTime<Utc>| (at - world.now()).num_seconds();
        rows.into_iter()
            .map(|row| {
                let starts = row.expected_start_at.map(seconds);
                (row.is_served, row.place, starts, row.remaining)
            })
            .collect()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_place_is_that_of_the_next_turn_and_its_time_that_of_the_slots(pool: PgPool) {
        let world = World::new(pool).await;
        // Two slots, a canary and two cases: nobody knows yet how long one takes.
        assert_eq!(stand(&world).await, [(true, Some(1), Some(0), 3)]);
        let grant = world.claim().await.unwrap();
        world.pass(40).await;
        let report = world.predicted(&grant).await;
        assert_eq!(world.finish(&grant, &report).await, 204);

        // The second team has none running; cases take 40 s now.
        world.claim().await.unwrap();
        world.claim().await.unwrap();
        world.pass(10).await;
        world.submit("Theirs").await;
        let expected = [(true, None, None, 2), (true, Some(1), Some(30), 3)];
        assert_eq!(stand(&world).await, expected);
        world.submit("Others").await;
        assert_eq!(stand(&world).await[2], (true, Some(2), Some(30), 3));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn without_a_machine_there_is_no_place_and_at_the_end_no_row(pool: PgPool) {
        let world = World::of(pool, ChallengeBuilder::new("teeth").cases(&["A"])).await;
        world.clock.advance(TimeDelta::minutes(5));
        assert_eq!(stand(&world).await, [(false, None, None, 1)]);
        world.pass(0).await;
        world.run_one().await;
        assert_eq!(stand(&world).await, []);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_is_typical_is_taken_once_a_minute(pool: PgPool) {
        let world = World::new(pool).await;
        let typical = async || {
            let mut conn = world.db.acquire().await.unwrap();
            let phase = world.challenge.phase_id.0;
            let found = places::typical(&mut conn, &[phase], world.now()).await;
            found.unwrap().get(&phase).map(TimeDelta::num_seconds)
        };
        let run = async |seconds: i64| {
            let grant = world.claim().await.unwrap();
            world.pass(seconds).await;
            let report = world.predicted(&grant).await;
            assert_eq!(world.finish(&grant, &report).await, 204);
        };
        assert_eq!(typical().await, None);
        run(40).await;
        assert_eq!(typical().await, Some(40));
        run(20).await;
        assert_eq!(typical().await, Some(40));
        world.pass(40).await;
        assert_eq!(typical().await, Some(30));
        world.clock.advance(TimeDelta::days(8));
        assert_eq!(typical().await, None);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_first_in_line_is_who_is_claimed_next(pool: PgPool) {
        let world = World::new(pool).await;
        for team in ["Two", "Three", "Four"] {
            world.submit(team).await;
        }
        for _ in 0..8 {
            stand(&world).await;
            let first =
                sqlx::query_scalar!("SELECT attempt_id FROM execution.places WHERE place = 1");
            let first = first.fetch_one(&world.pool).await.unwrap();
            world.pass(1).await;
            assert_eq!(world.run_one().await.attempt_id, first);
        }
    }
}
