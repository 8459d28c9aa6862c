//! What the check saw of an image, kept with the verdict and shown to the team.

use std::collections::BTreeSet;

use molar_sandbox::image::Report;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageReport {
    #[serde(flatten)]
    pub seen: Report,
    /// What the phase allows the layers together, unpacked.
    pub limit_bytes: u64,
    /// Layers that an earlier submission brought.
    pub known: BTreeSet<String>,
}

impl ImageReport {
    pub fn diff_ids(&self) -> Vec<String> {
        let layers = self.seen.layers.iter();
        layers.map(|layer| layer.diff_id.clone()).collect()
    }
}
