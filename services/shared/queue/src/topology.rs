//! Exchanges and queues, and how they hang together.
//!
//! ```text
//! molar.events  (topic)   submission.queued ──▶ scoring.submission.queued
//! molar.workers (direct)  worker.<class>    ──▶ worker.<class>
//! molar.dead    (direct)  <queue>           ──▶ <queue>.dead
//! ```
//!
//! The owner makes the exchanges ([`crate::Broker::declare_exchanges`]), each role its own queues.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use crate::error::Result;

pub const EVENTS_EXCHANGE: &str = "molar.events";
pub const DEAD_EXCHANGE: &str = "molar.dead";
pub const WORKERS_EXCHANGE: &str = "molar.workers";

/// How often a message may come back before it is put aside. Every restart of a consumer returns
/// what it had fetched, and that counts too.
const DELIVERY_LIMIT: u32 = 20;
/// Dead letters are for a person to look at; a flood of them is not kept.
const DEAD_LETTERS: u32 = 10_000;
/// The queue of a worker that has not been heard of for this long goes away.
const WORKER_GONE: Duration = Duration::from_secs(7 * 24 * 3600);

/// A queue and what leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSpec {
    name: String,
    exchange: &'static str,
    bindings: Vec<String>,
    delivery_limit: u32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Messages that nobody can handle are put aside for a person.
    Events,
    /// Messages are hints with a poll behind them: what nobody can handle is dropped.
    Worker,
}

impl QueueSpec {
    /// The queue in which `role` gets the events with `routing_key`: `<role>.<key>`.
    pub fn events(role: &str, routing_key: &str) -> Self {
        Self::named(format!("{role}.{routing_key}"), [routing_key])
    }

    /// A queue for events with any of `bindings`, which may be patterns. Its name starts with the
    /// role and a dot, or the role has no right to make it.
    pub fn named<'a>(name: impl Into<String>, bindings: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            name: name.into(),
            exchange: EVENTS_EXCHANGE,
            bindings: bindings.into_iter().map(str::to_owned).collect(),
            delivery_limit: DELIVERY_LIMIT,
            kind: Kind::Events,
        }
    }

    /// A queue that workers listen to, see [`worker_queue_of_class`] and [`worker_queue_of_id`].
    /// The routing key that leads to it is its name.
    pub fn worker(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            exchange: WORKERS_EXCHANGE,
            bindings: vec![name.clone()],
            name,
            delivery_limit: DELIVERY_LIMIT,
            kind: Kind::Worker,
        }
    }

    pub fn with_delivery_limit(self, delivery_limit: u32) -> Self {
        Self {
            delivery_limit,
            ..self
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where messages end that could not be handled.
    pub fn dead_name(&self) -> String {
        format!("{}.dead", self.name)
    }

    fn arguments(&self) -> FieldTable {
        let mut arguments = quorum();
        arguments.insert("x-delivery-limit".into(), long(self.delivery_limit));
        match self.kind {
            Kind::Events => {
                // At least once, so that a dead letter is not lost between two queues; the broker
                // insists on reject-publish for that.
                arguments.insert("x-dead-letter-exchange".into(), text(DEAD_EXCHANGE));
                arguments.insert("x-dead-letter-routing-key".into(), text(&self.name));
                arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
                arguments.insert("x-overflow".into(), text("reject-publish"));
            }
            Kind::Worker => {
                let expires = i64::try_from(WORKER_GONE.as_millis()).unwrap_or(i64::MAX);
                arguments.insert("x-expires".into(), AMQPValue::LongLongInt(expires));
            }
        }
        arguments
    }
}

/// The queue with the released case runs for one class of workers.
pub fn worker_queue_of_class(class: &str) -> String {
    format!("worker.{class}")
}

/// The queue of one worker: cancel and drain.
pub fn worker_queue_of_id(worker_id: uuid::Uuid) -> String {
    format!("worker.{worker_id}")
}

/// Routing keys to workers start with `worker.`; all others are events.
pub(crate) fn exchange_of(routing_key: &str) -> &'static str {
    match routing_key.starts_with("worker.") {
        true => WORKERS_EXCHANGE,
        false => EVENTS_EXCHANGE,
    }
}

pub(crate) async fn declare_exchanges(channel: &Channel) -> Result<()> {
    let kinds = [
        (EVENTS_EXCHANGE, ExchangeKind::Topic),
        (DEAD_EXCHANGE, ExchangeKind::Direct),
        (WORKERS_EXCHANGE, ExchangeKind::Direct),
    ];
    for (name, kind) in kinds {
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        channel
            .exchange_declare(name.into(), kind, options, FieldTable::default())
            .await?;
    }
    Ok(())
}

pub(crate) async fn declare(channel: &Channel, queues: &[QueueSpec]) -> Result<()> {
    for queue in queues {
        if queue.kind == Kind::Events {
            declare_dead(channel, queue).await?;
        }
        make(channel, &queue.name, queue.arguments()).await?;
        for key in &queue.bindings {
            bind(channel, &queue.name, queue.exchange, key).await?;
        }
    }
    Ok(())
}

async fn declare_dead(channel: &Channel, queue: &QueueSpec) -> Result<()> {
    let dead = queue.dead_name();
    let mut arguments = quorum();
    arguments.insert("x-max-length".into(), long(DEAD_LETTERS));
    make(channel, &dead, arguments).await?;
    bind(channel, &dead, DEAD_EXCHANGE, &queue.name).await
}

async fn make(channel: &Channel, name: &str, arguments: FieldTable) -> Result<()> {
    channel
        .queue_declare(name.into(), QueueDeclareOptions::durable(), arguments)
        .await?;
    Ok(())
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<()> {
    let none = FieldTable::default();
    let options = QueueBindOptions::default();
    channel
        .queue_bind(queue.into(), exchange.into(), key.into(), options, none)
        .await?;
    Ok(())
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn long(value: u32) -> AMQPValue {
    AMQPValue::LongLongInt(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_named_after_its_reader_and_what_it_reads() {
        let queue = QueueSpec::events("scoring", "output.stored");
        assert_eq!(queue.name(), "scoring.output.stored");
        assert_eq!(queue.dead_name(), "scoring.output.stored.dead");
        assert_eq!(queue.bindings, ["output.stored"]);
    }

    #[test]
    fn what_is_for_workers_does_not_go_where_events_go() {
        let class = worker_queue_of_class("gpu-a");
        assert_eq!(class, "worker.gpu-a");
        assert_eq!(exchange_of(&class), WORKERS_EXCHANGE);
        assert_eq!(
            exchange_of(&worker_queue_of_id(uuid::Uuid::nil())),
            WORKERS_EXCHANGE
        );
        assert_eq!(exchange_of("submission.completed"), EVENTS_EXCHANGE);
    }
}
