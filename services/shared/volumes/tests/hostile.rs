//! What the fuzz targets look for, on damaged copies of their seeds, in every run of the tests.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a broken fixture may panic"
)]

mod properties;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let files = fs::read_dir(folder).unwrap();
    files
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect()
}

#[derive(Debug, Clone)]
enum Damage {
    Cut(Index),
    Set(Index, u8),
    /// From there on it is another seed, from that place on.
    Splice(Index, Vec<u8>, Index),
    Append(Vec<u8>),
}

fn damage(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Damage> {
    let any_seed = proptest::sample::select(seeds);
    prop_oneof![
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (any::<Index>(), any_seed.clone(), any::<Index>())
            .prop_map(|(at, seed, from)| Damage::Splice(at, seed, from)),
        any_seed.prop_map(Damage::Append),
    ]
}

fn damaged(target: &str) -> impl Strategy<Value = Vec<u8>> {
    let seeds = seeds(target);
    let damages = prop::collection::vec(damage(seeds.clone()), 0..4);
    (proptest::sample::select(seeds), damages).prop_map(|(mut bytes, damages)| {
        for damage in damages {
            let end = bytes.len() + 1;
            match damage {
                Damage::Cut(at) => bytes.truncate(at.index(end)),
                Damage::Set(at, byte) if !bytes.is_empty() => {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
                Damage::Set(..) => {}
                Damage::Splice(at, seed, from) => {
                    bytes.truncate(at.index(end));
                    bytes.extend_from_slice(&seed[from.index(seed.len() + 1)..]);
                }
                Damage::Append(seed) => bytes.extend(seed),
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn a_header_is_read_or_refused(bytes in damaged("nifti_header")) {
        properties::nifti_header(&bytes);
    }

    #[test]
    fn a_volume_is_read_or_refused(bytes in damaged("nifti_labels")) {
        properties::nifti_labels(&bytes);
    }

    #[test]
    fn polygons_are_read_or_refused(bytes in damaged("labelme")) {
        properties::labelme(&bytes);
    }

    #[test]
    fn a_polygon_is_filled_as_defined(bytes in damaged("fillpoly")) {
        properties::fillpoly(&bytes);
    }

    #[test]
    fn a_prediction_is_scored_or_refused(bytes in damaged("score")) {
        properties::score(&bytes);
    }
}
