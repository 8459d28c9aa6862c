use std::sync::Arc;

use molar_objects::Store;
use molar_queue::Publish;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// Whoever comes next is told to come later.
pub const LISTENERS: usize = 256;

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
    /// Of all who follow a log: each asks the database twice a second. One user has only a few of them.
    pub listeners: Arc<Semaphore>,
    /// Cancelled at the shutdown: nobody is listened to any more.
    pub stop: CancellationToken,
    /// Rings who makes the workers' queues.
    pub queues: Arc<Notify>,
}
