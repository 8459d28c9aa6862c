//! OCI layouts that are not one image as it was saved.

use serde_json::{Value, json};

use crate::common::{Image, Tar, blob, descriptor, index, script_layer, with_index};
use crate::inspected::{assert_refused, inspect};

#[test]
fn an_oci_layout_that_lies_is_refused() {
    let image = Image::with_script("true");
    let indexed = |of: fn(Value) -> Value| {
        let (manifest, tar) = image.blobs(true);
        let index: Value = serde_json::from_slice(&index(&[(manifest, None)])).unwrap();
        tar.file("index.json", 0o644, of(index).to_string().as_bytes())
            .finish()
    };
    let as_it_is = indexed(|index| index);
    assert!(inspect(&as_it_is).is_ok());
    let smaller = indexed(|mut index| {
        index["manifests"][0]["size"] = json!(7);
        index
    });
    assert_refused(&smaller, "bad-archive", "its manifest says 7");
    let escaping = indexed(|mut index| {
        index["manifests"][0]["digest"] = json!("sha256:../../../etc/passwd");
        index
    });
    assert_refused(&escaping, "bad-archive", "no SHA-256 digest");
    let elsewhere = indexed(|mut index| {
        index["manifests"][0]["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
        index
    });
    assert_refused(&elsewhere, "bad-archive", "is not in it");

    let (manifest, _) = image.blobs(true);
    let tar = Tar::new().file("other", 0o644, &manifest);
    let linked = tar.link(&blob(&manifest), "../../other");
    let linked = with_index(linked, &[(manifest.clone(), None)], None);
    assert_refused(&linked, "hostile-archive", "is a link");
}

#[test]
fn a_layer_of_an_oci_layout_is_as_its_manifest_and_its_config_say() {
    let mut other = Image::with_script("true");
    other.layers[1] = script_layer("false");
    assert_refused(&other.oci_layout(), "bad-archive", "layer 2 does not match");

    let image = Image::with_script("true");
    let (manifest, tar) = image.blobs(false);
    let mut lying: Value = serde_json::from_slice(&manifest).unwrap();
    lying["layers"][1]["size"] = json!(3);
    let lying = lying.to_string().into_bytes();
    let tar = tar.file(&blob(&lying), 0o644, &lying);
    let lying = with_index(tar, &[(lying, None)], None);
    assert_refused(&lying, "bad-archive", "its manifest says 3");
}

#[test]
fn an_oci_layout_of_several_images_is_refused_and_one_of_none_too() {
    let (one, other) = (Image::with_script("true"), Image::with_script("false"));
    let (first, tar) = one.blobs(true);
    let (second, _) = other.blobs(true);
    let config = serde_json::to_vec(&other.config).unwrap();
    let tar = tar
        .file(&blob(&second), 0o644, &second)
        .file(&blob(&config), 0o644, &config);
    let two = with_index(tar, &[(first, None), (second, None)], None);
    assert_refused(&two, "several-images", "2 images");

    let none = with_index(Tar::new(), &[], None);
    assert_refused(&none, "bad-archive", "names no image");
    // An index in an index in an index.
    let (manifest, tar) = one.blobs(true);
    let inner = index(&[(manifest, None)]);
    let outer = index(&[(inner.clone(), None)]);
    let tar = tar
        .file(&blob(&inner), 0o644, &inner)
        .file(&blob(&outer), 0o644, &outer);
    let nested = with_index(tar, &[(outer, None)], None);
    assert_refused(&nested, "bad-archive", "an index within an index");
}

#[test]
fn what_is_compressed_with_zstd_is_told_how_to_be_saved() {
    let zstd = [&[0x28, 0xb5, 0x2f, 0xfd][..], &[0; 100]].concat();
    assert_refused(&zstd, "bad-archive", "compressed with zstd");
    let image = Image::with_script("true");
    let config = serde_json::to_vec(&image.config).unwrap();
    let layers: Vec<_> = [&zstd, &zstd].map(|layer| descriptor(layer)).into();
    let manifest = json!({ "config": descriptor(&config), "layers": layers }).to_string();
    let manifest = manifest.into_bytes();
    let tar = [&zstd, &config, &manifest]
        .into_iter()
        .fold(Tar::new(), |tar, bytes| {
            tar.file(&blob(bytes), 0o644, bytes)
        });
    let archive = with_index(tar, &[(manifest, None)], None);
    assert_refused(&archive, "bad-archive", "layer 1 is compressed with zstd");
}
