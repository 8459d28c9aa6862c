//! What is known of an image once its archive was read.

use molar_sandbox::image::{ArchiveFacts, Format, Limits, Report, Uid, report_on};
use serde_json::json;

use crate::common::{Image, LAYOUTS, Tar, base_layer, gzip, script_layer, sha256};
use crate::inspected::inspect;

#[test]
fn an_image_has_the_same_facts_however_it_is_saved() {
    let image = Image::with_script("true")
        .process("User", json!("algo"))
        .process("Entrypoint", json!(["/bin/env"]));
    let plain = image.docker_archive();
    let facts = inspect(&plain).unwrap();
    assert_eq!(facts.image_digest, image.digest());
    assert_eq!(
        (facts.user.as_str(), facts.entrypoint.as_slice()),
        ("algo", &["/bin/env".into()][..])
    );
    assert_eq!(facts.layers.len(), 2);
    assert_eq!(
        facts.layers[1].diff_id,
        format!("sha256:{}", sha256(&image.layers[1]))
    );
    let bytes: usize = image.layers.iter().map(Vec::len).sum();
    assert_eq!(facts.uncompressed_bytes, bytes as u64);

    assert_eq!(inspect(&gzip(&plain)).unwrap(), facts);
    let (first, second) = plain.split_at(plain.len() / 2);
    assert_eq!(
        inspect(&[gzip(first), gzip(second)].concat()).unwrap(),
        facts
    );
    for layout in LAYOUTS {
        let archive = layout(&image);
        for bytes in [&archive, &gzip(&archive)] {
            let found = inspect(bytes).unwrap();
            let places = facts.places.clone();
            assert_eq!(ArchiveFacts { places, ..found }, facts);
        }
    }
}

#[test]
fn declared_volumes_and_sizes_of_layers_are_among_the_facts() {
    let volumes = json!({ "/data": {}, "/cache/": {} });
    let image = Image::with_script("true").process("Volumes", volumes);
    let facts = inspect(&image.docker_archive()).unwrap();
    assert_eq!(facts.volumes, ["/cache/", "/data"]);
    let sizes: Vec<_> = facts.layers.iter().map(|layer| layer.size_bytes).collect();
    let bytes: Vec<_> = image
        .layers
        .iter()
        .map(|layer| layer.len() as u64)
        .collect();
    assert_eq!(sizes, bytes);
}

#[test]
fn a_layer_that_occurs_twice_is_a_link_the_second_time() {
    let layers = vec![base_layer(), script_layer("true"), script_layer("true")];
    assert_eq!(
        inspect(&Image::of(layers).docker_archive())
            .unwrap()
            .layers
            .len(),
        3
    );
}

#[test]
fn a_refused_image_is_reported_on_as_far_as_it_was_seen() {
    let mut image = Image::with_script("true").process("User", json!("algo"));
    image.config["architecture"] = json!("arm64");
    let mut report = Report::default();
    let refused = report_on(&image.oci_layout()[..], &Limits::default(), &mut report);
    assert_eq!(refused.unwrap_err().code(), "wrong-architecture");
    assert_eq!(report.format, Some(Format::OciLayout));
    assert_eq!(report.platform.as_deref(), Some("linux/arm64"));
    assert_eq!((report.user.as_deref(), report.uid), (Some("algo"), None));
    assert_eq!(report.layers.len(), 2);
}

fn uid_of(user: &str, layers: Vec<Vec<u8>>) -> Uid {
    let image = Image::of(layers).process("User", json!(user));
    let facts = inspect(&image.docker_archive()).unwrap();
    assert_eq!(facts.is_root(), facts.uid.may_be_root());
    facts.uid
}

#[test]
fn a_user_has_the_uid_that_the_topmost_passwd_gives_it() {
    let of = |user, layer: Tar| {
        uid_of(
            user,
            vec![base_layer(), layer.finish(), script_layer("true")],
        )
    };
    let none = || Tar::new().file("x", 0o644, b"");
    assert_eq!(of("algo", none()), Uid::Known(1000));
    assert_eq!(of("", none()), Uid::Known(0));
    assert_eq!(of("1001:5", none()), Uid::Known(1001));
    assert_eq!(of("nobody", none()), Uid::NoSuchName);

    let renamed = Tar::new().file("etc/passwd", 0o644, b"algo:x:0:0::/:/bin/sh\n");
    assert_eq!(of("algo", renamed), Uid::Known(0));
    let removed = Tar::new().file("etc/.wh.passwd", 0o644, b"");
    assert_eq!(of("algo", removed), Uid::NoSuchName);
    let opaque = Tar::new().file("etc/.wh..wh..opq", 0o644, b"");
    assert_eq!(of("algo", opaque), Uid::NoSuchName);
}

#[test]
fn a_passwd_that_the_engine_may_read_otherwise_may_hide_root() {
    let of = |layer: Tar| {
        let layers = vec![base_layer(), layer.finish(), script_layer("true")];
        uid_of("algo", layers)
    };
    let named = b"algo:x:1000:1000::/:/bin/sh\n";
    let link = Tar::new().link("etc/passwd", "/opt/passwd");
    assert_eq!(of(link), Uid::Unclear);
    let hard = Tar::new()
        .file("p", 0o644, named)
        .hard_link("etc/passwd", "p");
    assert_eq!(of(hard), Uid::Unclear);
    let large = Tar::new().file("etc/passwd", 0o644, &vec![b'\n'; 2 << 20]);
    assert_eq!(of(large), Uid::Unclear);
    // The folder of the upper layer is made anew: what is below it is the lower layer's again.
    let again = Tar::new()
        .file("etc/passwd", 0o644, named)
        .file(".wh.etc", 0o644, b"")
        .folder("etc/", 0o755);
    assert_eq!(of(again), Uid::Unclear);
}
