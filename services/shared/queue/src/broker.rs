use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions};
use lapin::types::{FieldTable, LongString};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, ErrorKind, Event};
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::args::AmqpArgs;
use crate::error::{Error, Result};
use crate::topology::{self, QueueSpec};

/// A connection is not waited for longer than this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that is gone without a word is noticed within twice this.
const HEARTBEAT_S: u16 = 10;
/// In case the event that says so is missed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// No answer of a broker that is well takes this long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

type Slot = Option<Link>;

#[derive(Clone)]
struct Link {
    connection: Arc<Connection>,
    lost: CancellationToken,
}

/// A connection to RabbitMQ that is made again, for ever, whenever it is lost. Cheap to clone; the
/// connection is closed with the last clone.
#[derive(Clone)]
pub struct Broker {
    connection: watch::Receiver<Slot>,
    _stop: Arc<DropGuard>,
}

impl Broker {
    /// Starts to connect and does not wait for it. `name` is what the broker's operator reads.
    pub fn connect(args: &AmqpArgs, name: &str) -> Result<Self> {
        let mut uri: AMQPUri = args.amqp_url.expose_secret().parse().map_err(Error::Url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        let (slot, connection) = watch::channel(None);
        let stop = CancellationToken::new();
        tokio::spawn(keep(uri, name.to_owned(), slot, stop.clone()));
        Ok(Self {
            connection,
            _stop: Arc::new(stop.drop_guard()),
        })
    }

    pub fn is_connected(&self) -> bool {
        is_connected(&self.connection.borrow())
    }

    /// Makes the exchanges. The owner's to do, before the roles start and after the broker was
    /// emptied.
    pub async fn declare_exchanges(&self) -> Result<()> {
        let line = self.line().await?;
        line.within(topology::declare_exchanges(&line.channel))
            .await?;
        line.close().await;
        Ok(())
    }

    /// Makes queues and their bindings; those that are there stay as they are.
    pub async fn declare(&self, queues: &[QueueSpec]) -> Result<()> {
        let line = self.line().await?;
        line.within(topology::declare(&line.channel, queues))
            .await?;
        line.close().await;
        Ok(())
    }

    /// How many messages wait in a queue, those not counted that a consumer has fetched.
    pub async fn queue_depth(&self, queue: &str) -> Result<u32> {
        let line = self.line().await?;
        let options = QueueDeclareOptions::durable().passive();
        let declared = line
            .channel
            .queue_declare(queue.into(), options, FieldTable::default());
        let depth = line
            .within(async { declared.await.map_err(missing) })
            .await?
            .message_count();
        line.close().await;
        Ok(depth)
    }

    /// Throws away what waits in a queue and says how much it was.
    pub async fn purge(&self, queue: &str) -> Result<u32> {
        let line = self.line().await?;
        let purge = line
            .channel
            .queue_purge(queue.into(), QueuePurgeOptions::default());
        let purged = line.within(async { purge.await.map_err(missing) }).await?;
        line.close().await;
        Ok(purged)
    }

    /// Removes a queue and what waits in it; one that is not there is as good as removed.
    pub async fn delete(&self, queue: &str) -> Result<()> {
        let line = self.line().await?;
        let delete = line
            .channel
            .queue_delete(queue.into(), QueueDeleteOptions::default());
        line.within(async { Ok(delete.await?) }).await?;
        line.close().await;
        Ok(())
    }

    /// A new channel, as soon as there is a connection.
    pub(crate) async fn line(&self) -> Result<Line> {
        let mut slot = self.connection.clone();
        let link = timeout(CONNECT_TIMEOUT, slot.wait_for(is_connected))
            .await
            .map_err(|_| Error::Unavailable("no connection"))?
            .map_err(|_| Error::Unavailable("closed"))?
            .clone()
            .ok_or(Error::Unavailable("no connection"))?;
        let opened = async { Ok(link.connection.create_channel().await?) };
        let channel = within(&link.lost, opened).await?;
        Ok(Line {
            channel,
            lost: link.lost,
        })
    }
}

/// A channel, and whether its connection still is one.
pub(crate) struct Line {
    pub channel: Channel,
    pub lost: CancellationToken,
}

impl Line {
    /// What waits for an answer must not wait for ever: with a lost connection some do not fail,
    /// they just never come.
    pub async fn within<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        within(&self.lost, work).await
    }

