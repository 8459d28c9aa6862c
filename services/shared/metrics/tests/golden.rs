//! The values of every measure, frozen. A change of any is a change of the scorer: stored
//! evaluations carry [`VERSION`] and stay comparable only if it moves with the values.
//!
//! `golden/values.json` holds the values of the cases drawn below, and for each version that changed
//! a value their hash: the last one is that of the values in the file.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use molar_metrics::{Context, Groups, Mask, Measure, Run, Segmentation, Spacing, VERSION, measure};
use serde_json::{Map, Value, json};

const HOW: &str = "if that is meant: raise the version in services/shared/metrics/Cargo.toml, run \
    `UPDATE_GOLDEN=1 cargo test -p molar-metrics --test golden`, and say in the commit which values \
    changed and why";

struct Case {
    name: &'static str,
    spacing: [f64; 3],
    reference: Segmentation<i32>,
    prediction: Segmentation<i32>,
}

fn cuboid(start: [usize; 3], extent: [usize; 3]) -> Mask {
    let rows = (0..extent[0]).flat_map(|z| (0..extent[1]).map(move |y| [z, y]));
    let runs = rows.map(|[z, y]| Run {
        z: start[0] + z,
        y: start[1] + y,
        x: start[2]..start[2] + extent[2],
    });
    Mask::from_runs(&runs.collect::<Vec<_>>())
}

fn ball(centre: [usize; 3], radius: usize) -> Mask {
    let mut ball = Mask::default();
    for (dz, dy) in (0..=2 * radius).flat_map(|z| (0..=2 * radius).map(move |y| (z, y))) {
        let rest =
            (radius * radius).checked_sub(dz.abs_diff(radius).pow(2) + dy.abs_diff(radius).pow(2));
        if let Some(reach) = rest.map(usize::isqrt) {
            let [z, y] = [centre[0] + dz - radius, centre[1] + dy - radius];
            let x = centre[2] - reach..centre[2] + reach + 1;
            ball.unite(&Mask::from_runs(&[Run { z, y, x }]));
        }
    }
    ball
}

fn cases() -> Vec<Case> {
    let grid = [16, 20, 80];
    let side = |masks: Vec<(i32, Mask)>| Segmentation::from_masks(grid, masks).unwrap();
    let arch = || {
        vec![
            (11, ball([8, 8, 12], 5)),
            (51, ball([7, 10, 30], 4)),
            (48, ball([8, 9, 66], 6)),
        ]
    };
    let found = || {
        vec![
            (11, ball([8, 9, 13], 5)),
            (51, ball([7, 10, 30], 3)),
            (48, ball([9, 9, 65], 6)),
        ]
    };
    // 11 is nearest to 12, but with 13 for it 51 has 12.
    let bar = |label, x: std::ops::Range<usize>| (label, cuboid([2, 2, x.start], [3, 4, x.len()]));
    let case = |name, spacing, reference, prediction| Case {
        name,
        spacing,
        reference: side(reference),
        prediction: side(prediction),
    };
    let mislabelled = vec![
        (11, ball([7, 10, 30], 3)),
        (12, ball([8, 9, 13], 5)),
        (48, cuboid([3, 3, 60], [4, 4, 4])),
    ];
    let overlapping = vec![
        (11, cuboid([2, 2, 2], [6, 6, 70])),
        (51, cuboid([4, 4, 20], [6, 6, 20])),
    ];
    let split = vec![
        (11, cuboid([2, 2, 2], [6, 6, 40])),
        (12, cuboid([2, 2, 30], [6, 6, 42])),
        (51, cuboid([4, 5, 21], [6, 6, 20])),
    ];
    vec![
        case("three teeth", [1.0; 3], arch(), found()),
        case("anisotropic", [1.5, 0.3, 0.2], arch(), found()),
        case(
            "missed teeth",
            [0.3; 3],
            arch(),
            vec![(51, ball([7, 10, 30], 4))],
        ),
        case("mislabelled", [0.3; 3], arch(), mislabelled),
        case("overlapping", [0.4, 0.3, 0.5], overlapping, split),
        case(
            "contested",
            [0.4, 0.3, 0.5],
            vec![bar(11, 0..10), bar(51, 4..12)],
            vec![bar(12, 1..11), bar(13, 0..7)],
        ),
        case(
            "touching the border",
            [0.5, 1.0, 0.25],
            vec![(11, cuboid([0; 3], grid))],
            vec![(11, cuboid([0, 3, 0], [16, 17, 79]))],
        ),
        case(
            "one voxel",
            [1.0, 0.3, 0.2],
            vec![(11, ball([3, 4, 63], 0))],
            vec![(11, ball([4, 4, 64], 0))],
        ),
        case("empty prediction", [0.3; 3], arch(), vec![]),
        case(
            "label without a voxel",
            [0.3; 3],
            arch(),
            vec![(11, Mask::default()), (12, ball([8, 8, 12], 4))],
        ),
    ]
}

