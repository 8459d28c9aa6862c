//! What a check needs to know of an archive's phase, as the archive tells it.

use serde::Deserialize;
use uuid::Uuid;

use super::content::MetricFacts;
use super::scores::Metric;

#[derive(Deserialize)]
pub(super) struct Phase {
    pub phase_id: Uuid,
    pub metrics: Vec<MetricFacts>,
}

impl Phase {
    /// Metrics without values per case here.
    pub fn withheld(&self) -> impl Iterator<Item = &str> {
        let withheld = self.metrics.iter().filter(|metric| metric.is_withheld);
        withheld.map(|metric| metric.name.as_str())
    }

    /// Metrics of the tables.
    pub fn told(&self) -> Vec<Metric> {
        let told = self.metrics.iter().filter(|metric| !metric.is_withheld);
        told.map(MetricFacts::metric).collect()
    }
}
