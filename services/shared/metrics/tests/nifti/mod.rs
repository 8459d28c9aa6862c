//! Just enough NIfTI-1 to read the reference's label volumes; the project's reader is elsewhere.

use std::{fs::File, io::Read, path::Path};

use flate2::read::GzDecoder;
use ndarray::Array3;

/// The labels, axes z, y, x.
pub fn read(path: &Path) -> Array3<i32> {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    let short = |at: usize| i16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let [x, y, z] = [42, 44, 46].map(|at| short(at) as usize);
    let offset = f32::from_le_bytes(bytes[108..112].try_into().unwrap()) as usize;
    let data = &bytes[offset..];

    let values: Vec<i32> = match short(70) {
        2 => data.iter().copied().map(i32::from).collect(),
        4 => data
            .as_chunks()
            .0
            .iter()
            .map(|&b| i16::from_le_bytes(b).into())
            .collect(),
        8 => data
            .as_chunks()
            .0
            .iter()
            .map(|&b| i32::from_le_bytes(b))
            .collect(),
        16 => data
            .as_chunks()
            .0
            .iter()
            .map(|&b| f32::from_le_bytes(b) as i32)
            .collect(),
        64 => data
            .as_chunks()
            .0
            .iter()
            .map(|&b| f64::from_le_bytes(b) as i32)
            .collect(),
        512 => data
            .as_chunks()
            .0
            .iter()
            .map(|&b| u16::from_le_bytes(b).into())
            .collect(),
        other => panic!("data type {other} in {}", path.display()),
    };
    Array3::from_shape_vec((z, y, x), values[..x * y * z].to_vec()).unwrap()
}
