//! The challenge file: everything that makes a challenge, as TOML.
//!
//! Parsing collects every complaint, each with a JSON pointer, before anything is done with the file.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::metric::Metric;
use crate::phase::{Keep, SubmissionKind};
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
    pub splits: Vec<Split>,
    pub phases: Vec<Phase>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    pub slug: String,
    /// Whether signed members may download the images.
    pub is_public: bool,
    #[serde(default = "yes")]
    pub has_references: bool,
    pub announced_cases: Option<u32>,
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
    #[serde(default)]
    pub baselines: Vec<Baseline>,
}

fn any_device() -> String {
    "any".into()
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
        Some((time(&self.opens_at, zone)?, time(&self.closes_at, zone)?))
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
    Some(now + by)
}

fn time(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let local: NaiveDateTime = text.parse().ok()?;
    zone.from_local_datetime(&local)
        .earliest()
        .map(|at| at.to_utc())
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

/// Collects complaints while walking the file.
#[derive(Default)]
struct Checker {
    found: Vec<Complaint>,
}

impl Checker {
    fn say(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.found.push(Complaint {
            pointer: pointer.into(),
            detail: detail.into(),
        });
    }

    fn slug(&mut self, pointer: String, slug: &str, seen: &mut BTreeSet<String>) {
        if !is_slug(slug) {
            self.say(
                &pointer,
                format!("`{slug}` is no slug: 1 to 64 of a-z, 0-9 and -, not starting with -"),
            );
        } else if !seen.insert(slug.to_owned()) {
            self.say(pointer, format!("`{slug}` is used twice"));
        }
    }
}

impl ChallengeFile {
    /// Everything that is wrong, at once. A good file gives an empty list.
    pub fn complaints(&self) -> Vec<Complaint> {
        let mut check = Checker::default();
        check.slug(
            "/challenge/slug".into(),
            &self.challenge.slug,
            &mut BTreeSet::new(),
        );
        let zone = self.challenge.zone.parse::<Tz>().ok();
        if zone.is_none() {
            check.say(
                "/challenge/zone",
                format!(
                    "`{}` is no IANA time zone, such as Europe/Berlin",
                    self.challenge.zone
                ),
            );
        }
        if self.agreement.text.trim().is_empty() {
            check.say("/agreement/text", "the data-use terms are empty");
        }
        if self.tracks.is_empty() {
            check.say("/tracks", "a challenge has at least one track");
        }
        let mut slugs = BTreeSet::new();
        for (t, track) in self.tracks.iter().enumerate() {
            check.slug(format!("/tracks/{t}/slug"), &track.slug, &mut slugs);
            track.check(&format!("/tracks/{t}"), zone, &mut check);
        }
        check.found
    }

    pub fn zone(&self) -> Option<Tz> {
        self.challenge.zone.parse().ok()
    }
}

impl Track {
    fn check(&self, at: &str, zone: Option<Tz>, check: &mut Checker) {
        if self.labels.is_empty() {
            check.say(format!("{at}/labels"), "the label set is empty");
        }
        let mut slugs = BTreeSet::new();
        for (s, split) in self.splits.iter().enumerate() {
            check.slug(format!("{at}/splits/{s}/slug"), &split.slug, &mut slugs);
        }
        let mut slugs = BTreeSet::new();
        for (p, phase) in self.phases.iter().enumerate() {
            check.slug(format!("{at}/phases/{p}/slug"), &phase.slug, &mut slugs);
            phase.check(&format!("{at}/phases/{p}"), self, zone, check);
        }
    }
}

impl Phase {
    fn check(&self, at: &str, track: &Track, zone: Option<Tz>, check: &mut Checker) {
        match track.splits.iter().find(|s| s.slug == self.split) {
            None => check.say(
                format!("{at}/split"),
                format!("the track has no split `{}`", self.split),
            ),
            Some(split) if !split.has_references => {
                check.say(
                    format!("{at}/split"),
                    format!(
                        "the split `{}` has no references to score against",
                        self.split
                    ),
                );
            }
            Some(_) => {}
        }
        self.check_canary(at, track, check);
        self.check_window(at, zone, check);
        self.check_metrics(at, check);
        for (field, detail) in self.limits.complaints() {
            check.say(format!("{at}/limits/{field}"), detail);
        }
        if self.quota.concurrent == 0 {
            check.say(
                format!("{at}/quota/concurrent"),
                "is 0, so nobody could ever submit",
            );
        }
        if !is_slug(&self.device_class) {
            check.say(
                format!("{at}/device_class"),
                "a device class is written with a-z, 0-9 and -",
            );
        }
    }

    fn check_canary(&self, at: &str, track: &Track, check: &mut Checker) {
        let Some(canary) = &self.canary else {
            if self.kind == SubmissionKind::Container {
                check.say(
                    format!("{at}/canary"),
                    "a container phase names a public case to try images on: canary = \"split/case\"",
                );
            }
            return;
        };
        let known = canary.split_once('/').and_then(|(split, case)| {
            is_case_name(case).then(|| track.splits.iter().find(|s| s.slug == split))?
        });
        match known {
            None => check.say(
                format!("{at}/canary"),
                format!("`{canary}` is not a case of a split of this track, written split/case"),
            ),
            Some(split) if !split.is_public => check.say(
                format!("{at}/canary"),
                format!("the split `{}` is hidden; logs of the canary are shown to teams, so it must be public", split.slug),
            ),
            Some(_) => {}
        }
    }

    fn check_window(&self, at: &str, zone: Option<Tz>, check: &mut Checker) {
        let Some(zone) = zone else { return };
        let mut read = |field: &str, text: &str| {
            let at_time = time(text, zone);
            if at_time.is_none() {
                check.say(
                    format!("{at}/{field}"),
                    format!("`{text}` is no time, such as 2024-09-15T23:59:59 (in the challenge's zone) or 2024-09-16T06:59:59Z"),
                );
            }
            at_time
        };
        let opens = read("opens_at", &self.opens_at);
        let closes = read("closes_at", &self.closes_at);
        if let (Some(opens), Some(closes)) = (opens, closes)
            && closes <= opens
        {
            check.say(format!("{at}/closes_at"), "the phase ends before it starts");
        }
    }

    fn check_metrics(&self, at: &str, check: &mut Checker) {
        if self.metrics.is_empty() {
            check.say(format!("{at}/metrics"), "a phase has at least one metric");
        }
        let mut seen = BTreeSet::new();
        for (m, name) in self.metrics.iter().enumerate() {
            match name.parse::<Metric>() {
                Err(_) => check.say(format!("{at}/metrics/{m}"), unknown_metric(name)),
                Ok(metric) if metric.is_of_run() && self.kind == SubmissionKind::Predictions => check.say(
                    format!("{at}/metrics/{m}"),
                    format!("`{name}` is measured on a container's run; this phase takes predictions"),
                ),
                Ok(_) if !seen.insert(name) => {
                    check.say(format!("{at}/metrics/{m}"), format!("`{name}` is named twice"));
                }
                Ok(_) => {}
            }
        }
        match (&self.keep, &self.keep_metric) {
            (Keep::Best, None) => check.say(
                format!("{at}/keep_metric"),
                "keep = \"best\" names one metric: a rank cannot choose itself",
            ),
            (Keep::Best, Some(name)) if !self.metrics.contains(name) => {
                check.say(
                    format!("{at}/keep_metric"),
                    format!("`{name}` is not among the metrics of the phase"),
                );
            }
            (Keep::Latest | Keep::Chosen, Some(_)) => check.say(
                format!("{at}/keep_metric"),
                "only keep = \"best\" has a metric",
            ),
            _ => {}
        }
        for (b, baseline) in self.baselines.iter().enumerate() {
            for name in baseline
                .values
                .keys()
                .filter(|name| name.parse::<Metric>().is_err())
            {
                check.say(
                    format!("{at}/baselines/{b}/values/{name}"),
                    unknown_metric(name),
                );
            }
        }
    }
}

fn unknown_metric(name: &str) -> String {
    let known: Vec<_> = Metric::ALL.iter().map(|m| m.as_str()).collect();
    format!(
        "there is no metric `{name}`; known are {}",
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[challenge]
slug = "demo"
title = "Demo"
summary = "One track."
zone = "America/Los_Angeles"

[agreement]
version = "1"
text = "Be good."

[[tracks]]
slug = "opg"
title = "OPG"
format = "labelme"
labels = [11, 12]
[[tracks.splits]]
slug = "trial"
is_public = true
[[tracks.splits]]
slug = "test"
is_public = false
[[tracks.phases]]
slug = "final"
title = "Final"
kind = "container"
split = "test"
canary = "trial/Case_1"
opens_at = "2024-09-15T00:00:00"
closes_at = "2024-09-20T23:59:59"
is_final = true
metrics = ["IA", "running_time_s"]
keep = "best"
keep_metric = "IA"
"#;

    fn pointers(text: &str) -> Vec<String> {
        parse(text)
            .unwrap_err()
            .into_iter()
            .map(|c| c.pointer)
            .collect()
    }

    #[test]
    fn local_times_are_of_the_challenges_zone() {
        let file = parse(GOOD).unwrap();
        let (opens, _) = file.tracks[0].phases[0]
            .window(file.zone().unwrap())
            .unwrap();
        assert_eq!(opens.to_rfc3339(), "2024-09-15T07:00:00+00:00");
        assert_eq!(file.tracks[0].phases[0].limits.memory_bytes, 30_064_771_072);
    }

    #[test]
    fn every_complaint_is_told_at_once_with_its_place() {
        let bad = GOOD
            .replace("\"IA\", \"running_time_s\"", "\"IA\", \"F2\"")
            .replace("2024-09-20T23:59:59", "2024-09-10T00:00:00")
            .replace("split = \"test\"", "split = \"tset\"")
            .replace("trial/Case_1", "test/Case_1");
        assert_eq!(
            pointers(&bad),
            [
                "/tracks/0/phases/0/split",
                "/tracks/0/phases/0/canary",
                "/tracks/0/phases/0/closes_at",
                "/tracks/0/phases/0/metrics/1"
            ]
        );
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let bad = GOOD.replace("is_final = true", "is_finale = true");
        let complaints = parse(&bad).unwrap_err();
        assert!(complaints[0].detail.contains("is_finale"), "{complaints:?}");
    }

    #[test]
    fn an_overlay_replaces_by_slug_and_knows_now() {
        let overlay = r#"
[challenge]
note = "demo limits"
[[tracks]]
slug = "opg"
[[tracks.phases]]
slug = "final"
opens_at = "now-1h"
closes_at = "now+30d"
limits = { memory_bytes = 1073741824 }
"#;
        let now: DateTime<Utc> = "2026-01-01T12:00:00Z".parse().unwrap();
        let file = parse_with_overlay(GOOD, overlay, now).unwrap();
        let phase = &file.tracks[0].phases[0];
        assert_eq!(phase.opens_at, "2026-01-01T11:00:00Z");
        assert_eq!(phase.closes_at, "2026-01-31T12:00:00Z");
        assert_eq!(phase.limits.memory_bytes, 1 << 30);
        assert_eq!(phase.metrics.len(), 2);
        assert_eq!(file.challenge.note.as_deref(), Some("demo limits"));
    }

    #[test]
    fn a_file_itself_cannot_move_with_the_clock() {
        let bad = GOOD.replace("2024-09-15T00:00:00", "now-1h");
        assert_eq!(pointers(&bad), ["/tracks/0/phases/0/opens_at"]);
    }

    #[test]
    fn the_files_of_this_repository_are_good() {
        let sts = include_str!("../../../../deploy/challenges/sts2024.toml");
        let demo = include_str!("../../../../deploy/challenges/demo.toml");
        let file = parse(sts).unwrap();
        assert_eq!(file.tracks[0].labels.len(), 52);
        assert_eq!(file.tracks[1].labels, crate::labels::permanent());
        assert_eq!(file.tracks[0].phases[1].metrics.len(), 9);
        let now: DateTime<Utc> = "2026-01-01T12:00:00Z".parse().unwrap();
        let small = parse_with_overlay(sts, demo, now).unwrap();
        assert_eq!(small.tracks[1].phases[1].limits.gpus, 0);
        assert_eq!(small.tracks[1].phases[1].limits.wall_s, 900);
    }
}
