//! Archives of every kind, looked into without an engine.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::Read;
use std::path::Path;

use common::{
    Image, LAYOUTS, Tar, base_layer, blob, descriptor, gzip, index, script_layer, sha256,
    with_index,
};
use flate2::read::MultiGzDecoder;
use molar_sandbox::image::{
    ArchiveError, ArchiveFacts, CONFIG_FILE, Format, Limits, PackedLayer, Report, Uid,
    inspect_archive, report_on, split,
};
use serde_json::{Value, json};

fn inspect(bytes: &[u8]) -> Result<ArchiveFacts, ArchiveError> {
    inspect_archive(bytes, &Limits::default())
}

fn refusal(bytes: &[u8]) -> (&'static str, String) {
    let error = inspect(bytes).unwrap_err();
    (error.code(), error.to_string())
}

fn assert_refused(bytes: &[u8], code: &str, says: &str) {
    let (found, message) = refusal(bytes);
    assert_eq!(found, code, "{message}");
    assert!(message.contains(says), "{message}");
}

/// An archive whose manifest, config and layers may contradict each other.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    files
        .iter()
        .fold(Tar::new(), |tar, (name, bytes)| {
            tar.file(name, 0o644, bytes)
        })
        .finish()
}

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

fn split_into(
    folder: &Path,
    archive: &[u8],
    wanted: &[usize],
) -> Result<Vec<PackedLayer>, ArchiveError> {
    let facts = inspect(archive).unwrap();
    let place = |&at: &usize| (facts.places[at].clone(), facts.layers[at].diff_id.clone());
    let wanted = wanted.iter().map(place).collect();
    let limits = Limits::default();
    split(archive, &limits, &facts.image_digest, &wanted, folder)
}

#[test]
fn the_wanted_layers_are_written_one_by_one_and_the_same_from_every_layout() {
    let image = Image::with_script("true");
    let mut before = None;
    for layout in LAYOUTS {
        let folder = tempfile::tempdir().unwrap();
        let layers = split_into(folder.path(), &gzip(&layout(&image)), &[1]).unwrap();
        let [layer] = &layers[..] else {
            panic!("{layers:?}")
        };
        let file = std::fs::read(folder.path().join(layer.file_name())).unwrap();
        assert_eq!(
            (file.len() as u64, sha256(&file)),
            (layer.size_bytes, layer.sha256.clone())
        );
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(&file[..])
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, image.layers[1]);
        let config = std::fs::read(folder.path().join(CONFIG_FILE)).unwrap();
        assert_eq!(format!("sha256:{}", sha256(&config)), image.digest());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(*before.get_or_insert(layers.clone()), layers);
    }
}

#[test]
fn a_layer_that_is_not_what_the_check_saw_is_not_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Image::with_script("true").oci_layout();
    let facts = inspect(&archive).unwrap();
    let swapped = [(facts.places[0].clone(), facts.layers[1].diff_id.clone())].into();
    let limits = Limits::default();
    let error = split(
        &archive[..],
        &limits,
        &facts.image_digest,
        &swapped,
        folder.path(),
    );
    assert!(
        matches!(error, Err(ArchiveError::WrongDigest { .. })),
        "{error:?}"
    );
    let other = format!("sha256:{}", sha256(b"other"));
    let error = split(&archive[..], &limits, &other, &[].into(), folder.path());
    assert!(
        matches!(error, Err(ArchiveError::WrongDigest { .. })),
        "{error:?}"
    );
}

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

#[test]
fn what_every_base_holds_is_not_hostile() {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Char);
    header.set_path("dev/null").unwrap();
    header.set_size(0);
    header.set_cksum();
    let mut devices = tar::Builder::new(Vec::new());
    devices.append(&header, &b""[..]).unwrap();
    let usual = Tar::new()
        .file("usr/bin/su", 0o4755, b"")
        .link("etc/mtab", "/proc/self/mounts")
        .link("var/run", "../../../run")
        .hard_link("usr/bin/perl", "/usr/bin/su")
        .finish();
    let layers = vec![
        base_layer(),
        devices.into_inner().unwrap(),
        usual,
        script_layer("true"),
    ];
    inspect(&Image::of(layers).docker_archive()).unwrap();
}

#[test]
fn entries_that_reach_outside_are_hostile_in_layers_and_in_the_archive() {
    let in_layer = |layer: Tar| Image::of(vec![base_layer(), layer.finish()]).docker_archive();
    let out = "leaves the root";
    assert_refused(
        &in_layer(Tar::new().file("../evil", 0o644, b"")),
        "hostile-archive",
        out,
    );
    let through = Tar::new().link("etc", "/").file("etc/shadow", 0o644, b"");
    assert_refused(&in_layer(through), "hostile-archive", "through a link");
    let hard = Tar::new().hard_link("x", "../../etc/shadow");
    assert_refused(&in_layer(hard), "hostile-archive", "outside the image");

    assert_refused(&archive(&[("../x", b"")]), "hostile-archive", out);
    let link = Tar::new().link("a", "../../etc/shadow").finish();
    assert_refused(&link, "hostile-archive", "links out of the archive");
    let through = Tar::new()
        .link("a", ".")
        .file("a/manifest.json", 0o644, b"[]")
        .finish();
    assert_refused(&through, "hostile-archive", "through a link");
    let twice = archive(&[("manifest.json", b"[]"), ("./manifest.json", b"[]")]);
    assert_refused(&twice, "hostile-archive", "twice");
}

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

fn archive_with_manifest(manifest: &[u8]) -> Vec<u8> {
    archive(&[("manifest.json", manifest)])
}
