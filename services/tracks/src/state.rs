use std::sync::Arc;

use molar_domain::limits::Caps;
use molar_objects::Store;
use tokio::sync::Semaphore;

use crate::outside::Network;

/// What handlers of this role need beside the kit.
#[derive(Clone)]
pub struct AppState {
    pub store: Store,
    /// The operator's.
    pub caps: Arc<Caps>,
    /// What lies outside of the platform.
    pub network: Arc<dyn Network>,
    /// How many archives of code may be fetched at a time.
    pub fetching: Arc<Semaphore>,
    /// How many reports may come in by a form at a time: each is held in memory.
    pub reports: Arc<Semaphore>,
    /// The document of the whole API, of all roles.
    pub openapi: Arc<str>,
}
