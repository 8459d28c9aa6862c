//! What the platform says of a track, as far as a pack tells it.

use std::collections::BTreeMap;

use molar_domain::challenge::Format;
use molar_domain::device_class::DeviceClass;
use molar_domain::limits::Limits;
use molar_domain::phase::SubmissionKind;
use molar_domain::quota::Quota;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub struct Challenge {
    pub slug: String,
    pub title: String,
    pub device_classes: Vec<DeviceClass>,
    pub tracks: Vec<Track>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Track {
    pub id: String,
    pub slug: String,
    pub title: String,
    pub format: Format,
    pub labels: Vec<i32>,
    pub groups: BTreeMap<String, Vec<i32>>,
    pub pixel_spacing_mm: Option<f64>,
    pub splits: Vec<Split>,
    pub phases: Vec<Phase>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Split {
    pub slug: String,
    pub is_public: bool,
    pub has_references: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Phase {
    pub slug: String,
    pub title: String,
    pub kind: SubmissionKind,
    pub split: String,
    pub is_final: bool,
    pub metrics: Vec<String>,
    pub quota: Quota,
    pub limits: Limits,
    pub device_class: String,
    pub requires_code_url: bool,
}

impl Track {
    pub fn container_phases(&self) -> impl Iterator<Item = &Phase> {
        let is_container = |phase: &&Phase| phase.kind == SubmissionKind::Container;
        self.phases.iter().filter(is_container)
    }
}
