//! What is no archive of an image, or contradicts itself.

use serde_json::json;

use crate::common::{Image, gzip, script_layer, sha256};
use crate::inspected::{archive, assert_refused};

#[test]
fn what_is_no_archive_is_told_what_it_is() {
    assert_refused(b"", "bad-archive", "docker save IMAGE | gzip");
    assert_refused(b"PK\x03\x04 a zip", "bad-archive", "neither a tar file nor");
    assert_refused(&gzip(&[7; 5000]), "bad-archive", "neither a tar file nor");
    let exported = archive(&[("etc/passwd", b""), ("bin/sh", b"")]);
    assert_refused(&exported, "bad-archive", "docker export");
    let oci = archive(&[("oci-layout", b"{}"), ("index.json", b"{}")]);
    assert_refused(&oci, "bad-archive", "names no image");
    assert_refused(
        &archive(&[("manifest.json", b"[]")]),
        "bad-archive",
        "names no image",
    );
    assert_refused(
        &archive(&[("manifest.json", b"[{]")]),
        "bad-archive",
        "manifest.json",
    );
}

#[test]
fn an_archive_cut_off_anywhere_is_refused() {
    let whole = Image::with_script("true").build().archive;
    for cut in [1, 10, whole.len() / 3, whole.len() / 2, whole.len() - 20] {
        assert_refused(&whole[..cut], "bad-archive", "");
    }
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    assert_refused(&flipped, "bad-archive", "");
}

#[test]
fn layers_and_blobs_that_lie_about_their_digest_are_refused() {
    let mut image = Image::with_script("true");
    image.layers[1] = script_layer("false");
    assert_refused(
        &image.docker_archive(),
        "bad-archive",
        "layer 2 does not match",
    );

    let config = json!({ "architecture": "amd64", "os": "linux" }).to_string();
    let name = format!("blobs/sha256/{}", sha256(b"something else"));
    let lying = archive(&[(&name, config.as_bytes())]);
    assert_refused(&lying, "bad-archive", "does not match its digest");
}

#[test]
fn a_config_and_a_manifest_that_disagree_are_refused() {
    let image = Image::with_script("true");
    let mut fewer = image.clone();
    fewer.layers.pop();
    assert_refused(
        &fewer.docker_archive(),
        "bad-archive",
        "1 layers and the config 2",
    );
    assert_refused(&Image::of(vec![]).docker_archive(), "no-predict-script", "");
    let manifest = br#"[{"Config":"x.json","Layers":[]}]"#;
    assert_refused(
        &archive(&[("manifest.json", manifest)]),
        "bad-archive",
        "config is not in it",
    );
    let escaping = br#"[{"Config":"../../etc/passwd","Layers":[]}]"#;
    assert_refused(
        &archive(&[("manifest.json", escaping)]),
        "bad-archive",
        "config is not in it",
    );
}
