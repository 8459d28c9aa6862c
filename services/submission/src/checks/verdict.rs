//! What passes between the role and the process that looks into a file: a task in, a verdict out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use molar_domain::FailureCode;
use molar_sandbox::image::PackedLayer;
use molar_volumes::{Format, Geometry};
use serde::{Deserialize, Serialize};

use super::report::ImageReport;

/// More than this nobody reads; the rest is counted.
const COMPLAINTS_MAX: usize = 50;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub path: PathBuf,
    pub memory_bytes: u64,
    pub cpu_s: u64,
    pub task: Task,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    Predictions {
        format: Format,
        labels: Vec<i32>,
        cases: Vec<Case>,
    },
    Container {
        uncompressed_bytes: u64,
    },
    /// Of an image that was checked: its config and some of its layers, each into a file.
    Split {
        uncompressed_bytes: u64,
        image: String,
        /// Layers by the file of the archive that holds them.
        wanted: BTreeMap<String, String>,
        folder: PathBuf,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub name: String,
    pub geometry: Geometry,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Accepted {
        image: Option<Image>,
        notes: Vec<String>,
    },
    Refused {
        code: FailureCode,
        complaints: Vec<Complaint>,
        notes: Vec<String>,
        /// Of an image, what was seen before it was refused.
        #[serde(default)]
        report: Option<ImageReport>,
    },
    /// The answer to a split, never to a check.
    Split { layers: Vec<PackedLayer> },
    /// The file could not be read where it lies: our doing, to be tried again.
    Unreadable { detail: String },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// `sha256:…` of the image's config.
    pub digest: String,
    /// Unpacked.
    pub size_bytes: u64,
    pub report: ImageReport,
    /// The file of the archive that holds a layer, for each of the report's.
    pub places: Vec<String>,
}

/// One thing that is wrong, where, and how to mend it. Shown to the team as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Complaint {
    /// An entry of the archive, perhaps with a place inside it; empty for the file as a whole.
    pub place: String,
    pub detail: String,
    pub mend: String,
}

impl Complaint {
    pub fn new(
        place: impl Into<String>,
        detail: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            detail: detail.into(),
            mend: mend.into(),
        }
    }
}

impl Verdict {
    pub fn report_mut(&mut self) -> Option<&mut ImageReport> {
        match self {
            Self::Accepted { image, .. } => image.as_mut().map(|image| &mut image.report),
            Self::Refused { report, .. } => report.as_mut(),
            Self::Split { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// A refusal for one reason.
    pub fn refused(code: FailureCode, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::refused_for(code, vec![Complaint::new("", detail, mend)], Vec::new())
    }

    pub fn refused_for(
        code: FailureCode,
        mut complaints: Vec<Complaint>,
        notes: Vec<String>,
    ) -> Self {
        let more = complaints.len().saturating_sub(COMPLAINTS_MAX);
        if more > 0 {
            complaints.truncate(COMPLAINTS_MAX);
            let rest = format!("and {more} more");
            complaints.push(Complaint::new("", rest, "mend the above first"));
        }
        Self::Refused {
            code,
            complaints,
            notes: few(notes),
            report: None,
        }
    }

    pub fn with_report(mut self, seen: ImageReport) -> Self {
        if let Self::Refused { report, .. } = &mut self {
            *report = Some(seen);
        }
        self
    }

    pub fn accepted(image: Option<Image>, notes: Vec<String>) -> Self {
        Self::Accepted {
            image,
            notes: few(notes),
        }
    }
}

fn few(mut notes: Vec<String>) -> Vec<String> {
    let more = notes.len().saturating_sub(COMPLAINTS_MAX);
    if more > 0 {
        notes.truncate(COMPLAINTS_MAX);
        notes.push(format!("and {more} more"));
    }
    notes
}
