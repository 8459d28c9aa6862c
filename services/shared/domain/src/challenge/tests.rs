use std::collections::BTreeSet;

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
fn metrics_are_measures_that_the_track_can_have() {
    let with = |metrics: &str, track: &str| {
        let text = GOOD.replace("\"IA\", \"running_time_s\"", &format!("\"IA\", {metrics}"));
        text.replace("labels = [11, 12]", &format!("labels = [11, 12]\n{track}"))
    };
    let groups = "groups = { upper = [11] }";
    let good = with(
        "\"instance_DSC/upper\", \"PQ@optimal\", \"image_HD95\"",
        &format!("pixel_spacing_mm = 0.1\n{groups}"),
    );
    parse(&good).unwrap();
    let complaints = |text: &str| {
        let complaints = parse(text).unwrap_err().into_iter();
        complaints
            .map(|c| format!("{}: {}", c.pointer, c.detail))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        complaints(&with(
            "\"instance_DSC/lower\", \"instance_NSD@1.0mm\"",
            groups
        )),
        [
            "/tracks/0/phases/0/metrics/1: there is no group `lower`; the track has upper",
            "/tracks/0/phases/0/metrics/2: `instance_NSD@1mm` is in mm: give the track pixel_spacing_mm, 1.0 to count in pixels",
            "/tracks/0/phases/0/metrics/2: `instance_NSD@1.0mm` is written `instance_NSD@1mm`",
        ]
    );
    assert_eq!(
        complaints(&with(
            "\"PQ\"",
            "pixel_spacing_mm = 0.0\ngroups = { \"a b\" = [], odd = [13] }"
        )),
        [
            "/tracks/0/groups/a b: \"a b\" is no name of a group: letters, digits, - and _ only",
            "/tracks/0/groups/a b: the group has no label",
            "/tracks/0/groups/odd: 13 is not among the labels of the track",
            "/tracks/0/pixel_spacing_mm: a spacing of 0 mm: it must be from 1e-6 to 1e6",
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
    let sts = include_str!("../../../../../deploy/challenges/sts2024.toml");
    let demo = include_str!("../../../../../deploy/challenges/demo.toml");
    let file = parse(sts).unwrap();
    assert_eq!(file.tracks[0].labels.len(), 52);
    assert_eq!(file.tracks[1].labels, crate::labels::permanent());
    assert_eq!(file.tracks[0].phases[1].metrics.len(), 9);
    let sorted = |groups: &BTreeMap<String, Vec<i32>>| -> BTreeMap<String, BTreeSet<i32>> {
        let groups = groups.iter();
        groups
            .map(|(name, labels)| (name.clone(), labels.iter().copied().collect()))
            .collect()
    };
    assert_eq!(
        sorted(&file.tracks[0].groups),
        sorted(&crate::labels::groups())
    );
    let now: DateTime<Utc> = "2026-01-01T12:00:00Z".parse().unwrap();
    let small = parse_with_overlay(sts, demo, now).unwrap();
    assert_eq!(small.tracks[1].phases[1].limits.gpus, 0);
    assert_eq!(small.tracks[1].phases[1].limits.wall_s, 900);
}

#[test]
fn a_device_class_is_described_once_and_can_hold_its_phases() {
    let with =
        |classes: &str| GOOD.replace("[[tracks]]\nslug", &format!("{classes}\n[[tracks]]\nslug"));
    let class = |slug: &str, cores: u32| {
        format!("[[device_classes]]\nslug = \"{slug}\"\ncores = {cores}\ndriver = \"535.104.05\"\n")
    };
    let file = parse(&with(&class("any", 1))).unwrap();
    assert_eq!(file.device_classes[0].driver.as_deref(), Some("535.104.05"));
    let twice = class("a100", 8) + &class("a100", 8);
    assert_eq!(pointers(&with(&twice)), ["/device_classes/1/slug"]);
    assert_eq!(
        pointers(&with(&class("any", 0))),
        ["/device_classes/0/cores"]
    );
    let small = "[[device_classes]]\nslug = \"any\"\nmemory_bytes = 1073741824\n";
    assert_eq!(pointers(&with(small)), ["/device_classes/0/memory_bytes"]);
    let odd = "[[device_classes]]\nslug = \"any\"\nspeed = 9\n";
    assert_eq!(pointers(&with(odd)), [""]);
}

#[test]
fn a_time_that_is_never_or_twice_is_told_with_what_to_write() {
    let with = |opens: &str| {
        let text = GOOD.replace("2024-09-15T00:00:00", opens);
        parse(&text.replace("2024-09-20", "2025-09-20")).map_err(|c| c[0].detail.clone())
    };
    let twice = with("2024-11-03T01:30:00").unwrap_err();
    assert_eq!(
        twice,
        "`2024-11-03T01:30:00` is there twice in America/Los_Angeles, where clocks are put back then: write 2024-11-03T01:30:00-07:00 or 2024-11-03T01:30:00-08:00"
    );
    let never = with("2025-03-09T02:30:00").unwrap_err();
    assert!(never.contains("is never in America/Los_Angeles"), "{never}");
    let file = with("2024-11-03T01:30:00-08:00").unwrap();
    let window = file.tracks[0].phases[0].window(file.zone().unwrap());
    assert_eq!(window.unwrap().0.to_rfc3339(), "2024-11-03T09:30:00+00:00");
}

#[test]
fn a_freeze_lies_in_the_window_and_finalists_come_from_a_phase_that_has_closed() {
    let with = |line: &str| {
        let first = GOOD
            .split_once("[[tracks.phases]]")
            .map(|(_, phase)| format!("[[tracks.phases]]{phase}"))
            .unwrap()
            .replace("\"final\"", "\"early\"")
            .replace("2024-09-15", "2024-09-01")
            .replace("2024-09-20T23:59:59", "2024-09-15T00:00:00");
        let text = GOOD.replace("[[tracks.phases]]", &format!("{first}\n[[tracks.phases]]"));
        format!("{text}\n{line}\n")
    };
    for good in [
        "freezes_at = \"2024-09-20T23:59:59\"",
        "finalists = { phase = \"early\", top = 10 }",
        "requires_code_url = true\nallowed_licences = [\"MIT\", \"GPL-3.0-or-later\"]\nvisibility = \"participants\"",
        "retention_days = 1",
        "board = { names = \"anonymous\", values = \"rounded\", decimals = 2 }",
    ] {
        parse(&with(good)).unwrap();
    }
    let late = with("finalists = { phase = \"early\", top = 0 }").replace(
        "2024-09-15T00:00:00\"\ncloses_at = \"2024-09-20",
        "2024-09-14T23:59:59\"\ncloses_at = \"2024-09-20",
    );
    for (bad, at) in [
        ("freezes_at = \"2024-09-21T00:00:00\"", vec!["freezes_at"]),
        (
            "finalists = { phase = \"final\", top = 10 }",
            vec!["finalists/phase"],
        ),
        (
            "allowed_licences = [\"my own\"]",
            vec!["allowed_licences", "allowed_licences/0"],
        ),
        ("retention_days = 0", vec!["retention_days"]),
        ("retention_days = 36501", vec!["retention_days"]),
        (
            "board = { values = \"rounded\", is_hidden = true }\nfreezes_at = \"2024-09-20T23:59:59\"",
            vec!["board/decimals", "board/is_hidden", "board/is_hidden"],
        ),
        (
            "board = { names = \"anonymous\" }\nvisibility = \"organizers\"",
            vec!["board"],
        ),
    ] {
        let at: Vec<_> = at
            .iter()
            .map(|at| format!("/tracks/0/phases/1/{at}"))
            .collect();
        assert_eq!(pointers(&with(bad)), at);
    }
    assert_eq!(
        pointers(&late),
        [
            "/tracks/0/phases/1/finalists/top",
            "/tracks/0/phases/1/opens_at"
        ]
    );
}

#[test]
fn public_labels_are_for_training_alone() {
    let public = GOOD.replace(
        "slug = \"test\"\nis_public = false",
        "slug = \"test\"\nis_public = true\npublic_references = true",
    );
    assert_eq!(pointers(&public), ["/tracks/0/phases/0/split"]);
    let hidden = GOOD.replace(
        "slug = \"test\"\nis_public = false",
        "slug = \"test\"\nis_public = false\npublic_references = true\nannounced_cases = 3\nannounced_labelled = 4\nannounced_slices = 5",
    );
    assert_eq!(
        pointers(&hidden)[..3],
        [
            "/tracks/0/splits/1/public_references",
            "/tracks/0/splits/1/announced_labelled",
            "/tracks/0/splits/1/announced_slices",
        ]
    );
}
