//! Messages over RabbitMQ: what is connected to what, publishing with confirms, consuming.
//!
//! The broker is a doorbell. Messages carry ids, may come twice and may be lost; nothing here keeps
//! a message safe beyond that, and nobody should need it to. What is promised: [`Publisher`] says
//! truly whether a message lies in a queue, a consumer comes back whatever happens to the
//! connection, and a message that nobody can handle ends in a dead-letter queue instead of going
//! round for ever.

mod args;
mod broker;
mod consume;
mod error;
mod publish;
mod topology;

pub use args::AmqpArgs;
pub use broker::Broker;
pub use consume::{Delivery, Disposition};
pub use error::{Error, Result};
pub use publish::{Publish, Publisher};
pub use topology::{
    DEAD_EXCHANGE, EVENTS_EXCHANGE, QueueSpec, WORKERS_EXCHANGE, worker_queue_of_class,
    worker_queue_of_id,
};
