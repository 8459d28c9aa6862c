//! How large an archive and what is told of it may be.

use molar_sandbox::image::{Limits, inspect_archive};
use serde_json::json;

use crate::common::{Image, Tar, base_layer, blob, gzip, script_layer, with_index};
use crate::inspected::{archive, assert_refused, inspect, refusal};

#[test]
fn bombs_are_stopped_while_they_unpack() {
    let zeros = Tar::new().file("zeros", 0o644, &vec![0; 40 << 20]).finish();
    let archive = Image::of(vec![base_layer(), zeros, script_layer("true")])
        .build()
        .archive;
    assert!(archive.len() < 4 << 20);
    let limits = Limits {
        uncompressed_bytes: 20 << 20,
        ..Limits::default()
    };
    let error = inspect_archive(&archive[..], &limits).unwrap_err();
    assert_eq!(error.code(), "image-too-large");
    assert!(error.to_string().contains("unpacked image"), "{error}");

    let limits = Limits {
        entries: 20,
        ..Limits::default()
    };
    assert_eq!(
        inspect_archive(&archive[..], &limits).unwrap_err().code(),
        "image-too-large"
    );
}

#[test]
fn a_manifest_of_a_hundred_megabytes_is_refused() {
    let bytes = archive_with_manifest(&vec![b' '; 100 << 20]);
    assert_refused(&gzip(&bytes), "image-too-large", "manifest.json");
    let huge = vec![b' '; 100 << 20];
    let index = archive(&[("index.json", &huge)]);
    assert_refused(&gzip(&index), "image-too-large", "index.json");
    let blob = Tar::new().file(&blob(&huge), 0o644, &huge);
    let nested = with_index(blob, &[(huge, None)], None);
    assert_refused(&gzip(&nested), "image-too-large", "a manifest or config");
}

fn archive_with_manifest(manifest: &[u8]) -> Vec<u8> {
    archive(&[("manifest.json", manifest)])
}

#[test]
fn an_image_of_more_layers_than_the_engine_mounts_is_refused() {
    let layers = vec![script_layer("true"); 128];
    let archive = Image::of(layers).docker_archive();
    assert_refused(&archive, "image-too-large", "number of layers");
}

/// Of each of the most layers, under a name that no saver writes.
fn named_layers(name: &str) -> Vec<u8> {
    let image = Image::of(
        vec![base_layer(); 126]
            .into_iter()
            .chain([script_layer("true")])
            .collect(),
    );
    let config = image.config_bytes();
    let names: Vec<_> = (0..127).map(|at| format!("{name}{at}")).collect();
    let manifest = json!([{"Config": "config.json", "RepoTags": null, "Layers": names}]);
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let documents = [("config.json", &config[..]), ("manifest.json", &manifest)];
    let layers = names
        .iter()
        .map(String::as_str)
        .zip(image.layers.iter().map(Vec::as_slice));
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in documents.into_iter().chain(layers) {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        // A long name goes before its entry.
        tar.append_data(&mut header, path, bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

#[test]
fn what_is_told_of_layers_with_odd_names_is_bounded() {
    let facts = inspect(&named_layers(&"\u{1}".repeat(500))).unwrap();
    assert_eq!(facts.places.len(), 127);
    // In JSON six bytes each; an answer of the check has a mebibyte.
    assert!(serde_json::to_vec(&facts.places).unwrap().len() < 512 << 10);
    let long = named_layers(&"\u{1}".repeat(4000));
    assert_refused(
        &long,
        "hostile-archive",
        "has a name of more than 512 bytes",
    );
    assert!(refusal(&long).1.len() < 1000);
}
