//! The worker's queues: hints that a case run may be claimed, and word to stop one or all.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use molar_contracts::worker_bell::Kind;
use molar_contracts::{CaseRunReleased, VERSION, WorkerBell};
use molar_queue::{
    AmqpArgs, Broker, Delivery, Disposition, worker_queue_of_class, worker_queue_of_id,
};
use prost::Message as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Hints beyond this are forgotten: asking again finds what they spoke of.
const HINTS: usize = 64;

/// What the queues said and nobody has acted on yet.
#[derive(Clone, Default)]
pub struct Doorbell {
    inner: Arc<Mutex<Inner>>,
    /// Rings when there may be something to claim.
    pub bell: Arc<Notify>,
}

#[derive(Default)]
struct Inner {
    hints: VecDeque<Uuid>,
    /// By case run and lease token.
    running: BTreeMap<(Uuid, Uuid), CancellationToken>,
    is_draining: bool,
}

impl Doorbell {
    pub fn next_hint(&self) -> Option<Uuid> {
        self.lock().hints.pop_front()
    }

    pub fn is_draining(&self) -> bool {
        self.lock().is_draining
    }

    pub fn set_draining(&self, is_draining: bool) {
        self.lock().is_draining = is_draining;
    }

    /// From now on a cancel of this case run cancels `token`.
    ///
    /// Two slots can hold a run for a moment: the one that has lost it and does not know yet, and the next.
    pub fn watch(&self, case_run: Uuid, lease: Uuid, token: CancellationToken) {
        self.lock().running.insert((case_run, lease), token);
    }

    pub fn unwatch(&self, case_run: Uuid, lease: Uuid) {
        self.lock().running.remove(&(case_run, lease));
    }

    fn hint(&self, case_run: Uuid) {
        let mut inner = self.lock();
        inner.hints.push_back(case_run);
        if inner.hints.len() > HINTS {
            inner.hints.pop_front();
        }
        drop(inner);
        self.bell.notify_one();
    }

    fn cancel(&self, case_run: Uuid) {
        let inner = self.lock();
        let of_run = inner
            .running
            .range((case_run, Uuid::nil())..=(case_run, Uuid::max()));
        of_run.for_each(|(_, token)| token.cancel());
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens to both queues until stopped. Without a broker there is nothing to hear.
pub async fn listen(
    args: AmqpArgs,
    class: String,
    worker_id: Uuid,
    doorbell: Doorbell,
    stop: CancellationToken,
) {
    let broker = match Broker::connect(&args, "worker") {
        Ok(broker) => broker,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "no broker; asking every few seconds instead"
            );
            return stop.cancelled().await;
        }
    };
    let (of_class, of_id) = (worker_queue_of_class(&class), worker_queue_of_id(worker_id));
    tokio::join!(
        broker.consume_existing(&of_class, 1, &stop, |delivery| std::future::ready(
            released(&doorbell, &delivery)
        )),
        broker.consume_existing(&of_id, 8, &stop, |delivery| std::future::ready(rung(
            &doorbell, &delivery
        ))),
    );
}

/// A hint is acknowledged when it is noted: what it speaks of is a row, and asking finds it.
fn released(doorbell: &Doorbell, delivery: &Delivery) -> Disposition {
    let message = CaseRunReleased::decode(delivery.body.as_slice())
        .ok()
        .filter(|m| m.version == VERSION);
    let Some(case_run) = message.and_then(|m| m.case_run_id.parse().ok()) else {
        return Disposition::Reject;
    };
    doorbell.hint(case_run);
    Disposition::Ack
}

fn rung(doorbell: &Doorbell, delivery: &Delivery) -> Disposition {
    let message = WorkerBell::decode(delivery.body.as_slice())
        .ok()
        .filter(|m| m.version == VERSION);
    let Some(message) = message else {
        return Disposition::Reject;
    };
    match message.kind() {
        Kind::Cancel => match message.case_run_id.parse() {
            Ok(case_run) => doorbell.cancel(case_run),
            Err(_) => return Disposition::Reject,
        },
        Kind::Drain => doorbell.set_draining(true),
        Kind::Unspecified => return Disposition::Reject,
    }
    Disposition::Ack
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(body: Vec<u8>) -> Delivery {
        Delivery {
            message_id: Uuid::nil(),
            routing_key: "worker.cpu".into(),
            body,
            headers: BTreeMap::new(),
            redelivered: false,
        }
    }

    #[test]
    fn a_cancel_reaches_the_run_it_names_and_no_other() {
        let doorbell = Doorbell::default();
        let tokens = [(); 3].map(|()| CancellationToken::new());
        let [mine, lost, other] = &tokens;
        let (id, lease) = (Uuid::from_u128(1), Uuid::from_u128);
        doorbell.watch(id, lease(1), lost.clone());
        doorbell.watch(id, lease(2), mine.clone());
        doorbell.watch(Uuid::from_u128(2), lease(3), other.clone());
        // The slot that had lost it is done.
        doorbell.unwatch(id, lease(1));
        let bell = WorkerBell {
            version: VERSION,
            kind: Kind::Cancel.into(),
            case_run_id: id.to_string(),
        };
        assert_eq!(
            rung(&doorbell, &delivery(bell.encode_to_vec())),
            Disposition::Ack
        );
        assert!(mine.is_cancelled() && !lost.is_cancelled() && !other.is_cancelled());
    }

    #[test]
    fn a_message_of_another_version_is_put_aside() {
        let doorbell = Doorbell::default();
        let message = CaseRunReleased {
            version: 99,
            case_run_id: Uuid::nil().to_string(),
        };
        assert_eq!(
            released(&doorbell, &delivery(message.encode_to_vec())),
            Disposition::Reject
        );
        assert_eq!(doorbell.next_hint(), None);
    }
}
