use std::sync::Arc;

use molar_objects::Store;
use molar_queue::Publish;
use tokio::sync::Notify;

use crate::lease::LeaseArgs;

/// What handlers need beside the kit.
#[derive(Clone)]
pub struct State {
    pub store: Store,
    pub lease: LeaseArgs,
    /// For doorbells of workers.
    pub publisher: Arc<dyn Publish>,
    /// Rings the dispatcher: there may be room or something to release.
    pub dispatch: Arc<Notify>,
    /// Rings who makes the workers' queues.
    pub queues: Arc<Notify>,
}
