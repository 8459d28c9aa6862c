//! Moves announcements out to the broker.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use molar_domain::Clock;
use molar_queue::Publish;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::rows;
use crate::Role;

const BATCH: i64 = 50;

/// The one place where a transaction waits for the network. A publisher gives up earlier by itself; this
/// holds for any.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a message can wait when its notification was lost.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// What one batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Batch {
    published: usize,
    /// The last row looked at, if there may be more behind it.
    more_after: Option<i64>,
}

/// Publishes one batch and returns its size.
///
/// If the process dies between the confirm and the commit, the batch goes out again. Consumers
/// therefore load the row and look at its state; they never trust the message alone.
pub async fn relay_batch(
    pool: &PgPool,
    broker: &dyn Publish,
    clock: &dyn Clock,
) -> sqlx::Result<usize> {
    Ok(relay_after(pool, broker, clock, 0).await?.published)
}

async fn relay_after(
    pool: &PgPool,
    broker: &dyn Publish,
    clock: &dyn Clock,
    after: i64,
) -> sqlx::Result<Batch> {
    let mut tx = pool.begin().await?;
    let pending = rows::lock_pending(&mut tx, after, BATCH).await?;
    let is_full = pending.len() as i64 == BATCH;
    let last = pending.last().map(|message| message.id);
    let confirmed = publish_all(broker, pending).await;
    rows::mark_published(&mut tx, &confirmed.ids, clock.now()).await?;
    tx.commit().await?;
    Ok(Batch {
        published: confirmed.ids.len(),
        more_after: last.filter(|_| is_full && !confirmed.is_cut_short),
    })
}

struct Confirmed {
    ids: Vec<i64>,
    is_cut_short: bool,
}

async fn publish_all(broker: &dyn Publish, pending: Vec<rows::Pending>) -> Confirmed {
    let mut ids = Vec::with_capacity(pending.len());
    for message in pending {
        let publish = broker.publish(
            message.message_id,
            &message.routing_key,
            &message.body,
            message.trace_parent.as_deref(),
        );
        match timeout(PATIENCE, publish).await {
            Ok(Ok(())) => ids.push(message.id),
            // Only this message is refused: it waits, and those behind it do not wait for it.
            Ok(Err(error)) if error.is_unroutable() => {
                tracing::warn!(
                    routing_key = message.routing_key,
                    "no queue takes the message yet"
                );
            }
            Ok(Err(error)) => {
                // Keep what already went out; the rest stays for the next round.
                tracing::warn!(error = &error as &dyn StdError, "outbox batch cut short");
                return Confirmed {
                    ids,
                    is_cut_short: true,
                };
            }
            Err(_elapsed) => {
                tracing::warn!("outbox batch cut short: the broker does not confirm");
                return Confirmed {
                    ids,
                    is_cut_short: true,
                };
            }
        }
    }
    Confirmed {
        ids,
        is_cut_short: false,
    }
}

/// The task that relays a role's outbox for as long as the process runs.
pub struct Relay {
    pool: PgPool,
    role: Role,
    broker: Arc<dyn Publish>,
    clock: Arc<dyn Clock>,
}

impl Relay {
    pub fn new(pool: PgPool, role: Role, broker: Arc<dyn Publish>, clock: Arc<dyn Clock>) -> Self {
        Self {
            pool,
            role,
            broker,
            clock,
        }
    }

    pub async fn run(self, stop: CancellationToken) {
        let mut listener = None;
        while !stop.is_cancelled() {
            if listener.is_none() {
                // Listening before the first look, so that no notification falls between.
                listener = self.listen().await;
            }
            if let Err(error) = self.relay_all().await {
                // The rows wait; the next round comes within a second.
                tracing::error!(
                    error = &error as &dyn StdError,
                    "could not relay the outbox"
                );
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(POLL_EVERY) => {}
                () = notified(&mut listener) => {}
            }
        }
    }

    async fn relay_all(&self) -> sqlx::Result<()> {
        let mut after = Some(0);
        while let Some(from) = after {
            after = relay_after(&self.pool, &*self.broker, &*self.clock, from)
                .await?
                .more_after;
        }
        let age_s = rows::age_of_oldest_s(&self.pool, self.clock.now()).await?;
        metrics::gauge!("molar_outbox_oldest_unpublished_age_s", "role" => self.role.as_str())
            .set(age_s);
        Ok(())
    }

    async fn listen(&self) -> Option<PgListener> {
        let listening = async {
            let mut listener = PgListener::connect_with(&self.pool).await?;
            listener.listen(&format!("outbox_{}", self.role)).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        match listening.await {
            Ok(listener) => Some(listener),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn StdError,
                    "not listening, only polling"
                );
                None
            }
        }
    }
}

/// Returns on a notification; never when there is no listener. A broken listener is given up, so that the
/// next round makes a new one.
async fn notified(listener: &mut Option<PgListener>) {
    let Some(connected) = listener else {
        return std::future::pending().await;
    };
    match connected.recv().await {
        // One look serves all that came so far.
        Ok(_) => while connected.next_buffered().is_some() {},
        Err(error) => {
            tracing::warn!(error = &error as &dyn StdError, "stopped listening");
            *listener = None;
        }
    }
}

#[cfg(test)]
mod tests;
