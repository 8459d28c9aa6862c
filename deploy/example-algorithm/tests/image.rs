//! The image that `build-image.sh` makes from nothing, as an archive.

#![expect(clippy::unwrap_used, reason = "helpers of tests may")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};

fn build(output: &Path, variant: &str) {
    let run = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/build-image.sh"))
        .arg(output)
        .arg(variant)
        .env("BINARY", env!("CARGO_BIN_EXE_molar-example-algorithm"))
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// Files by name, links as what they point to, folders left out.
fn unpacked(tar: impl Read) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        if let Some(link) = entry.link_name().unwrap() {
            content = link.display().to_string().into_bytes();
        } else if entry.header().entry_type().is_file() {
            entry.read_to_end(&mut content).unwrap();
        } else {
            continue;
        }
        files.insert(name, content);
    }
    files
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn the_image_is_what_docker_save_would_deliver() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("image.tar.gz");
    build(&output, "strict");
    let archive = fs::File::open(&output).unwrap();
    let files = unpacked(flate2::read::GzDecoder::new(archive));

    let manifest = &json(&files["manifest.json"])[0];
    let config_name = manifest["Config"].as_str().unwrap();
    let config_bytes = &files[config_name];
    assert_eq!(config_name, format!("{}.json", digest(config_bytes)));
    assert_eq!(manifest["RepoTags"][0], "molar-example:strict");
    let layer = &files[manifest["Layers"][0].as_str().unwrap()];
    let config = json(config_bytes);
    assert_eq!(
        config["rootfs"]["diff_ids"][0],
        format!("sha256:{}", digest(layer))
    );
    assert_eq!(config["config"]["User"], "1000:1000");

    let root = unpacked(layer.as_slice());
    assert_eq!(root["bin/sh"], b"busybox");
    assert_eq!(
        root["opt/algorithm/predict.sh"],
        include_bytes!("../predict.sh")
    );
    assert_eq!(
        root["opt/algorithm/params"],
        include_bytes!("../variants/strict.params")
    );
    assert!(root["opt/algorithm/segment"].starts_with(b"\x7fELF"));
}

#[test]
fn the_same_sources_give_the_same_bytes_and_another_variant_another_image() {
    let dir = tempfile::tempdir().unwrap();
    let images = [("one", "even"), ("again", "even"), ("other", "eager")].map(|(name, variant)| {
        let path = dir.path().join(name);
        build(&path, variant);
        fs::read(path).unwrap()
    });
    assert!(images[0] == images[1]);
    assert!(images[0] != images[2]);
}
