//! The challenge file: everything that makes a challenge, as TOML.
//!
//! Parsing collects every complaint, each with a JSON pointer, before anything is done with the file.

mod after;
mod check;
pub mod question;

use std::collections::BTreeMap;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use self::question::Question;
use crate::board::BoardRules;
use crate::consent::Act;
use crate::device_class::DeviceClass;
use crate::limits::Limits;
use crate::phase::{Keep, SubmissionKind, Visibility};
use crate::quota::Quota;
use crate::spelled_enum;

spelled_enum! {
    /// What references and predictions of a track are made of.
    pub enum Format as "format" {
        /// 2D: labelme JSON, polygons with a label.
        Labelme = "labelme",
        /// 3D: a NIfTI label volume.
        Nifti = "nifti",
    }
}

impl Format {
    /// What the names of images end in.
    pub fn image_endings(self) -> &'static [&'static str] {
        match self {
            Self::Labelme => &[".png", ".jpg", ".jpeg"],
            Self::Nifti => &[".nii.gz"],
        }
    }

    /// The name under which the prediction of a case is handed in.
    pub fn prediction_name(self, case: &str) -> String {
        match self {
            Self::Labelme => format!("{case}_Mask.json"),
            Self::Nifti => format!("{case}_Mask.nii.gz"),
        }
    }
}

/// One thing that is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// JSON pointer into the file.
    pub pointer: String,
    pub detail: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeFile {
    pub challenge: Challenge,
    pub agreement: Agreement,
    /// What the machines are that phases name by `device_class`.
    #[serde(default)]
    pub device_classes: Vec<DeviceClass>,
    pub tracks: Vec<Track>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    pub slug: String,
    pub title: String,
    pub summary: String,
    /// IANA zone in which days are counted, local times of this file are meant and times are shown.
    pub zone: String,
    #[serde(default = "ten")]
    pub team_size_max: u16,
    /// Shown on every board.
    pub note: Option<String>,
    /// Acts that one organizer asks for and another confirms.
    #[serde(default)]
    pub second_organizer: Vec<Act>,
}

fn ten() -> u16 {
    10
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    pub version: String,
    pub text: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    pub slug: String,
    pub title: String,
    pub format: Format,
    pub labels: Vec<i32>,
    /// Named sets of labels for means over a part of them, as in `instance_DSC/deciduous`.
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<i32>>,
    /// Of images, for measures in mm; the header of a volume has its own.
    pub pixel_spacing_mm: Option<f64>,
    pub splits: Vec<Split>,
    pub phases: Vec<Phase>,
    /// What organizers want to know of a team that asks for a place.
    #[serde(default)]
    pub questions: Vec<Question>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    pub slug: String,
    /// Whether signed members may download the images.
    pub is_public: bool,
    #[serde(default = "yes")]
    pub has_references: bool,
    /// Whether they may download the references as well: labels to train with.
    #[serde(default)]
    pub public_references: bool,
    pub announced_cases: Option<u32>,
    /// How many of the cases have a reference.
    pub announced_labelled: Option<u32>,
    /// Axial slices of all volumes together.
    pub announced_slices: Option<u32>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    pub slug: String,
    pub title: String,
    pub kind: SubmissionKind,
    pub split: String,
    /// `split/case` of a public case on which an image is tried before hidden ones are.
    pub canary: Option<String>,
    /// RFC 3339, or a local time of the challenge's zone. Inclusive.
    pub opens_at: String,
    /// Slug of a final phase that the track names before this one: this one opens when that is published, and not
    /// before its own `opens_at`.
    pub opens_after: Option<String>,
    /// Exclusive.
    pub closes_at: String,
    #[serde(default)]
    pub upload_grace_s: u32,
    #[serde(default)]
    pub is_final: bool,
    pub metrics: Vec<String>,
    pub keep: Keep,
    pub keep_metric: Option<String>,
    #[serde(default)]
    pub quota: Quota,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default = "any_device")]
    pub device_class: String,
    #[serde(default)]
    pub requires_code_url: bool,
    /// Whether the members of the track's teams stay as they are from its opening on.
    #[serde(default)]
    pub locks_teams: bool,
    /// SPDX identifiers: the public code is under one of them.
    #[serde(default)]
    pub allowed_licences: Vec<String>,
    /// From then on the board stands still for all but organizers, until it is published.
    pub freezes_at: Option<String>,
    /// Who sees the board.
    #[serde(default)]
    pub visibility: Visibility,
    /// What those see of it.
    #[serde(default)]
    pub board: BoardRules,
    /// Only the best of an earlier phase may submit.
    pub finalists: Option<Finalists>,
    /// For how many days after the close what was handed in and what ran is kept; none: for ever.
    pub retention_days: Option<u32>,
    #[serde(default)]
    pub baselines: Vec<Baseline>,
}

fn any_device() -> String {
    "any".into()
}

