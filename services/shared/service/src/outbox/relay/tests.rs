use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use molar_contracts::{Announcement, keys};
use molar_domain::MockClock;
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

use super::*;
use crate::{db, inbox, outbox};

/// What a broker took, and what it does with the next message.
#[derive(Default)]
struct Broker {
    took: Mutex<Vec<(Uuid, String, Vec<u8>)>>,
    dies_after_confirming: bool,
    refuses: Option<&'static str>,
}

#[async_trait]
impl Publish for Broker {
    async fn publish(
        &self,
        message_id: Uuid,
        routing_key: &str,
        body: &[u8],
        _trace_parent: Option<&str>,
    ) -> Result<(), molar_queue::Error> {
        if self.refuses == Some(routing_key) {
            return Err(molar_queue::Error::Unroutable {
                routing_key: routing_key.to_owned(),
            });
        }
        self.took
            .lock()
            .unwrap()
            .push((message_id, routing_key.to_owned(), body.to_vec()));
        assert!(
            !self.dies_after_confirming,
            "killed between confirm and commit, on purpose"
        );
        Ok(())
    }
}

impl Broker {
    fn keys(&self) -> Vec<String> {
        self.took
            .lock()
            .unwrap()
            .iter()
            .map(|(_, key, _)| key.clone())
            .collect()
    }
}

fn noon() -> DateTime<Utc> {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

async fn tracks(pool: &PgPool) -> PgPool {
    let options = db::options((*pool.connect_options()).clone(), Role::Tracks);
    sqlx::postgres::PgPoolOptions::new()
        .max_connections(3)
        .connect_with(options)
        .await
        .unwrap()
}

async fn announce(conn: &mut PgConnection, key: &str, subject: Uuid) {
    outbox::announce(conn, noon(), key, subject, None)
        .await
        .unwrap();
}

async fn pending(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM outbox WHERE published_at IS NULL")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_announcement_goes_out_once_and_names_its_subject(pool: PgPool) {
    let pool = tracks(&pool).await;
    let (broker, clock) = (Broker::default(), MockClock::at(noon()));
    announce(
        &mut pool.acquire().await.unwrap(),
        keys::PHASE_PUBLISHED,
        Uuid::from_u128(7),
    )
    .await;

    assert_eq!(relay_batch(&pool, &broker, &clock).await.unwrap(), 1);
    assert_eq!(relay_batch(&pool, &broker, &clock).await.unwrap(), 0);

    let took = broker.took.lock().unwrap();
    let body = Announcement::decode(took[0].2.as_slice()).unwrap();
    assert_eq!(took[0].1, "phase.published");
    assert_eq!(body.subject_id, Uuid::from_u128(7).to_string());
    assert_eq!((body.version, body.phase_id.as_str()), (1, ""));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_rolled_back_change_announces_nothing(pool: PgPool) {
    let pool = tracks(&pool).await;
    let mut tx = pool.begin().await.unwrap();
    announce(&mut tx, keys::PHASE_PUBLISHED, Uuid::nil()).await;
    tx.rollback().await.unwrap();

    let broker = Broker::default();
    assert_eq!(
        relay_batch(&pool, &broker, &MockClock::at(noon()))
            .await
            .unwrap(),
        0
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_relay_killed_between_confirm_and_commit_publishes_again_and_the_copy_changes_no_row(
    pool: PgPool,
) {
    let pool = tracks(&pool).await;
    let clock = MockClock::at(noon());
    announce(
        &mut pool.acquire().await.unwrap(),
        keys::PHASE_PUBLISHED,
        Uuid::nil(),
    )
    .await;

    let broker = Arc::new(Broker {
        dies_after_confirming: true,
        ..Broker::default()
    });
    let (killed_pool, killed_clock, killed_broker) = (pool.clone(), clock.clone(), broker.clone());
    let killed =
        tokio::spawn(
            async move { relay_batch(&killed_pool, &*killed_broker, &killed_clock).await },
        );
    assert!(killed.await.unwrap_err().is_panic());
    assert_eq!(pending(&pool).await, 1);

    let next = Broker::default();
    assert_eq!(relay_batch(&pool, &next, &clock).await.unwrap(), 1);
    let first = broker.took.lock().unwrap().remove(0);
    let second = next.took.lock().unwrap().remove(0);
    assert_eq!(first, second);

    let queue = "scoring.phase.published";
    assert!(inbox::receive(&pool, queue, first.0, noon()).await.unwrap());
    assert!(
        !inbox::receive(&pool, queue, second.0, noon())
            .await
            .unwrap()
    );
    // Another queue of the same role has its own account.
    assert!(
        inbox::receive(&pool, "scoring.other", second.0, noon())
            .await
            .unwrap()
    );
    let deliveries: i32 = sqlx::query_scalar("SELECT deliveries FROM inbox WHERE queue = $1")
        .bind(queue)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(deliveries, 2);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_message_that_no_queue_takes_does_not_hold_up_the_others(pool: PgPool) {
    let pool = tracks(&pool).await;
    let clock = MockClock::at(noon());
    let mut conn = pool.acquire().await.unwrap();
    for _ in 0..=BATCH {
        announce(&mut conn, keys::EVALUATION_FINISHED, Uuid::nil()).await;
    }
    announce(&mut conn, keys::PHASE_PUBLISHED, Uuid::nil()).await;

    let broker = Arc::new(Broker {
        refuses: Some(keys::EVALUATION_FINISHED),
        ..Broker::default()
    });
    let relay = Relay::new(pool.clone(), Role::Tracks, broker.clone(), Arc::new(clock));
    relay.relay_all().await.unwrap();

    assert_eq!(broker.keys(), ["phase.published"]);
    assert_eq!(pending(&pool).await, BATCH + 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_age_is_that_of_the_oldest_unpublished_and_published_rows_go_after_a_week(
    pool: PgPool,
) {
    let pool = tracks(&pool).await;
    let clock = MockClock::at(noon());
    assert_eq!(outbox::age_of_oldest_s(&pool, noon()).await.unwrap(), 0.0);
    announce(
        &mut pool.acquire().await.unwrap(),
        keys::PHASE_PUBLISHED,
        Uuid::nil(),
    )
    .await;
    clock.advance(TimeDelta::seconds(90));
    assert_eq!(
        outbox::age_of_oldest_s(&pool, clock.now()).await.unwrap(),
        90.0
    );

    let in_a_year = noon() + TimeDelta::days(365);
    assert_eq!(
        outbox::delete_published_before(&pool, in_a_year)
            .await
            .unwrap(),
        0
    );
    relay_batch(&pool, &Broker::default(), &clock)
        .await
        .unwrap();
    assert_eq!(
        outbox::delete_published_before(&pool, noon())
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        outbox::delete_published_before(&pool, in_a_year)
            .await
            .unwrap(),
        1
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_task_is_woken_by_a_commit_and_ends_when_told(pool: PgPool) {
    let pool = tracks(&pool).await;
    let broker = Arc::new(Broker::default());
    let relay = Relay::new(
        pool.clone(),
        Role::Tracks,
        broker.clone(),
        Arc::new(MockClock::at(noon())),
    );
    let stop = CancellationToken::new();
    let task = tokio::spawn(relay.run(stop.clone()));

    announce(
        &mut pool.acquire().await.unwrap(),
        keys::PHASE_PUBLISHED,
        Uuid::nil(),
    )
    .await;
    while broker.keys().is_empty() {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    task.await.unwrap();
}
