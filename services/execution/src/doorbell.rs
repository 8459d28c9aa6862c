//! Ringing workers. Whatever gets lost is found by their next question.

use molar_contracts::worker_bell::Kind;
use molar_contracts::{CaseRunReleased, VERSION, WorkerBell};
use molar_domain::{CaseRunId, WorkerId};
use molar_queue::{Publish, worker_queue_of_class, worker_queue_of_id};
use molar_service::trace;
use prost::Message as _;
use uuid::Uuid;

/// A case run that a worker is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    pub worker: WorkerId,
    pub case_run: CaseRunId,
}

/// Tells one of the class's workers that the case run may be claimed.
pub async fn released(publisher: &dyn Publish, class: &str, case_run: CaseRunId) {
    let message = CaseRunReleased {
        version: VERSION,
        case_run_id: case_run.to_string(),
    };
    ring(
        publisher,
        &worker_queue_of_class(class),
        &message.encode_to_vec(),
    )
    .await;
}

pub async fn cancel(publisher: &dyn Publish, stops: &[Stop]) {
    for stop in stops {
        let case_run = stop.case_run.to_string();
        bell(publisher, stop.worker, Kind::Cancel, case_run).await;
    }
}

pub async fn drain(publisher: &dyn Publish, worker: WorkerId) {
    bell(publisher, worker, Kind::Drain, String::new()).await;
}

async fn bell(publisher: &dyn Publish, worker: WorkerId, kind: Kind, case_run_id: String) {
    let message = WorkerBell {
        version: VERSION,
        kind: kind.into(),
        case_run_id,
    };
    let queue = worker_queue_of_id(worker.0);
    ring(publisher, &queue, &message.encode_to_vec()).await;
}

async fn ring(publisher: &dyn Publish, routing_key: &str, body: &[u8]) {
    let trace = trace::current().map(|trace| trace.to_string());
    // Random: one hint more or less is nothing, so it need not be recognised when it comes again.
    let published = publisher
        .publish(Uuid::new_v4(), routing_key, body, trace.as_deref())
        .await;
    if let Err(error) = published {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            routing_key,
            "bell not rung"
        );
    }
}
