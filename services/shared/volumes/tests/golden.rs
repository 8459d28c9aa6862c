//! What the readers make of files, frozen. Whether a file is read, and as what, is part of a score: stored
//! evaluations carry the version of the scorer and stay comparable only if it moves with the readers.
//!
//! `golden/readers.json` has for each seed of the fuzzers what is read of it, and the version since which.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use molar_metrics::VERSION;
use molar_volumes::{Error, Format, Reference};
use serde_json::{Value, json};

const HOW: &str = "if that is meant: raise the version in services/shared/metrics/Cargo.toml, run \
    `UPDATE_GOLDEN=1 cargo test -p molar-volumes --test golden`, and say in the commit what is read otherwise \
    and why";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

/// Labels with their voxels, or why there are none.
fn outcome(format: Format, bytes: &[u8]) -> Value {
    match Reference::read(format, bytes, None) {
        Err(Error::Reference(_)) => "unfit".into(),
        Err(_) => "unreadable".into(),
        Ok(reference) => {
            let scored = reference.score(bytes, |_| true).unwrap();
            let labels = scored.scores.labels.iter();
            let voxels = labels.map(|label| (label.label.to_string(), label.reference_voxels));
            json!({"geometry": reference.geometry().grid(), "voxels": voxels.collect::<BTreeMap<_, _>>()})
        }
    }
}

fn current() -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for (name, format) in [
        ("labelme", Format::Labelme),
        ("nifti_labels", Format::Nifti),
    ] {
        for entry in fs::read_dir(folder().join("fuzz/seeds").join(name)).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            let bytes = fs::read(&path).unwrap();
            all.insert(format!("{name}/{file}"), outcome(format, &bytes));
        }
    }
    all
}

fn semantic(version: &str) -> Vec<u64> {
    version.split('.').map(|n| n.parse().unwrap()).collect()
}

#[test]
fn no_file_is_read_otherwise_without_a_new_version() {
    let path = folder().join("tests/golden/readers.json");
    let golden = fs::read_to_string(&path).unwrap_or_else(|_| r#"{"version": "0.0.0"}"#.into());
    let golden: Value = serde_json::from_str(&golden).unwrap();
    let files = current();
    let recorded = golden["files"].as_object().cloned().unwrap_or_default();
    let changed: Vec<_> = recorded
        .iter()
        .filter(|(name, outcome)| files.get(*name) != Some(outcome))
        .map(|(name, outcome)| format!("{name}: {outcome} became {:?}", files.get(name)))
        .collect();
    let version = golden["version"].as_str().unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let is_raised = semantic(version) < semantic(VERSION);
        assert!(changed.is_empty() || is_raised, "raise the version first");
        let version = if changed.is_empty() && !recorded.is_empty() {
            version
        } else {
            VERSION
        };
        let golden = json!({"version": version, "files": files});
        return fs::write(path, format!("{golden:#}\n")).unwrap();
    }
    assert!(
        changed.is_empty(),
        "read otherwise\n  {}\n{HOW}",
        changed.join("\n  ")
    );
    assert!(
        files.len() == recorded.len(),
        "a seed is not recorded; {HOW}"
    );
    assert!(semantic(version) <= semantic(VERSION));
}
