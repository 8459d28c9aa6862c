//! The demo's data: phantoms always, and the real cases where the folder of reference data is there.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use molar_phantom::{CbctOptions, OpgOptions, Track, write_set};

use super::Stage;

/// Real predictions that came with the real cases, by track: put into every zip, since the images of
/// those cases are not public and the algorithm cannot be run on them.
pub const REAL_CASE: &str = "Validation_0001";

/// Cases of each split.
const COUNTS: [(&str, usize, u64); 3] = [
    ("training-labelled", 1, 11),
    ("validation", 3, 22),
    ("test", 3, 33),
];

pub fn reference_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("MOLAR_REFERENCE")
        .map_or_else(|| PathBuf::from("../shared/reference"), PathBuf::from);
    folder.join("opg/reference").is_dir().then_some(folder)
}

/// Draws what is not there yet.
pub async fn prepare(stage: &Stage<'_>) -> anyhow::Result<()> {
    let step = stage.terminal.begin("phantoms", "drawing X-rays and scans");
    let folder = stage.folder.clone();
    let reference = reference_folder();
    let has_real = reference.is_some();
    tokio::task::spawn_blocking(move || draw(&folder, reference.as_deref())).await??;
    let note = if has_real {
        "and the real demo cases"
    } else {
        "no folder of real cases here"
    };
    step.done("drawn", note);
    Ok(())
}

fn draw(folder: &Path, reference: Option<&Path>) -> anyhow::Result<()> {
    for (split, count, seed) in COUNTS {
        for track in [
            Track::Opg(OpgOptions::default()),
            Track::Cbct(CbctOptions {
                dims: [200, 200, 150],
                spacing_mm: 0.6,
                ..CbctOptions::default()
            }),
        ] {
            let to = folder.join(track.name()).join(split);
            if to.join("manifest.json").exists() {
                continue;
            }
            write_set(&to, &track, count, seed, |_| {})?;
            if split == "training-labelled" {
                rename_to_trial(&to, track.name())?;
            }
        }
    }
    if let Some(reference) = reference {
        add_real(folder, reference)?;
    }
    Ok(())
}

/// The challenge file names the canaries Trial_OPG and Trial_CBCT.
fn rename_to_trial(folder: &Path, track: &str) -> anyhow::Result<()> {
    let trial = format!("Trial_{}", track.to_uppercase());
    for part in ["images", "references"] {
        for entry in std::fs::read_dir(folder.join(part))? {
            let path = entry?.path();
            let name = path
                .file_name()
                .and_then(|n| n.to_str())
                .context("a name")?
                .to_owned();
            std::fs::rename(
                &path,
                path.with_file_name(name.replace("Phantom_0001", &trial)),
            )?;
        }
    }
    Ok(())
}

/// Real references with blank images of the right size: the images themselves were never public, and
/// a validation phase scores predictions without them.
fn add_real(folder: &Path, reference: &Path) -> anyhow::Result<()> {
    for (track, end) in [("opg", "json"), ("cbct", "nii.gz")] {
        let split = folder.join(track).join("validation");
        let file = format!("{REAL_CASE}_Mask.{end}");
        std::fs::copy(
            reference.join(track).join("reference").join(&file),
            split.join("references").join(&file),
        )
        .with_context(|| format!("the real reference {file}"))?;
    }
    blank::opg(
        &folder
            .join("opg/validation/images")
            .join(format!("{REAL_CASE}.png")),
        reference,
    )?;
    blank::cbct(
        &folder
            .join("cbct/validation/images")
            .join(format!("{REAL_CASE}.nii.gz")),
        reference,
    )?;
    Ok(())
}

mod blank {
    use std::fs::File;
    use std::path::Path;

    use molar_volumes::nifti;

    pub fn opg(to: &Path, _reference: &Path) -> anyhow::Result<()> {
        image::GrayImage::new(2000, 1200).save(to)?;
        Ok(())
    }

    pub fn cbct(to: &Path, reference: &Path) -> anyhow::Result<()> {
        let labels = File::open(
            reference
                .join("cbct/reference")
                .join(format!("{}_Mask.nii.gz", super::REAL_CASE)),
        )?;
        let header = nifti::read_header(labels)?;
        let molar_volumes::Geometry::Volume { x, y, z } = header.geometry else {
            anyhow::bail!("the real reference is no volume")
        };
        let blank = ndarray::Array3::<u8>::zeros([z, y, x].map(|voxels| voxels as usize));
        nifti::write_labels(File::create(to)?, blank.view(), [1.0; 3])?;
        Ok(())
    }
}