/// Every measure of the catalogue, means over groups and further tolerances.
fn measures() -> Vec<Measure> {
    let more = [
        "image_NSD@0mm",
        "image_NSD@0.3mm",
        "instance_NSD@0.5mm",
        "instance_DSC/deciduous",
        "instance_HD95/deciduous",
        "instance_NSD@0.5mm/permanent",
        "instance_ASSD/none",
    ];
    let more = more.iter().map(|name| name.parse().unwrap());
    Measure::catalogue().into_iter().chain(more).collect()
}

/// In decimal digits that are read back exactly, which serde_json's own numbers are not.
fn written(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |value| value.to_string().into())
}

fn values(case: &Case) -> Map<String, Value> {
    let groups = [
        ("deciduous", vec![51]),
        ("permanent", vec![11, 12, 48]),
        ("none", vec![99]),
    ];
    let groups = Groups::new(groups).unwrap();
    let spacing = Spacing::new(case.spacing).unwrap();
    let context = Context {
        spacing,
        diagonal_mm: spacing.diagonal_mm(case.reference.grid()),
        groups: &groups,
        joint: None,
        scores: None,
    };
    let measures = measures();
    let got = measure(&case.reference, &case.prediction, &context, &measures).unwrap();
    let named = measures.iter().zip(got);
    named
        .map(|(measure, got)| (measure.to_string(), written(got.value)))
        .collect()
}

/// FNV-1a: not against malice, but so that no value is edited without a second thought.
fn hash(cases: &Value) -> String {
    let cases = cases.as_object().unwrap().iter();
    let lines = cases.flat_map(|(case, values)| {
        let values = values.as_object().unwrap().iter();
        values.map(move |(name, value)| format!("{case}, {name}: {value}\n"))
    });
    // Sorted, since serde_json keeps the order of insertion if some other crate asks it to.
    let bytes = lines
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect::<String>()
        .into_bytes();
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn file() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/golden/values.json"]
        .iter()
        .collect()
}

type Semantic = [u64; 3];

fn semantic(version: &str) -> Semantic {
    let numbers: Vec<_> = version.split('.').map(|n| n.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// The versions at which a value changed, with the hash of the values since.
fn history(golden: &Value) -> BTreeMap<Semantic, String> {
    let versions = golden["versions"].as_object().into_iter().flatten();
    versions
        .map(|(v, hash)| (semantic(v), hash.as_str().unwrap().to_owned()))
        .collect()
}

fn current() -> Value {
    let cases = cases()
        .into_iter()
        .map(|case| (case.name.to_owned(), values(&case).into()));
    Value::Object(cases.collect())
}

fn changes(old: &Value, new: &Value) -> Vec<String> {
    let of = |all: &Value, case: &str, name: &str| all[case][name].clone();
    let cases = new.as_object().unwrap().iter();
    let named =
        cases.flat_map(|(case, values)| values.as_object().unwrap().keys().map(move |n| (case, n)));
    named
        .filter(|(case, name)| of(old, case, name) != of(new, case, name))
        .map(|(case, name)| {
            format!(
                "{case}, {name}: {} became {}",
                of(old, case, name),
                of(new, case, name)
            )
        })
        .collect()
}

fn update(golden: &Value, cases: Value) {
    let (history, version) = (history(golden), semantic(VERSION));
    let newest = history.last_key_value().map(|(&version, _)| version);
    assert!(
        newest < Some(version),
        "raise the version first: {VERSION} has values of its own"
    );
    let mut versions = golden["versions"].as_object().cloned().unwrap_or_default();
    versions.insert(VERSION.to_owned(), hash(&cases).into());
    let golden = json!({"versions": versions, "cases": cases});
    std::fs::write(file(), format!("{golden:#}\n")).unwrap();
}

#[test]
fn no_value_changes_without_a_new_version() {
    let golden = std::fs::read_to_string(file()).unwrap_or_else(|_| "{}".into());
    let golden: Value = serde_json::from_str(&golden).unwrap();
    let cases = current();
    if std::env::var_os("UPDATE_GOLDEN").is_some() && golden["cases"] != cases {
        return update(&golden, cases);
    }

    let changed = changes(&golden["cases"], &cases);
    assert!(
        changed.is_empty(),
        "values changed\n  {}\n{HOW}",
        changed.join("\n  ")
    );
    let history = history(&golden);
    let (newest, recorded) = history.last_key_value().unwrap();
    assert_eq!(
        *recorded,
        hash(&cases),
        "values.json was edited by hand; {HOW}"
    );
    assert!(
        *newest <= semantic(VERSION),
        "the values are of a later version than {VERSION}"
    );
}

#[test]
fn the_cases_tell_every_measure_from_the_others() {
    let cases = current();
    let column = |name: &str| -> Vec<String> {
        let all = cases.as_object().unwrap().values();
        all.map(|values| values[name].to_string()).collect()
    };
    // F1 is RQ by definition.
    let names = Measure::catalogue()
        .into_iter()
        .map(|measure| measure.to_string());
    let names: Vec<_> = names.filter(|name| !name.contains("F1")).collect();
    for (at, a) in names.iter().enumerate() {
        for b in &names[at + 1..] {
            assert_ne!(column(a), column(b), "{a} and {b}");
        }
    }
}
