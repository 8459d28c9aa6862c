//! What can be wrong with a challenge file, each with its place.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use molar_metrics::{Groups, Spacing};

use super::{ChallengeFile, Complaint, Format, Phase, Split, Track, is_case_name, is_slug, time};
use crate::board::Beside;
use crate::limits::Caps;
use crate::metric::Metric;
use crate::phase::{Keep, SubmissionKind};
use crate::retention;

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
    /// Where a phase asks for more than the operator allows.
    pub fn beyond(&self, caps: &Caps) -> Vec<Complaint> {
        let mut check = Checker::default();
        for (t, track) in self.tracks.iter().enumerate() {
            for (p, phase) in track.phases.iter().enumerate() {
                for (field, detail) in caps.complaints(&phase.limits) {
                    check.say(format!("/tracks/{t}/phases/{p}/limits/{field}"), detail);
                }
            }
        }
        check.found
    }

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
        self.check_device_classes(&mut check);
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

    /// A class that no phase names is no complaint: an overlay may put its phases on other machines.
    fn check_device_classes(&self, check: &mut Checker) {
        let mut slugs = BTreeSet::new();
        for (c, class) in self.device_classes.iter().enumerate() {
            let at = format!("/device_classes/{c}");
            check.slug(format!("{at}/slug"), &class.slug, &mut slugs);
            let phases = self.tracks.iter().flat_map(|track| &track.phases);
            for phase in phases.filter(|phase| phase.device_class == class.slug) {
                let (limits, name) = (&phase.limits, &phase.slug);
                if let Some(cores) = class.cores.filter(|&cores| cores < limits.cpus) {
                    let asked = limits.cpus;
                    let why =
                        format!("a slot has {cores}, and the phase {name} gives a case {asked}");
                    check.say(format!("{at}/cores"), why);
                }
                let memory = limits.memory_bytes;
                if let Some(bytes) = class.memory_bytes.filter(|&bytes| bytes < memory) {
                    let why =
                        format!("a slot has {bytes}, and the phase {name} gives a case {memory}");
                    check.say(format!("{at}/memory_bytes"), why);
                }
            }
        }
    }
}

impl Track {
    fn check(&self, at: &str, zone: Option<Tz>, check: &mut Checker) {
        if self.labels.is_empty() {
            check.say(format!("{at}/labels"), "the label set is empty");
        }
        self.check_groups(at, check);
        if let Some(mm) = self.pixel_spacing_mm {
            let at = format!("{at}/pixel_spacing_mm");
            if self.format == Format::Nifti {
                check.say(
                    at,
                    "is for images; a volume's header says the size of its voxels",
                );
            } else if let Err(error) = Spacing::new([mm; 3]) {
                check.say(at, error.to_string());
            }
        }
        let mut slugs = BTreeSet::new();
        for (s, split) in self.splits.iter().enumerate() {
            check.slug(format!("{at}/splits/{s}/slug"), &split.slug, &mut slugs);
            split.check(&format!("{at}/splits/{s}"), self.format, check);
        }
        for (field, detail) in super::question::complaints(&self.questions) {
            let pointer = format!("{at}/questions/{field}");
            check.say(pointer.trim_end_matches('/'), detail);
        }
        let mut slugs = BTreeSet::new();
        for (p, phase) in self.phases.iter().enumerate() {
            check.slug(format!("{at}/phases/{p}/slug"), &phase.slug, &mut slugs);
            phase.check(&format!("{at}/phases/{p}"), self, zone, check);
        }
    }
}

impl Track {
    fn check_groups(&self, at: &str, check: &mut Checker) {
        for (name, labels) in &self.groups {
            let at = format!("{at}/groups/{name}");
            if let Err(error) = Groups::new([(name, [0])]) {
                check.say(&at, error.to_string());
            }
            if labels.is_empty() {
                check.say(&at, "the group has no label");
            }
            for label in labels.iter().filter(|label| !self.labels.contains(label)) {
                check.say(&at, format!("{label} is not among the labels of the track"));
            }
        }
    }
}

impl Split {
    fn check(&self, at: &str, format: Format, check: &mut Checker) {
        if self.public_references && !(self.is_public && self.has_references) {
            check.say(
                format!("{at}/public_references"),
                "is for a split that is public and has references",
            );
        }
        if self.announced_labelled > self.announced_cases && self.announced_cases.is_some() {
            check.say(
                format!("{at}/announced_labelled"),
                "is more than announced_cases",
            );
        }
        if self.announced_slices.is_some() && format != Format::Nifti {
            check.say(format!("{at}/announced_slices"), "is for volumes");
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
            Some(split) if split.public_references => check.say(
                format!("{at}/split"),
                format!(
                    "the references of the split `{}` are public: everybody would score full marks",
                    self.split
                ),
            ),
            Some(_) => {}
        }
        self.check_canary(at, track, check);
        self.check_window(at, zone, check);
        for (field, detail) in super::after::complaints(self, track, zone) {
            check.say(format!("{at}/{field}"), detail);
        }
        self.check_finalists(at, track, zone, check);
        self.check_licences(at, check);
        self.check_retention(at, check);
        self.check_board(at, check);
        self.check_metrics(at, track, check);
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
        let mut read = |field: &str, text: &str| match time(text, zone) {
            Ok(at) => Some(at),
            Err(why) => {
                check.say(format!("{at}/{field}"), why);
                None
            }
        };
        let opens = read("opens_at", &self.opens_at);
        let closes = read("closes_at", &self.closes_at);
        let freeze = self.freezes_at.as_deref();
        let freezes = freeze.and_then(|text| read("freezes_at", text));
        let (Some(opens), Some(closes)) = (opens, closes) else {
            return;
        };
        if closes <= opens {
            check.say(format!("{at}/closes_at"), "the phase ends before it starts");
        } else if freezes.is_some_and(|freezes| freezes <= opens || freezes > closes) {
            check.say(
                format!("{at}/freezes_at"),
                "a board freezes after its phase opens and no later than it closes",
            );
        }
    }

