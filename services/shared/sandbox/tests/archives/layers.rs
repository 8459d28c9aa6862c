//! An archive split into the layers that are wanted of it.

use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use molar_sandbox::image::{ArchiveError, CONFIG_FILE, Limits, PackedLayer, split};

use crate::common::{Image, LAYOUTS, gzip, sha256};
use crate::inspected::inspect;

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
