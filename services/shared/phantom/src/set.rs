//! A folder full of cases.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{CbctOptions, Error, OpgOptions, cbct, noise, opg};

/// Which kind of case, and how it is drawn.
#[derive(Debug, Clone)]
pub enum Track {
    Opg(OpgOptions),
    Cbct(CbctOptions),
}

impl Track {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opg(_) => "opg",
            Self::Cbct(_) => "cbct",
        }
    }
}

/// `manifest.json` of a set. Paths are relative to its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub track: String,
    pub seed: u64,
    pub cases: Vec<ManifestCase>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestCase {
    pub name: String,
    pub image: String,
    pub reference: String,
    pub labels: Vec<u8>,
}

/// Draws `Phantom_0001` to `count` into `images/` and `references/` below `dir`, with a
/// `manifest.json` last: where it exists, the set is whole. `progress` hears how many are done.
///
/// Case n depends on the seed and n only: a larger set begins with the smaller one.
pub fn write_set(
    dir: &Path,
    track: &Track,
    count: usize,
    seed: u64,
    progress: impl Fn(usize),
) -> Result<Manifest, Error> {
    fs::create_dir_all(dir.join("images"))?;
    fs::create_dir_all(dir.join("references"))?;
    let mut cases = Vec::with_capacity(count);
    for number in 1..=count {
        let name = format!("Phantom_{number:04}");
        let own_seed = noise::hash(noise::hash(seed) ^ number as u64);
        cases.push(write_case(dir, track, name, own_seed)?);
        progress(number);
    }
    let manifest = Manifest {
        track: track.name().to_owned(),
        seed,
        cases,
    };
    fs::write(
        dir.join("manifest.json"),
        serde_json::to_vec_pretty(&manifest)?,
    )?;
    Ok(manifest)
}

fn write_case(dir: &Path, track: &Track, name: String, seed: u64) -> Result<ManifestCase, Error> {
    let (image, reference, labels) = match track {
        Track::Opg(options) => {
            let case = opg(seed, options)?.named(&name)?;
            let image = format!("images/{name}.{}", case.extension);
            let reference = format!("references/{name}_Mask.json");
            fs::write(dir.join(&image), &case.image_bytes)?;
            fs::write(dir.join(&reference), &case.labelme_json)?;
            (image, reference, case.labels)
        }
        Track::Cbct(options) => {
            let case = cbct(seed, options)?;
            let image = format!("images/{name}.nii.gz");
            let reference = format!("references/{name}_Mask.nii.gz");
            fs::write(dir.join(&image), &case.image_nii_gz)?;
            fs::write(dir.join(&reference), &case.labels_nii_gz)?;
            (image, reference, case.labels)
        }
    };
    Ok(ManifestCase {
        name,
        image,
        reference,
        labels,
    })
}