    fn check_finalists(&self, at: &str, track: &Track, zone: Option<Tz>, check: &mut Checker) {
        let Some(finalists) = &self.finalists else {
            return;
        };
        if finalists.top == 0 {
            check.say(
                format!("{at}/finalists/top"),
                "is 0, so nobody could ever submit",
            );
        }
        let mut before = track.phases.iter().take_while(|p| p.slug != self.slug);
        let Some(earlier) = before.find(|phase| phase.slug == finalists.phase) else {
            check.say(
                format!("{at}/finalists/phase"),
                format!(
                    "the track has no phase `{}` before this one",
                    finalists.phase
                ),
            );
            return;
        };
        let windows = zone.and_then(|zone| Some((earlier.window(zone)?, self.window(zone)?)));
        if windows.is_some_and(|(earlier, own)| own.0 < earlier.1) {
            check.say(
                format!("{at}/opens_at"),
                format!(
                    "the finalists of `{}` are known when it has closed: open this phase no earlier",
                    earlier.slug
                ),
            );
        }
    }

    fn check_retention(&self, at: &str, check: &mut Checker) {
        let wrong = self
            .retention_days
            .filter(|days| !retention::DAYS.contains(days));
        if let Some(days) = wrong {
            check.say(
                format!("{at}/retention_days"),
                format!(
                    "is {days}: files are kept for {} to {} days after the close; leave it out to keep them for ever",
                    retention::DAYS.start(),
                    retention::DAYS.end()
                ),
            );
        }
    }

    fn check_board(&self, at: &str, check: &mut Checker) {
        let beside = Beside {
            visibility: self.visibility,
            is_final: self.is_final,
            freezes: self.freezes_at.is_some(),
            keep: self.keep,
        };
        for (key, detail) in self.board.complaints(&beside) {
            let pointer = format!("{at}/board/{key}");
            check.say(pointer.trim_end_matches('/'), detail);
        }
    }

    fn check_licences(&self, at: &str, check: &mut Checker) {
        let at = format!("{at}/allowed_licences");
        if !self.allowed_licences.is_empty() && !self.requires_code_url {
            check.say(
                &at,
                "a licence is one of public code: set requires_code_url = true",
            );
        }
        let is_spdx = |id: &str| {
            (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'))
        };
        for (n, id) in self.allowed_licences.iter().enumerate() {
            if !is_spdx(id) {
                check.say(
                    format!("{at}/{n}"),
                    format!(
                        "`{id}` is no SPDX identifier, such as MIT, Apache-2.0 or GPL-3.0-or-later"
                    ),
                );
            }
        }
    }

    fn check_metrics(&self, at: &str, track: &Track, check: &mut Checker) {
        if self.metrics.is_empty() {
            check.say(format!("{at}/metrics"), "a phase has at least one metric");
        }
        let mut seen = BTreeSet::new();
        for (m, name) in self.metrics.iter().enumerate() {
            let at = format!("{at}/metrics/{m}");
            match name.parse::<Metric>() {
                Err(_) => check.say(at, unknown_metric(name)),
                Ok(metric) => {
                    if let Some(complaint) = self.complaint_of(&metric, track) {
                        check.say(&at, complaint);
                    }
                    if metric.to_string() != *name {
                        check.say(&at, format!("`{name}` is written `{metric}`"));
                    } else if !seen.insert(name) {
                        check.say(&at, format!("`{name}` is named twice"));
                    }
                }
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
            for name in baseline.values.keys() {
                let at = format!("{at}/baselines/{b}/values/{name}");
                if name.parse::<Metric>().is_err() {
                    check.say(at, unknown_metric(name));
                } else if !self.metrics.contains(name) {
                    check.say(
                        at,
                        format!("`{name}` is not among the metrics of the phase"),
                    );
                }
            }
        }
    }
}

impl Phase {
    /// Why the phase cannot have a metric that there is.
    fn complaint_of(&self, metric: &Metric, track: &Track) -> Option<String> {
        let Metric::Accuracy(measure) = metric else {
            return (self.kind == SubmissionKind::Predictions).then(|| {
                format!("`{metric}` is measured on a container's run; this phase takes predictions")
            });
        };
        if let Some(group) = measure.group()
            && !track.groups.contains_key(group)
        {
            let known: Vec<_> = track.groups.keys().map(String::as_str).collect();
            return Some(match known.is_empty() {
                true => {
                    format!("there is no group `{group}`: the track has none, add it below groups")
                }
                false => format!(
                    "there is no group `{group}`; the track has {}",
                    known.join(", ")
                ),
            });
        }
        let is_unknown = track.format == Format::Labelme && track.pixel_spacing_mm.is_none();
        (is_unknown && measure.needs_spacing()).then(|| {
            format!("`{metric}` is in mm: give the track pixel_spacing_mm, 1.0 to count in pixels")
        })
    }
}

fn unknown_metric(name: &str) -> String {
    format!("there is no metric `{name}`; known are {}", Metric::known())
}
