//! Whether an image can be run as an algorithm.

use serde_json::json;

use crate::common::{Image, Tar, base_layer, script_layer};
use crate::inspected::{archive, assert_refused, inspect};

#[test]
fn exactly_one_runnable_image_is_taken() {
    let entry = |config: &str| json!({ "Config": config, "Layers": [] });
    let other = json!({ "architecture": "amd64", "os": "linux" }).to_string();
    let unknown = json!({ "architecture": "unknown", "os": "unknown" }).to_string();
    let two = json!([entry("a.json"), entry("b.json")]).to_string();
    let files = |second: &str| {
        archive(&[
            ("a.json", other.as_bytes()),
            ("b.json", second.as_bytes()),
            ("manifest.json", two.as_bytes()),
        ])
    };
    assert_refused(&files(&other), "several-images", "2 images");
    // An attestation beside the image is not a second one; this image has other faults.
    assert_refused(&files(&unknown), "no-predict-script", "");
    let twice = json!([entry("a.json"), entry("a.json")]).to_string();
    let tagged = archive(&[
        ("a.json", other.as_bytes()),
        ("manifest.json", twice.as_bytes()),
    ]);
    assert_refused(&tagged, "no-predict-script", "");
}

#[test]
fn another_architecture_is_told_how_to_build() {
    let mut image = Image::with_script("true");
    image.config["architecture"] = json!("arm64");
    let says = "linux/arm64; build it with `--platform linux/amd64`";
    assert_refused(&image.docker_archive(), "wrong-architecture", says);
}

#[test]
fn the_script_and_the_shell_have_to_be_there_as_files() {
    let only = |layer: Tar| Image::of(vec![base_layer(), layer.finish()]).docker_archive();
    assert_refused(
        &only(Tar::new().file("x", 0o644, b"")),
        "no-predict-script",
        "COPY predict.sh",
    );
    let folder = Tar::new().folder("opt/algorithm/predict.sh/", 0o755);
    assert_refused(&only(folder), "no-predict-script", "it is a folder");
    let dangling = Tar::new().link("opt/algorithm/predict.sh", "/home/user/predict.sh");
    assert_refused(&only(dangling), "no-predict-script", "a link to nothing");
    let linked = Tar::new()
        .file("home/user/predict.sh", 0o644, b"")
        .link("opt/algorithm", "/home/user");
    assert!(inspect(&only(linked)).is_ok());

    let removed = Tar::new()
        .file("opt/algorithm/.wh.predict.sh", 0o644, b"")
        .finish();
    let layers = vec![base_layer(), script_layer("true"), removed];
    assert_refused(&Image::of(layers).docker_archive(), "no-predict-script", "");
    assert_refused(
        &Image::of(vec![script_layer("true")]).docker_archive(),
        "no-shell",
        "has a shell",
    );
}
