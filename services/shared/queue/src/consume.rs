use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery as Arrived;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, BasicRejectOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::broker::{BackOff, Broker, Line};
use crate::error::{Error, Result};
use crate::topology::{self, QueueSpec};

/// A message that cannot be handled now will not be in a millisecond; without a pause it would use
/// up its deliveries before whatever is missing is back.
const REQUEUE_AFTER: Duration = Duration::from_secs(1);

/// A message that arrived, perhaps not for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub message_id: Uuid,
    pub routing_key: String,
    pub body: Vec<u8>,
    /// Those that are text.
    pub headers: BTreeMap<String, String>,
    pub redelivered: bool,
}

impl Delivery {
    pub fn trace_parent(&self) -> Option<&str> {
        self.headers.get("traceparent").map(String::as_str)
    }
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Noted, or nobody's business any more.
    Ack,
    /// Not now. It comes again after a second, until the queue's delivery limit.
    Requeue,
    /// Never. It is put aside as a dead letter.
    Reject,
}

impl Broker {
    /// Hands each message of `queue` to `handle`, one after the other, until `stop`.
    ///
    /// Makes the queue, and makes it again after the broker was emptied. Comes back from every loss
    /// of the connection; a message whose fate could not be told to the broker then comes again.
    /// `handle` should be quick: note the message, ring a bell.
    pub async fn consume<F, H>(
        &self,
        queue: &QueueSpec,
        prefetch: u16,
        stop: &CancellationToken,
        handle: F,
    ) where
        F: Fn(Delivery) -> H + Send + Sync,
        H: Future<Output = Disposition> + Send,
    {
        self.consume_for_ever(queue.name(), Some(queue), prefetch, stop, handle)
            .await;
    }

    /// As [`Broker::consume`], from a queue that somebody else makes.
    pub async fn consume_existing<F, H>(
        &self,
        queue: &str,
        prefetch: u16,
        stop: &CancellationToken,
        handle: F,
    ) where
        F: Fn(Delivery) -> H + Send + Sync,
        H: Future<Output = Disposition> + Send,
    {
        self.consume_for_ever(queue, None, prefetch, stop, handle)
            .await;
    }

    async fn consume_for_ever<F, H>(
        &self,
        queue: &str,
        spec: Option<&QueueSpec>,
        prefetch: u16,
        stop: &CancellationToken,
        handle: F,
    ) where
        F: Fn(Delivery) -> H + Send + Sync,
        H: Future<Output = Disposition> + Send,
    {
        let mut back_off = BackOff::default();
        while !stop.is_cancelled() {
            let begun = stop
                .run_until_cancelled(Box::pin(self.begin(queue, spec, prefetch)))
                .await;
            let ended = match begun {
                None => break,
                Some(Ok((line, consumer))) => {
                    back_off.reset();
                    let ended = drain(consumer, &line, stop, &handle).await;
                    // What was fetched and not handled goes back to the queue.
                    line.close().await;
                    ended
                }
                Some(Err(error)) => Err(error),
            };
            if stop.is_cancelled() {
                break;
            }
            match ended {
                Ok(()) => tracing::warn!(queue, "the broker ended a consumer"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, queue, "a consumer starts again");
                }
            }
            stop.run_until_cancelled(tokio::time::sleep(back_off.next()))
                .await;
        }
    }

    async fn begin(
        &self,
        queue: &str,
        spec: Option<&QueueSpec>,
        prefetch: u16,
    ) -> Result<(Line, lapin::Consumer)> {
        let line = self.line().await?;
        let channel = &line.channel;
        let begin = async {
            if let Some(spec) = spec {
                topology::declare(channel, std::slice::from_ref(spec)).await?;
            }
            channel
                .basic_qos(prefetch, BasicQosOptions::default())
                .await?;
            // Without a tag of our own the broker makes one.
            let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
            Ok(channel
                .basic_consume(queue.into(), "".into(), options, none)
                .await?)
        };
        let consumer = line.within(begin).await?;
        Ok((line, consumer))
    }
}

async fn drain<F, H>(
    mut consumer: lapin::Consumer,
    line: &Line,
    stop: &CancellationToken,
    handle: &F,
) -> Result<()>
where
    F: Fn(Delivery) -> H + Send + Sync,
    H: Future<Output = Disposition> + Send,
{
    // A handler that has begun is not interrupted.
    while let Some(arrived) = next(&mut consumer, line, stop).await? {
        let disposition = match read(&arrived) {
            Some(delivery) => handle(delivery).await,
            None => {
                tracing::error!(routing_key = %arrived.routing_key, "a message without an id");
                Disposition::Reject
            }
        };
        if disposition == Disposition::Requeue {
            stop.run_until_cancelled(tokio::time::sleep(REQUEUE_AFTER))
                .await;
        }
        line.within(settle(&arrived, disposition)).await?;
    }
    Ok(())
}

/// The next message; none when it is time to stop or the broker ended the consumer.
async fn next(
    consumer: &mut lapin::Consumer,
    line: &Line,
    stop: &CancellationToken,
) -> Result<Option<Arrived>> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Ok(None),
        () = line.lost.cancelled() => Err(Error::Unavailable("the connection was lost")),
        arrived = consumer.next() => Ok(arrived.transpose()?),
    }
}

async fn settle(arrived: &Arrived, disposition: Disposition) -> Result<()> {
    match disposition {
        Disposition::Ack => arrived.ack(BasicAckOptions::default()).await?,
        Disposition::Requeue => {
            arrived
                .nack(BasicNackOptions {
                    requeue: true,
                    multiple: false,
                })
                .await?
        }
        Disposition::Reject => {
            arrived
                .reject(BasicRejectOptions { requeue: false })
                .await?
        }
    };
    Ok(())
}

fn read(arrived: &Arrived) -> Option<Delivery> {
    let properties = &arrived.properties;
    let message_id = properties.message_id().as_ref()?.as_str();
    let headers = properties.headers().as_ref().map(texts).unwrap_or_default();
    Some(Delivery {
        message_id: Uuid::try_parse(message_id).ok()?,
        routing_key: arrived.routing_key.to_string(),
        body: arrived.data.clone(),
        headers,
        redelivered: arrived.redelivered,
    })
}

fn texts(table: &FieldTable) -> BTreeMap<String, String> {
    let text = |value: &AMQPValue| match value {
        AMQPValue::LongString(text) => String::from_utf8(text.as_bytes().to_vec()).ok(),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    };
    let pairs = table.inner().iter();
    pairs
        .filter_map(|(name, value)| Some((name.to_string(), text(value)?)))
        .collect()
}
