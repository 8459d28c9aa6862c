//! From the broker to the bells.

use std::error::Error as StdError;
use std::sync::Arc;

use futures_util::future::join_all;
use molar_contracts::{Announcement, VERSION};
use molar_domain::Clock;
use molar_queue::{Broker, Delivery, Disposition, QueueSpec};
use prost::Message;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Bells, Event};
use crate::{Role, inbox};

/// A delivery is noted in a millisecond; a few ahead keep the line busy.
const PREFETCH: u16 = 16;

/// Reads the role's queues, one for each key that somebody waits for, and rings.
#[derive(Clone)]
pub struct Listener {
    db: PgPool,
    role: Role,
    clock: Arc<dyn Clock>,
    bells: Bells,
}

impl Listener {
    pub fn new(db: PgPool, role: Role, clock: Arc<dyn Clock>, bells: Bells) -> Self {
        Self {
            db,
            role,
            clock,
            bells,
        }
    }

    /// Listens until stopped. Bells that are asked for later are not heard of.
    pub async fn run(self, broker: Broker, stop: CancellationToken) {
        let keys = self.bells.keys();
        join_all(keys.into_iter().map(|key| self.listen(&broker, key, &stop))).await;
        // Without any queue there is nothing to wait for but the end.
        stop.cancelled().await;
    }

    async fn listen(&self, broker: &Broker, key: &'static str, stop: &CancellationToken) {
        let queue = QueueSpec::events(self.role.as_str(), key);
        broker
            .consume(&queue, PREFETCH, stop, |delivery| {
                self.receive(queue.name(), key, delivery)
            })
            .await;
    }

    /// Notes a delivery and rings. A second delivery rings as well: it finds the rows as they are.
    async fn receive(&self, queue: &str, key: &'static str, delivery: Delivery) -> Disposition {
        let Some(event) = read(key, &delivery.body) else {
            tracing::error!(queue, message_id = %delivery.message_id, "a message of another version");
            return Disposition::Reject;
        };
        let noted = inbox::receive(&self.db, queue, delivery.message_id, self.clock.now()).await;
        match noted {
            Ok(is_first) => {
                tracing::debug!(queue, subject.id = %event.subject_id, is_first, trace = delivery.trace_parent());
                self.bells.ring(event);
                Disposition::Ack
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn StdError,
                    queue,
                    "could not note a delivery"
                );
                Disposition::Requeue
            }
        }
    }
}

/// `None` for what this program does not understand.
fn read(key: &'static str, body: &[u8]) -> Option<Event> {
    let announcement = Announcement::decode(body).ok()?;
    if announcement.version != VERSION {
        return None;
    }
    let phase_id = match announcement.phase_id.as_str() {
        "" => None,
        id => Some(Uuid::try_parse(id).ok()?),
    };
    Some(Event {
        key,
        subject_id: Uuid::try_parse(&announcement.subject_id).ok()?,
        phase_id,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use molar_contracts::keys::EVALUATION_FINISHED;
    use molar_domain::SystemClock;
    use sqlx::postgres::PgPoolOptions;

    use super::*;
    use crate::db;

    async fn listener(pool: &PgPool) -> Listener {
        let options = db::options((*pool.connect_options()).clone(), Role::Leaderboard);
        let db = PgPoolOptions::new()
            .max_connections(2)
            .connect_with(options)
            .await
            .unwrap();
        Listener::new(
            db,
            Role::Leaderboard,
            Arc::new(SystemClock),
            Bells::default(),
        )
    }

    fn delivery(version: u32, subject_id: &str) -> Delivery {
        let announcement = Announcement {
            version,
            subject_id: subject_id.to_owned(),
            phase_id: String::new(),
        };
        Delivery {
            message_id: Uuid::from_u128(1),
            routing_key: EVALUATION_FINISHED.to_owned(),
            body: announcement.encode_to_vec(),
            headers: BTreeMap::new(),
            redelivered: false,
        }
    }

    async fn deliveries(listener: &Listener) -> Vec<i32> {
        sqlx::query_scalar("SELECT deliveries FROM inbox")
            .fetch_all(&listener.db)
            .await
            .unwrap()
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_message_that_comes_twice_makes_one_row_and_rings_each_time(pool: PgPool) {
        let listener = listener(&pool).await;
        let bell = listener.bells.subscribe(&[EVALUATION_FINISHED]);
        let subject = Uuid::from_u128(9).to_string();
        for _ in 0..2 {
            let fate = listener
                .receive("q", EVALUATION_FINISHED, delivery(VERSION, &subject))
                .await;
            assert_eq!(fate, Disposition::Ack);
            bell.notified().await;
        }
        assert_eq!(deliveries(&listener).await, [2]);
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn what_is_not_understood_is_put_aside(pool: PgPool) {
        let listener = listener(&pool).await;
        let subject = Uuid::from_u128(9).to_string();
        for odd in [
            delivery(VERSION + 1, &subject),
            delivery(VERSION, "not an id"),
        ] {
            assert_eq!(
                listener.receive("q", EVALUATION_FINISHED, odd).await,
                Disposition::Reject
            );
        }
        assert_eq!(deliveries(&listener).await, [0; 0]);
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_message_waits_for_a_database_that_is_away(pool: PgPool) {
        let listener = listener(&pool).await;
        listener.db.close().await;
        let subject = Uuid::from_u128(9).to_string();
        let fate = listener
            .receive("q", EVALUATION_FINISHED, delivery(VERSION, &subject))
            .await;
        assert_eq!(fate, Disposition::Requeue);
    }
}
