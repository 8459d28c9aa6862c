use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::sync::Mutex;
use tokio::time::timeout;
use uuid::Uuid;

use crate::broker::{Broker, Line};
use crate::error::{Error, Result};
use crate::topology::exchange_of;

/// An outbox holds a transaction open while it publishes, so this is all the time a message gets.
const PATIENCE: Duration = Duration::from_millis(900);
const CONTENT_TYPE: &str = "application/x-protobuf";
/// As W3C names it.
const TRACE_PARENT: &str = "traceparent";
const PERSISTENT: u8 = 2;

/// What a relay needs of a broker.
#[async_trait]
pub trait Publish: Send + Sync {
    /// Returns once the message lies safely in every queue that its routing key leads to.
    ///
    /// `worker.…` goes to workers, everything else is an event. A message for which there is no
    /// queue is [`Error::Unroutable`]. After any other error the message may have been kept all the
    /// same: say it again, with the same `message_id`.
    async fn publish(
        &self,
        message_id: Uuid,
        routing_key: &str,
        body: &[u8],
        trace_parent: Option<&str>,
    ) -> Result<()>;
}

/// Publishes with confirms over one channel, which is opened again when it breaks.
pub struct Publisher {
    broker: Broker,
    line: Mutex<Option<Line>>,
}

impl Broker {
    pub fn publisher(&self) -> Publisher {
        Publisher {
            broker: self.clone(),
            line: Mutex::new(None),
        }
    }
}

impl Publisher {
    async fn channel(&self) -> Result<Channel> {
        let mut slot = self.line.lock().await;
        if let Some(line) = slot.as_ref()
            && line.channel.status().connected()
            && !line.lost.is_cancelled()
        {
            return Ok(line.channel.clone());
        }
        let line = self.broker.line().await?;
        line.channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(slot.insert(line).channel.clone())
    }

    async fn send(
        &self,
        routing_key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<Confirmation> {
        let channel = self.channel().await?;
        let key = ShortString::try_new(routing_key).map_err(|_| Error::Unroutable {
            routing_key: routing_key.to_owned(),
        })?;
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let exchange = exchange_of(routing_key).into();
        let confirm = channel
            .basic_publish(exchange, key, options, body, properties)
            .await?;
        Ok(confirm.await?)
    }
}

#[async_trait]
impl Publish for Publisher {
    async fn publish(
        &self,
        message_id: Uuid,
        routing_key: &str,
        body: &[u8],
        trace_parent: Option<&str>,
    ) -> Result<()> {
        let headers = trace_parent.map(|value| (TRACE_PARENT, value));
        let properties = properties(message_id, &headers.into_iter().collect());
        let confirmation = timeout(PATIENCE, self.send(routing_key, body, properties))
            .await
            .map_err(|_| Error::Unavailable("no confirm in time"))??;
        match confirmation {
            Confirmation::Ack(None) => Ok(()),
            // Acknowledged means dealt with; a message that comes back was dealt with by no queue.
            Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => Err(Error::Unroutable {
                routing_key: routing_key.to_owned(),
            }),
            Confirmation::Nack(None) => Err(Error::Unavailable("a queue took no more")),
            Confirmation::NotRequested => Err(Error::Unavailable("confirms are off")),
        }
    }
}

fn properties(message_id: Uuid, headers: &BTreeMap<&str, &str>) -> BasicProperties {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert((*name).into(), AMQPValue::LongString((*value).into()));
    }
    BasicProperties::default()
        .with_message_id(message_id.to_string().into())
        .with_content_type(CONTENT_TYPE.into())
        .with_delivery_mode(PERSISTENT)
        .with_headers(table)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::args::AmqpArgs;

    #[tokio::test]
    async fn without_a_broker_a_message_fails_within_a_second() {
        // The port of a socket that is bound but does not listen refuses.
        let reserved = tokio::net::TcpSocket::new_v4().unwrap();
        reserved.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let url = format!("amqp://a:b@{}", reserved.local_addr().unwrap());
        let broker = Broker::connect(
            &AmqpArgs {
                amqp_url: url.into(),
            },
            "test",
        )
        .unwrap();

        let begun = Instant::now();
        let published = broker
            .publisher()
            .publish(Uuid::nil(), "a.b", b"", None)
            .await;
        assert!(matches!(published, Err(Error::Unavailable(_))));
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}
