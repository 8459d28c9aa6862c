use std::sync::Arc;

use molar_domain::limits::Caps;
use molar_objects::Store;

/// What handlers of this role need beside the kit.
#[derive(Clone)]
pub struct AppState {
    pub store: Store,
    /// The operator's.
    pub caps: Arc<Caps>,
    /// The document of the whole API, of all roles.
    pub openapi: Arc<str>,
}
