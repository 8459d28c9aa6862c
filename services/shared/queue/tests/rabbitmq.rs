//! Against a real RabbitMQ, whose URL is in `MOLAR_TEST_AMQP`; its user may make exchanges and queues.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use molar_queue::{
    AmqpArgs, Broker, Delivery, Disposition, Error, Publish, QueueSpec, worker_queue_of_class,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(20);

/// A connection and a word that only this test uses; `None`, and a line that says so, without a broker.
async fn start(test: &str) -> Option<(Broker, String)> {
    let Ok(url) = std::env::var("MOLAR_TEST_AMQP") else {
        eprintln!("SKIPPED rabbitmq: {test}");
        return None;
    };
    let broker = connect(&url);
    broker.declare_exchanges().await.unwrap();
    Some((broker, format!("test-{}", Uuid::new_v4().simple())))
}

fn connect(url: &str) -> Broker {
    Broker::connect(
        &AmqpArgs {
            amqp_url: url.into(),
        },
        "test",
    )
    .unwrap()
}

async fn finish(broker: &Broker, queue: &QueueSpec) {
    broker.delete(queue.name()).await.unwrap();
    broker.delete(&queue.dead_name()).await.unwrap();
}

/// Waits until the queue holds that many messages.
async fn reaches(broker: &Broker, queue: &str, expected: u32) {
    let waiting = async {
        while broker.queue_depth(queue).await.unwrap() != expected {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, waiting)
        .await
        .unwrap_or_else(|_| panic!("{queue} does not hold {expected}"));
}

/// A consumer that passes on what it gets and does with it what the test says.
struct Listener {
    stop: CancellationToken,
    arrived: mpsc::UnboundedReceiver<Delivery>,
    task: JoinHandle<()>,
}

impl Listener {
    fn start(
        broker: &Broker,
        queue: &QueueSpec,
        decide: impl Fn(&Delivery) -> Disposition + Send + Sync + 'static,
    ) -> Self {
        let (send, arrived) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let (broker, queue, stopped) = (broker.clone(), queue.clone(), stop.clone());
        let task = tokio::spawn(async move {
            let handle = |delivery: Delivery| {
                let disposition = decide(&delivery);
                send.send(delivery).unwrap();
                async move { disposition }
            };
            broker.consume(&queue, 10, &stopped, handle).await;
        });
        Self {
            stop,
            arrived,
            task,
        }
    }

    async fn next(&mut self) -> Delivery {
        timeout(SOON, self.arrived.recv()).await.unwrap().unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(SOON, self.task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_confirmed_message_arrives_as_it_was_sent() {
    let Some((broker, word)) = start("confirms").await else {
        return;
    };
    let queue = QueueSpec::events(&word, "thing.done");
    broker.declare(std::slice::from_ref(&queue)).await.unwrap();

    let (id, trace) = (
        Uuid::now_v7(),
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    );
    broker
        .publisher()
        .publish(id, "thing.done", b"\x00body", Some(trace))
        .await
        .unwrap();
    reaches(&broker, queue.name(), 1).await;

    let mut listener = Listener::start(&broker, &queue, |_| Disposition::Ack);
    let delivery = listener.next().await;
    assert_eq!(
        (delivery.message_id, delivery.body.as_slice()),
        (id, b"\x00body".as_slice())
    );
    assert_eq!(delivery.trace_parent(), Some(trace));
    assert_eq!(
        (delivery.routing_key.as_str(), delivery.redelivered),
        ("thing.done", false)
    );
    listener.stop().await;
    reaches(&broker, queue.name(), 0).await;
    finish(&broker, &queue).await;
}

#[tokio::test]
async fn a_message_for_which_there_is_no_queue_is_an_error() {
    let Some((broker, word)) = start("mandatory").await else {
        return;
    };
    let publisher = broker.publisher();
    for key in [
        format!("{word}.done"),
        worker_queue_of_class(&word),
        "x".repeat(300),
    ] {
        let published = publisher.publish(Uuid::now_v7(), &key, b"", None).await;
        assert!(published.is_err_and(|error| error.is_unroutable()), "{key}");
    }
    let depth = broker.queue_depth(&word).await;
    assert!(matches!(depth, Err(Error::NoSuchQueue)));

    // The publisher is none the worse for it.
    let queue = QueueSpec::named(&word, [word.as_str()]);
    broker.declare(std::slice::from_ref(&queue)).await.unwrap();
    publisher
        .publish(Uuid::now_v7(), &word, b"", None)
        .await
        .unwrap();
    finish(&broker, &queue).await;
}

#[tokio::test]
async fn a_message_that_is_put_back_comes_again() {
    let Some((broker, word)) = start("redelivery").await else {
        return;
    };
    let queue = QueueSpec::named(&word, [word.as_str()]);
    let decide = |delivery: &Delivery| match delivery.redelivered {
        true => Disposition::Ack,
        false => Disposition::Requeue,
    };
    let mut listener = Listener::start(&broker, &queue, decide);
    let id = Uuid::now_v7();
    publish_until_routed(&broker, id, &word).await;

    let (first, second) = (listener.next().await, listener.next().await);
    assert_eq!([first.message_id, second.message_id], [id, id]);
    assert!(!first.redelivered && second.redelivered);
    listener.stop().await;
    assert_eq!(broker.queue_depth(queue.name()).await.unwrap(), 0);
    assert_eq!(broker.queue_depth(&queue.dead_name()).await.unwrap(), 0);
    finish(&broker, &queue).await;
}

#[tokio::test]
async fn a_message_nobody_can_handle_is_put_aside() {
    let Some((broker, word)) = start("dead letters").await else {
        return;
    };
    let queue = QueueSpec::named(&word, [word.as_str()]).with_delivery_limit(1);
    broker.declare(std::slice::from_ref(&queue)).await.unwrap();
    let (tried, refused) = (Uuid::now_v7(), Uuid::now_v7());
    let decide = move |delivery: &Delivery| match delivery.message_id == refused {
        true => Disposition::Reject,
        false => Disposition::Requeue,
    };
    let publisher = broker.publisher();
    publisher.publish(tried, &word, b"", None).await.unwrap();
    publisher.publish(refused, &word, b"", None).await.unwrap();

    let mut listener = Listener::start(&broker, &queue, decide);
    let mut arrived = [
        listener.next().await,
        listener.next().await,
        listener.next().await,
    ]
    .map(|delivery| delivery.message_id);
    arrived.sort_unstable();
    assert_eq!(arrived, [tried, tried, refused]);
    reaches(&broker, &queue.dead_name(), 2).await;
    assert_eq!(broker.queue_depth(queue.name()).await.unwrap(), 0);
    assert_eq!(broker.purge(&queue.dead_name()).await.unwrap(), 2);
    listener.stop().await;
    finish(&broker, &queue).await;
}

#[tokio::test]
async fn a_stopped_consumer_leaves_the_rest_in_the_queue() {
    let Some((broker, word)) = start("stop").await else {
        return;
    };
    let queue = QueueSpec::named(&word, [word.as_str()]);
    broker.declare(std::slice::from_ref(&queue)).await.unwrap();
    for _ in 0..3 {
        broker
            .publisher()
            .publish(Uuid::now_v7(), &word, b"", None)
            .await
            .unwrap();
    }
    let stop = CancellationToken::new();
    let handle = async |_| {
        stop.cancel();
        Disposition::Ack
    };
    timeout(SOON, broker.consume(&queue, 10, &stop, handle))
        .await
        .unwrap();
    reaches(&broker, queue.name(), 2).await;
    finish(&broker, &queue).await;
}

#[tokio::test]
async fn publisher_and_consumer_survive_a_cut_connection() {
    let Some((broker, word)) = start("reconnect").await else {
        return;
    };
    let url = std::env::var("MOLAR_TEST_AMQP").unwrap();
    let proxy = Proxy::start(&url).await;
    let fragile = connect(&proxy.url);
    let publisher = fragile.publisher();
    let queue = QueueSpec::named(&word, [word.as_str()]);
    broker.declare(std::slice::from_ref(&queue)).await.unwrap();

    let mut listener = Listener::start(&fragile, &queue, |_| Disposition::Ack);
    for _ in 0..3 {
        let id = Uuid::now_v7();
        let published = async {
            while let Err(error) = publisher.publish(id, &word, b"", None).await {
                assert!(!error.is_unroutable(), "{error:?}");
            }
        };
        timeout(SOON, published).await.unwrap();
        // What was sent before a cut may come once more.
        while listener.next().await.message_id != id {}
        proxy.cut().await;
    }
    listener.stop().await;
    finish(&broker, &queue).await;
}

#[tokio::test]
async fn an_unsettled_message_comes_again_after_a_cut() {
    let Some((broker, word)) = start("unsettled").await else {
        return;
    };
    let proxy = Proxy::start(&std::env::var("MOLAR_TEST_AMQP").unwrap()).await;
    let fragile = connect(&proxy.url);
    let queue = QueueSpec::named(&word, [word.as_str()]);
    broker.declare(std::slice::from_ref(&queue)).await.unwrap();
    broker
        .publisher()
        .publish(Uuid::now_v7(), &word, b"", None)
        .await
        .unwrap();

    let (proxy, stop) = (Arc::new(proxy), CancellationToken::new());
    let is_first = AtomicBool::new(true);
    let handle = async |delivery: Delivery| {
        if is_first.swap(false, Ordering::SeqCst) {
            proxy.cut().await;
        } else {
            assert!(delivery.redelivered);
            stop.cancel();
        }
        Disposition::Ack
    };
    timeout(SOON, fragile.consume(&queue, 1, &stop, handle))
        .await
        .unwrap();
    reaches(&broker, queue.name(), 0).await;
    finish(&broker, &queue).await;
}

#[tokio::test]
async fn a_consumer_makes_its_queue_again_when_the_broker_was_emptied() {
    let Some((broker, word)) = start("emptied").await else {
        return;
    };
    let queue = QueueSpec::named(&word, [word.as_str()]);
    let mut listener = Listener::start(&broker, &queue, |_| Disposition::Ack);
    publish_until_routed(&broker, Uuid::now_v7(), &word).await;
    listener.next().await;

    finish(&broker, &queue).await;
    let id = Uuid::now_v7();
    publish_until_routed(&broker, id, &word).await;
    assert_eq!(listener.next().await.message_id, id);
    listener.stop().await;
    finish(&broker, &queue).await;
}

#[tokio::test]
async fn a_worker_listens_to_a_queue_that_others_make() {
    let Some((broker, word)) = start("workers").await else {
        return;
    };
    // Of its own, as in life: RabbitMQ 3.10 ends a connection that consumes from a quorum queue in
    // the moment in which it is made.
    let worker = connect(&std::env::var("MOLAR_TEST_AMQP").unwrap());
    let queue = QueueSpec::worker(worker_queue_of_class(&word));
    let (stop, id) = (CancellationToken::new(), Uuid::now_v7());
    let handle = async |delivery: Delivery| {
        assert_eq!(delivery.message_id, id);
        stop.cancel();
        Disposition::Ack
    };
    let published = async {
        // The consumer has found no queue by now, and looks again.
        tokio::time::sleep(Duration::from_millis(300)).await;
        broker.declare(std::slice::from_ref(&queue)).await.unwrap();
        broker
            .publisher()
            .publish(id, queue.name(), b"", None)
            .await
            .unwrap();
    };
    let consumed = worker.consume_existing(queue.name(), 1, &stop, handle);
    timeout(SOON, async { tokio::join!(published, consumed) })
        .await
        .unwrap();
    broker.delete(queue.name()).await.unwrap();
}

async fn publish_until_routed(broker: &Broker, id: Uuid, key: &str) {
    let publisher = broker.publisher();
    let published = async {
        while let Err(error) = publisher.publish(id, key, b"", None).await {
            assert!(error.is_unroutable(), "{error:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, published).await.unwrap();
}

/// Stands between a client and the broker, and can cut every connection.
struct Proxy {
    url: String,
    cut: mpsc::Sender<()>,
    _task: JoinSet<()>,
}

impl Proxy {
    async fn start(url: &str) -> Self {
        let (before, rest) = url.rsplit_once('@').unwrap();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, "%2f"));
        let target: SocketAddr = tokio::net::lookup_host(authority)
            .await
            .unwrap()
            .next()
            .unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("{before}@{}/{path}", listener.local_addr().unwrap());
        let (cut, mut cuts) = mpsc::channel(1);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let (mut client, _) = accepted.unwrap();
                        connections.spawn(async move {
                            let mut server = TcpStream::connect(target).await.unwrap();
                            // How it ends does not matter.
                            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                        });
                    }
                    Some(()) = cuts.recv() => connections.shutdown().await,
                }
            }
        });
        Self {
            url,
            cut,
            _task: task,
        }
    }

    async fn cut(&self) {
        self.cut.send(()).await.unwrap();
    }
}
