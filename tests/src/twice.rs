//! A broker that delivers everything twice: each message is taken and published once more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties};
use tokio::task::JoinHandle;

/// Marks a message that was repeated, so that it is not repeated again.
const MARK: &str = "x-molar-test-again";

pub struct Repeater {
    connection: Connection,
    repeated: Arc<AtomicU64>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Repeater {
    /// `worker_queues`: routing keys of the exchange of workers, which takes no pattern.
    pub async fn start(broker: &str, worker_queues: &[&str]) -> anyhow::Result<Self> {
        let connection = Connection::connect(broker, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        let options = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..QueueDeclareOptions::default()
        };
        let queue = channel
            .queue_declare("".into(), options, FieldTable::default())
            .await?;
        let name = queue.name().clone();
        let mut bindings = vec![("molar.events", "#")];
        bindings.extend(worker_queues.iter().map(|key| ("molar.workers", *key)));
        for (exchange, key) in bindings {
            channel
                .queue_bind(
                    name.clone(),
                    exchange.into(),
                    key.into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await?;
        }
        let mut deliveries = channel
            .basic_consume(
                name,
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        let repeated = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&repeated);
        let task = tokio::spawn(async move {
            while let Some(delivery) = deliveries.next().await {
                let delivery = delivery?;
                let mut headers = delivery.properties.headers().clone().unwrap_or_default();
                if !headers.contains_key(MARK) {
                    headers.insert(MARK.into(), AMQPValue::Boolean(true));
                    let again = delivery.properties.clone().with_headers(headers);
                    channel
                        .basic_publish(
                            delivery.exchange.clone(),
                            delivery.routing_key.clone(),
                            BasicPublishOptions::default(),
                            &delivery.data,
                            again,
                        )
                        .await?
                        .await?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                delivery.ack(BasicAckOptions::default()).await?;
            }
            Ok(())
        });
        Ok(Self {
            connection,
            repeated,
            task,
        })
    }

    /// Returns how many messages were delivered a second time.
    pub async fn stop(self) -> anyhow::Result<u64> {
        anyhow::ensure!(
            !self.task.is_finished(),
            "the repeater ended early: {:?}",
            self.task.await
        );
        self.task.abort();
        self.connection.close(200, "done".into()).await?;
        Ok(self.repeated.load(Ordering::Relaxed))
    }
}

/// Whether this user may publish to the exchange.
pub async fn may_publish(broker: &str, exchange: &str, key: &str) -> anyhow::Result<bool> {
    let connection = Connection::connect(broker, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    let published = channel
        .basic_publish(
            exchange.into(),
            key.into(),
            BasicPublishOptions::default(),
            b"",
            lapin::BasicProperties::default(),
        )
        .await;
    let is_confirmed = match published {
        Ok(confirmation) => confirmation.await.is_ok(),
        Err(_) => false,
    };
    // A refusal closes the channel, and that may close more.
    let _ = connection.close(200, "done".into()).await;
    Ok(is_confirmed)
}
