//! Cone-beam volumes with a label volume.

mod layout;
mod render;
mod tooth;

use molar_volumes::nifti;
use ndarray::ArrayView3;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Error;

#[derive(Debug, Clone)]
pub struct CbctOptions {
    /// Voxels along x, y and z.
    pub dims: [usize; 3],
    /// Edge of a voxel in millimetres.
    pub spacing_mm: f64,
    /// How likely a tooth is missing (wisdom teeth: three times as likely).
    pub missing: f64,
    /// How likely a tooth carries metal, and with it streaks.
    pub metal: f64,
    /// Deviation of the noise, where dentine is 2150 and cortical bone 1750.
    pub noise: f32,
}

impl Default for CbctOptions {
    fn default() -> Self {
        Self {
            dims: [400, 400, 300],
            spacing_mm: 0.3,
            missing: 0.10,
            metal: 0.08,
            noise: 110.0,
        }
    }
}

impl CbctOptions {
    /// 96 × 96 × 80 voxels of 0.9 mm, for tests: a whole dentition, coarsely.
    pub fn small() -> Self {
        Self {
            dims: [96, 96, 80],
            spacing_mm: 0.9,
            ..Self::default()
        }
    }
}

#[derive(Debug, Clone)]
pub struct CbctCase {
    /// uint16.
    pub image_nii_gz: Vec<u8>,
    /// uint8, FDI numbers, 0 is background.
    pub labels_nii_gz: Vec<u8>,
    /// FDI numbers of the teeth that have at least one voxel, ascending.
    pub labels: Vec<u8>,
}

/// Draws one scan. Takes memory of about eight bytes a voxel.
pub fn cbct(seed: u64, options: &CbctOptions) -> Result<CbctCase, Error> {
    if options
        .dims
        .iter()
        .any(|&side| !(16..=2048).contains(&side))
    {
        return Err(Error::Options(
            "a side shorter than 16 or longer than 2048 voxels",
        ));
    }
    if !(0.05..=5.0).contains(&options.spacing_mm) {
        return Err(Error::Options(
            "voxels smaller than 0.05 mm or larger than 5 mm",
        ));
    }
    crate::check_likelihoods(&[options.missing, options.metal])?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let scene = layout::scene(&mut rng, options);
    let (grey, labels) = render::render(&scene, rng.random(), options);
    let [nx, ny, nz] = options.dims;
    let spacing = [options.spacing_mm as f32; 3];
    // Unwrap safety: the renderer fills exactly this many voxels.
    let view = "a value for every voxel";
    let mut image_nii_gz = Vec::new();
    let image = ArrayView3::from_shape((nz, ny, nx), &grey).expect(view);
    nifti::write_u16(&mut image_nii_gz, image, spacing)?;
    let mut labels_nii_gz = Vec::new();
    let volume = ArrayView3::from_shape((nz, ny, nx), &labels).expect(view);
    nifti::write_labels(&mut labels_nii_gz, volume, spacing)?;
    Ok(CbctCase {
        image_nii_gz,
        labels_nii_gz,
        labels: present(&labels),
    })
}

fn present(labels: &[u8]) -> Vec<u8> {
    let mut seen = [false; 256];
    for &label in labels {
        seen[usize::from(label)] = true;
    }
    (1..=255u8)
        .filter(|&label| seen[usize::from(label)])
        .collect()
}