/// The best of another phase's board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finalists {
    /// Slug of a phase that the file names before this one.
    pub phase: String,
    /// Ranks 1 to this one, ties included.
    pub top: u16,
}

/// A row that boards show apart and do not rank.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    pub name: String,
    pub note: Option<String>,
    pub values: BTreeMap<String, f64>,
}

impl Phase {
    /// Opening and closing in UTC, once the file is known to be good.
    pub fn window(&self, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let (opens, closes) = (time(&self.opens_at, zone), time(&self.closes_at, zone));
        Some((opens.ok()?, closes.ok()?))
    }

    /// As [`Phase::window`].
    pub fn freeze(&self, zone: Tz) -> Option<DateTime<Utc>> {
        time(self.freezes_at.as_deref()?, zone).ok()
    }
}

/// Reads and checks a challenge file.
pub fn parse(text: &str) -> Result<ChallengeFile, Vec<Complaint>> {
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| complaint("", error))?;
    from_table(table)
}

/// Reads a challenge file under an overlay: tables are merged key by key, lists of tables by `slug`,
/// everything else is replaced. Only an overlay may say times relative to `now` ("now-1h", "now+30d").
pub fn parse_with_overlay(
    text: &str,
    overlay: &str,
    now: DateTime<Utc>,
) -> Result<ChallengeFile, Vec<Complaint>> {
    let mut base: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| complaint("", error))?;
    let mut overlay: toml::Table = overlay
        .parse()
        .map_err(|error: toml::de::Error| complaint("", format!("overlay: {error}")))?;
    for (_, value) in &mut overlay {
        resolve_now(value, now);
    }
    merge(&mut base, overlay);
    from_table(base)
}

fn from_table(table: toml::Table) -> Result<ChallengeFile, Vec<Complaint>> {
    let file: ChallengeFile = toml::Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| complaint("", error))?;
    let complaints = file.complaints();
    if complaints.is_empty() {
        Ok(file)
    } else {
        Err(complaints)
    }
}

fn complaint(pointer: &str, detail: impl ToString) -> Vec<Complaint> {
    vec![Complaint {
        pointer: pointer.into(),
        detail: detail.to_string().trim_end().to_owned(),
    }]
}

fn merge(base: &mut toml::Table, overlay: toml::Table) {
    for (key, value) in overlay {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (Some(toml::Value::Array(below)), toml::Value::Array(above)) if of_slugs(&above) => {
                merge_by_slug(below, above);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn of_slugs(items: &[toml::Value]) -> bool {
    !items.is_empty() && items.iter().all(|item| item.get("slug").is_some())
}

fn merge_by_slug(below: &mut Vec<toml::Value>, above: Vec<toml::Value>) {
    for item in above {
        let slug = item.get("slug").cloned();
        match (
            below.iter_mut().find(|b| b.get("slug") == slug.as_ref()),
            item,
        ) {
            (Some(toml::Value::Table(found)), toml::Value::Table(item)) => merge(found, item),
            (_, item) => below.push(item),
        }
    }
}

fn resolve_now(value: &mut toml::Value, now: DateTime<Utc>) {
    match value {
        toml::Value::String(text) => {
            if let Some(at) = relative(text, now) {
                *text = at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            }
        }
        toml::Value::Array(items) => items.iter_mut().for_each(|item| resolve_now(item, now)),
        toml::Value::Table(table) => table
            .iter_mut()
            .for_each(|(_, item)| resolve_now(item, now)),
        _ => {}
    }
}

fn relative(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let rest = text.strip_prefix("now")?;
    let (number, unit) = rest.split_at_checked(rest.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok()?;
    let by = match unit {
        "m" => TimeDelta::try_minutes(number)?,
        "h" => TimeDelta::try_hours(number)?,
        "d" => TimeDelta::try_days(number)?,
        _ => return None,
    };
    now.checked_add_signed(by)
}

/// A time of RFC 3339, or a local one of the zone. The error says what is wrong and how to write it.
pub fn time(text: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    // Of a field of a form, minutes alone.
    let local = text
        .parse::<NaiveDateTime>()
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M"));
    let local = local.map_err(|_| {
        format!(
            "`{text}` is no time, such as 2024-09-15T23:59:59 (in the challenge's zone) or 2024-09-16T06:59:59Z"
        )
    })?;
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) => Ok(at.to_utc()),
        MappedLocalTime::Ambiguous(first, second) => Err(format!(
            "`{text}` is there twice in {zone}, where clocks are put back then: write {} or {}",
            first.to_rfc3339(),
            second.to_rfc3339()
        )),
        MappedLocalTime::None => Err(format!(
            "`{text}` is never in {zone}, where clocks are put forward then: write the time an hour later, or one with its offset, such as 2024-09-16T06:59:59Z"
        )),
    }
}

fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `[A-Za-z0-9_-]{1,64}`
pub fn is_case_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests;
