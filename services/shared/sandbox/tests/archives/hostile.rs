//! Entries that reach outside, and those that only look as if they did.

use crate::common::{Image, Tar, base_layer, script_layer};
use crate::inspected::{archive, assert_refused, inspect};

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