    /// Ends a channel that has done its work. If that fails, the connection is gone and the channel
    /// too.
    pub async fn close(self) {
        let close = self.channel.close(200, "done".into());
        if let Err(error) = self.within(async { Ok(close.await?) }).await {
            tracing::debug!(%error, "a channel was not closed in order");
        }
    }
}

async fn within<T>(lost: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    let answer = lost
        .run_until_cancelled(timeout(ANSWER_TIMEOUT, work))
        .await;
    answer
        .ok_or(Error::Unavailable("the connection was lost"))?
        .map_err(|_| Error::Unavailable("no answer"))?
}

fn is_connected(slot: &Slot) -> bool {
    slot.as_ref()
        .is_some_and(|link| link.connection.status().connected())
}

fn missing(error: lapin::Error) -> Error {
    const NOT_FOUND: u16 = 404;
    match error.kind() {
        ErrorKind::ProtocolError(amqp) if amqp.get_id() == NOT_FOUND => Error::NoSuchQueue,
        _ => error.into(),
    }
}

/// 0.1 s, 0.2 s, 0.4 s … capped at 5 s: a broker that restarts is back within seconds, and one that is
/// down for an hour is asked seldom enough.
#[derive(Debug, Default)]
pub(crate) struct BackOff(u32);

impl BackOff {
    pub fn next(&mut self) -> Duration {
        let delay = Duration::from_millis(100 << self.0.min(6));
        self.0 += 1;
        delay.min(Duration::from_secs(5))
    }

    pub fn reset(&mut self) {
        self.0 = 0;
    }
}

async fn keep(uri: AMQPUri, name: String, slot: watch::Sender<Slot>, stop: CancellationToken) {
    let mut back_off = BackOff::default();
    while !stop.is_cancelled() {
        match stop.run_until_cancelled(open(&uri, &name)).await {
            None => break,
            Some(Ok(connection)) => {
                back_off.reset();
                tracing::info!("connected to the broker");
                hold(connection, &slot, &stop).await;
            }
            Some(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "no connection to the broker"
                );
            }
        }
        stop.run_until_cancelled(tokio::time::sleep(back_off.next()))
            .await;
    }
}

/// Lends the connection out until it is lost or no longer wanted.
async fn hold(connection: Connection, slot: &watch::Sender<Slot>, stop: &CancellationToken) {
    let connection = Arc::new(connection);
    let link = Link {
        connection: connection.clone(),
        lost: CancellationToken::new(),
    };
    slot.send_replace(Some(link.clone()));
    let is_lost = stop.run_until_cancelled(lost(&connection)).await.is_some();
    slot.send_replace(None);
    if is_lost {
        tracing::warn!("lost the connection to the broker");
    } else {
        let closed = async { Ok(connection.close(200, "bye".into()).await?) };
        if let Err(error) = within(&link.lost, closed).await {
            tracing::debug!(%error, "the connection was not closed in order");
        }
    }
    link.lost.cancel();
}

async fn open(uri: &AMQPUri, name: &str) -> Result<Connection> {
    let properties =
        ConnectionProperties::default().with_connection_name(LongString::from(name.as_bytes()));
    let connection = timeout(
        CONNECT_TIMEOUT,
        Connection::connect_uri(uri.clone(), properties),
    );
    Ok(connection
        .await
        .map_err(|_| Error::Unavailable("no answer"))??)
}

/// Returns when the connection is not one any more.
async fn lost(connection: &Connection) {
    let mut events = connection.events_listener();
    while connection.status().connected() {
        match timeout(LOOK_EVERY, events.next()).await {
            Ok(Some(Event::ConnectionBlocked(reason))) => {
                tracing::warn!(reason, "the broker takes no messages for now");
            }
            Ok(Some(Event::Error(error))) => {
                tracing::debug!(%error, "the connection has an error");
                return;
            }
            Ok(Some(_)) | Err(_) => {}
            Ok(None) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_grows_to_five_seconds_and_starts_anew() {
        let mut back_off = BackOff::default();
        let series: Vec<_> = (0..8).map(|_| back_off.next().as_millis()).collect();
        assert_eq!(series, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        back_off.reset();
        assert_eq!(back_off.next().as_millis(), 100);
    }

    #[tokio::test]
    async fn a_url_that_is_none_is_refused_at_once() {
        let args = AmqpArgs {
            amqp_url: "http://localhost".into(),
        };
        assert!(matches!(Broker::connect(&args, "test"), Err(Error::Url(_))));
    }
}
