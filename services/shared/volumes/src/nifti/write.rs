use std::io::{self, Write};

use flate2::{Compression, write::GzEncoder};
use ndarray::ArrayView3;

const HEADER: usize = 348;
/// The header and an empty list of extensions.
const VOXELS_AT: f32 = 352.0;
const MILLIMETRES: u8 = 2;
/// Axes and units come from the scanner's frame.
const SCANNER: i16 = 1;

/// A type that volumes are written as.
pub trait Element: Copy + sealed::Bytes {}

mod sealed {
    pub trait Bytes {
        const DATATYPE: i16;
        fn append(self, bytes: &mut Vec<u8>);
    }
}

macro_rules! element {
    ($($element:ty = $datatype:literal),*) => {$(
        impl Element for $element {}

        impl sealed::Bytes for $element {
            const DATATYPE: i16 = $datatype;

            fn append(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

element!(u8 = 2, i16 = 4, i32 = 8, f32 = 16, u16 = 512);

/// Writes a label volume as `.nii.gz`. The array's axes are z, y, x; the spacing's are x, y, z, in mm.
pub fn write_labels<T: Element>(
    out: impl Write,
    labels: ArrayView3<'_, T>,
    spacing: [f32; 3],
) -> io::Result<()> {
    write(out, labels, spacing, Compression::default())
}

/// As [`write_labels`], for an image: noise is compressed for speed.
pub fn write_u16(out: impl Write, image: ArrayView3<'_, u16>, spacing: [f32; 3]) -> io::Result<()> {
    write(out, image, spacing, Compression::fast())
}

fn write<T: Element>(
    out: impl Write,
    volume: ArrayView3<'_, T>,
    spacing: [f32; 3],
    compression: Compression,
) -> io::Result<()> {
    let mut out = GzEncoder::new(out, compression);
    out.write_all(&header::<T>(volume.dim(), spacing)?)?;
    let mut bytes = Vec::new();
    for plane in volume.outer_iter() {
        bytes.clear();
        plane.iter().for_each(|voxel| voxel.append(&mut bytes));
        out.write_all(&bytes)?;
    }
    out.finish()?.flush()
}

fn header<T: Element>((z, y, x): (usize, usize, usize), spacing: [f32; 3]) -> io::Result<Vec<u8>> {
    let mut header = vec![0; VOXELS_AT as usize];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);

    put(0, &(HEADER as i32).to_le_bytes());
    for (index, extent) in [3, x, y, z, 1, 1, 1, 1].into_iter().enumerate() {
        let extent = i16::try_from(extent).map_err(|_| {
            let problem = format!("{extent} voxels on one axis, NIfTI-1 has room for 32767");
            io::Error::new(io::ErrorKind::InvalidInput, problem)
        })?;
        put(40 + 2 * index, &extent.to_le_bytes());
    }
    put(70, &T::DATATYPE.to_le_bytes());
    put(72, &(8 * size_of::<T>() as i16).to_le_bytes());
    let [dx, dy, dz] = spacing;
    for (index, size) in [1.0, dx, dy, dz, 1.0, 1.0, 1.0, 1.0]
        .into_iter()
        .enumerate()
    {
        put(76 + 4 * index, &f32::to_le_bytes(size));
    }
    put(108, &VOXELS_AT.to_le_bytes());
    put(112, &1_f32.to_le_bytes());
    put(123, &[MILLIMETRES]);
    // Both transforms are the spacing alone: viewers disagree on which one they believe.
    put(252, &SCANNER.to_le_bytes());
    put(254, &SCANNER.to_le_bytes());
    for (row, size) in [dx, dy, dz].into_iter().enumerate() {
        put(280 + 16 * row + 4 * row, &size.to_le_bytes());
    }
    put(344, b"n+1\0");
    Ok(header)
}
