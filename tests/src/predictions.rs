//! Cases, predictions that are wrong in a known way, and the truth about them.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};

use anyhow::Context as _;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use molar_phantom::{CbctOptions, ImageFormat, OpgOptions};
use molar_volumes::{Reference, prediction_name};
use serde_json::Value;

use crate::challenge::{ACCURACY, CANARY, TEST, Track, VALIDATION};

/// One case as an organizer holds it.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub image_name: String,
    pub image: Vec<u8>,
    pub reference: Vec<u8>,
}

/// The cases of each split.
pub type Splits = BTreeMap<&'static str, Vec<Case>>;

pub fn draw(track: Track) -> anyhow::Result<Splits> {
    let mut splits = Splits::new();
    for (split, names, seed) in [
        ("trial", &[CANARY][..], 1),
        ("validation", &VALIDATION, 10),
        ("test", &TEST, 20),
    ] {
        let cases = names
            .iter()
            .zip(seed..)
            .map(|(name, seed)| draw_one(track, name, seed));
        splits.insert(split, cases.collect::<anyhow::Result<_>>()?);
    }
    Ok(splits)
}

/// Small, so that everything but the measuring is quick.
pub fn draw_one(track: Track, name: &str, seed: u64) -> anyhow::Result<Case> {
    Ok(match track {
        Track::Opg => {
            let options = OpgOptions {
                width: 400,
                height: 240,
                format: ImageFormat::Png,
                ..OpgOptions::default()
            };
            let case = molar_phantom::opg(seed, &options)?.named(name)?;
            Case {
                name: name.to_owned(),
                image_name: format!("{name}.{}", case.extension),
                image: case.image_bytes,
                reference: case.labelme_json.into_bytes(),
            }
        }
        Track::Cbct => {
            let case = molar_phantom::cbct(seed, &CbctOptions::small())?;
            Case {
                name: name.to_owned(),
                image_name: format!("{name}.nii.gz"),
                image: case.image_nii_gz,
                reference: case.labels_nii_gz,
            }
        }
    })
}

/// The files of a prediction by name. The larger `fault`, the worse it is.
pub fn predict(
    track: Track,
    cases: &[Case],
    fault: usize,
) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for case in cases {
        let file = match track {
            Track::Opg => spoil_polygons(&case.reference, fault)?,
            Track::Cbct => spoil_volume(&case.reference, fault)?,
        };
        files.insert(prediction_name(&case.name, track.format()), file);
    }
    Ok(files)
}

/// Every shape moved, and `fault` of them lost.
fn spoil_polygons(reference: &[u8], fault: usize) -> anyhow::Result<Vec<u8>> {
    let mut file: Value = serde_json::from_slice(reference)?;
    let shapes = file["shapes"].as_array_mut().context("no shapes")?;
    shapes.drain(..fault.min(shapes.len() - 1));
    for shape in shapes {
        for point in shape["points"].as_array_mut().context("no points")? {
            let x = point[0].as_f64().context("no x")? + fault as f64;
            point[0] = x.into();
        }
    }
    Ok(serde_json::to_vec(&file)?)
}

/// The last `fault` labels lost, the rest moved along x.
fn spoil_volume(reference: &[u8], fault: usize) -> anyhow::Result<Vec<u8>> {
    /// A NIfTI header without extensions; the phantoms have none, and a byte a voxel.
    const HEADER: usize = 352;
    let mut bytes = Vec::new();
    MultiGzDecoder::new(reference).read_to_end(&mut bytes)?;
    let voxels = &mut bytes[HEADER..];
    let mut labels: Vec<u8> = voxels.to_vec();
    labels.sort_unstable();
    labels.dedup();
    let lost = &labels[labels.len() - fault.min(labels.len() - 2)..];
    for voxel in voxels.iter_mut().filter(|voxel| lost.contains(voxel)) {
        *voxel = 0;
    }
    voxels.rotate_right(fault);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&bytes)?;
    Ok(packed.finish()?)
}

pub fn zip<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> anyhow::Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name, zip::write::SimpleFileOptions::default())?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

pub fn zip_of(files: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<Vec<u8>> {
    zip(files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
}

/// The seven accuracy metrics by name.
pub type Values = BTreeMap<&'static str, f64>;

/// What each case must score, measured here and now from the very files, by the case's name.
pub fn truth(
    track: Track,
    cases: &[Case],
    files: &BTreeMap<String, Vec<u8>>,
) -> anyhow::Result<BTreeMap<String, Values>> {
    let mut all = BTreeMap::new();
    for case in cases {
        let file = &files[&prediction_name(&case.name, track.format())];
        all.insert(case.name.clone(), measure(track, &case.reference, file)?);
    }
    Ok(all)
}

pub fn measure(track: Track, reference: &[u8], prediction: &[u8]) -> anyhow::Result<Values> {
    let reference = Reference::read(track.format(), reference, None)?;
    let scores = reference.score(prediction, |_| true)?.scores;
    let values = [
        scores.image_dsc,
        scores.image_iou,
        scores.image_nsd,
        scores.instance_dsc,
        scores.instance_iou,
        scores.instance_nsd,
        scores.ia,
    ];
    Ok(ACCURACY.into_iter().zip(values).collect())
}

/// What a board must show.
pub fn mean(cases: &BTreeMap<String, Values>) -> Values {
    let mean = |metric: &str| {
        cases.values().map(|values| values[metric]).sum::<f64>() / cases.len() as f64
    };
    ACCURACY
        .into_iter()
        .map(|metric| (metric, mean(metric)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::TRACKS;

    #[test]
    fn a_worse_prediction_scores_worse_and_neither_is_perfect_nor_hopeless() {
        for track in TRACKS {
            let case = draw_one(track, "Case_1", 3).unwrap();
            let of = |fault| {
                let files = predict(track, std::slice::from_ref(&case), fault).unwrap();
                mean(&truth(track, std::slice::from_ref(&case), &files).unwrap())
            };
            let (good, bad) = (of(1), of(2));
            for metric in ["image_DSC", "instance_DSC", "instance_IoU"] {
                assert!(
                    bad[metric] < good[metric],
                    "{track:?} {metric}: {bad:?} {good:?}"
                );
                assert!(
                    good[metric] < 1.0 && bad[metric] > 0.0,
                    "{track:?} {metric}"
                );
            }
        }
    }
}
