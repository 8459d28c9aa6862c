//! Slices of an image, to be looked at.

use std::io::Read;

use super::header::{Datatype, Header};
use super::stream::Stream;
use super::voxel::Stored;
use super::{Fault, Limits};
use crate::error::{Error, Result};
use crate::geometry::Geometry;

/// Columns and rows that a slice has at most: of a longer axis every second voxel is taken, or every third
/// and so on.
const SIDE_MAX: usize = 2048;

/// A row of the file, which is held. NIfTI-1 has room for no longer one.
const ROW_MAX: u64 = 1 << 19;

/// Three slices that meet in one voxel.
#[derive(Debug, Clone, PartialEq)]
pub struct Slices {
    pub geometry: Geometry,
    /// Millimetres along x, y and z, as the header has it.
    pub spacing: [f64; 3],
    /// x by y, x by z, y by z.
    pub slices: [Slice; 3],
}

#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    pub width: usize,
    pub height: usize,
    /// Row by row, scaled as the header asks; anything, not a number included.
    pub values: Vec<f32>,
}

/// Reads an image once, a row at a time, and keeps the slices through the voxel `at`: x, y and z, each no
/// further than the last.
pub fn read_slices(reader: impl Read, limits: &Limits, at: [u32; 3]) -> Result<Slices> {
    read(Box::new(reader), limits, at)
}

fn read<'a>(reader: Box<dyn Read + 'a>, limits: &Limits, at: [u32; 3]) -> Result<Slices> {
    let mut stream = Stream::open(reader)?;
    let (header, read) = Header::read(&mut stream)?;
    header.check(limits)?;
    stream.skip(header.voxels_at - read)?;
    let [depth, height, width] = header.geometry.grid();
    let limit = ROW_MAX / header.datatype.size() as u64;
    if u64::from(width) > limit {
        let voxels = width.into();
        return Err(Fault::TooManyVoxels { voxels, limit }.into());
    }
    let row = vec![0; width as usize * header.datatype.size()];
    // Unwrap safety (of the subtractions): no extent is 0.
    let ([x, y, z], last) = (at, [width - 1, height - 1, depth - 1]);
    let at = [x.min(last[0]), y.min(last[1]), z.min(last[2])];
    Cutter::new(&header, at).cut(&mut stream, row)
}

/// Which voxels of an axis are kept.
#[derive(Clone, Copy)]
struct Steps {
    step: usize,
    kept: usize,
}

impl Steps {
    fn of(extent: usize) -> Self {
        let step = extent.div_ceil(SIDE_MAX).max(1);
        Self {
            step,
            kept: extent.div_ceil(step),
        }
    }

    fn keeps(self, at: usize) -> bool {
        at.is_multiple_of(self.step)
    }
}

struct Cutter<'a> {
    header: &'a Header,
    at: [usize; 3],
    /// Along x, y and z.
    steps: [Steps; 3],
    slices: [Slice; 3],
}

impl<'a> Cutter<'a> {
    fn new(header: &'a Header, at: [u32; 3]) -> Self {
        let [z, y, x] = header.geometry.grid();
        let steps = [x, y, z].map(|extent| Steps::of(extent as usize));
        let slice = |columns: usize, rows: usize| Slice {
            width: steps[columns].kept,
            height: steps[rows].kept,
            values: Vec::with_capacity(steps[columns].kept * steps[rows].kept),
        };
        Self {
            header,
            at: at.map(|at| at as usize),
            slices: [slice(0, 1), slice(0, 2), slice(1, 2)],
            steps,
        }
    }

    fn cut(mut self, stream: &mut Stream<'_>, mut row: Vec<u8>) -> Result<Slices> {
        let [depth, height, _] = self.header.geometry.grid().map(|extent| extent as usize);
        for (z, y) in (0..depth).flat_map(|z| (0..height).map(move |y| (z, y))) {
            let filled = stream.fill(&mut row)?;
            if filled < row.len() {
                return Err(self.truncated(z, y, filled));
            }
            self.take(&row, z, y);
        }
        Ok(Slices {
            geometry: self.header.geometry,
            spacing: self.header.spacing,
            slices: self.slices,
        })
    }

    fn take(&mut self, row: &[u8], z: usize, y: usize) {
        let [of_x, of_y, of_z] = self.steps;
        let whole = |slice: &mut Slice, header: &Header| {
            let columns = (0..of_x.kept).map(|column| value(row, column * of_x.step, header));
            slice.values.extend(columns);
        };
        if z == self.at[2] && of_y.keeps(y) {
            whole(&mut self.slices[0], self.header);
        }
        if y == self.at[1] && of_z.keeps(z) {
            whole(&mut self.slices[1], self.header);
        }
        if of_y.keeps(y) && of_z.keeps(z) {
            let one = value(row, self.at[0], self.header);
            self.slices[2].values.push(one);
        }
    }

    fn truncated(&self, z: usize, y: usize, filled: usize) -> Error {
        let geometry = self.header.geometry;
        let [_, height, width] = geometry.grid().map(u64::from);
        let rows = z as u64 * height + y as u64;
        Error::Nifti(Fault::Truncated {
            voxels: rows * width + (filled / self.header.datatype.size()) as u64,
            expected: geometry.elements(),
            geometry,
        })
    }
}

fn value(row: &[u8], voxel: usize, header: &Header) -> f32 {
    fn stored<T: Stored>(row: &[u8], voxel: usize, header: &Header) -> f64 {
        let bytes = &row[voxel * T::SIZE..][..T::SIZE];
        match header.is_big_endian {
            true => T::from_be(bytes).value(),
            false => T::from_le(bytes).value(),
        }
    }
    let stored = match header.datatype {
        Datatype::U8 => stored::<u8>,
        Datatype::I8 => stored::<i8>,
        Datatype::U16 => stored::<u16>,
        Datatype::I16 => stored::<i16>,
        Datatype::U32 => stored::<u32>,
        Datatype::I32 => stored::<i32>,
        Datatype::U64 => stored::<u64>,
        Datatype::I64 => stored::<i64>,
        Datatype::F32 => stored::<f32>,
        Datatype::F64 => stored::<f64>,
    };
    let value = stored(row, voxel, header);
    header
        .scaling
        .map_or(value, |scaling| value * scaling.slope + scaling.intercept) as f32
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::nifti::{write_labels, write_u16};

    fn place(z: usize, y: usize, x: usize) -> u16 {
        (100 * z + 10 * y + x) as u16
    }

    fn file() -> Vec<u8> {
        let image = Array3::from_shape_fn((2, 3, 4), |(z, y, x)| place(z, y, x));
        let mut file = Vec::new();
        write_u16(&mut file, image.view(), [0.25, 0.5, 1.0]).unwrap();
        file
    }

    #[test]
    fn slices_meet_in_the_voxel() {
        let slices = read_slices(&*file(), &Limits::default(), [3, 1, 1]).unwrap();
        assert_eq!(slices.geometry, Geometry::volume([4, 3, 2]));
        assert_eq!(slices.spacing, [0.25, 0.5, 1.0]);
        let [axial, coronal, sagittal] = slices.slices;
        let rows = |slice: &Slice| -> Vec<Vec<f32>> {
            slice
                .values
                .chunks(slice.width)
                .map(<[_]>::to_vec)
                .collect()
        };
        assert_eq!((axial.width, axial.height), (4, 3));
        assert_eq!(rows(&axial)[2], [120.0, 121.0, 122.0, 123.0]);
        assert_eq!(
            rows(&coronal),
            [[10.0, 11.0, 12.0, 13.0], [110.0, 111.0, 112.0, 113.0]]
        );
        assert_eq!(rows(&sagittal), [[3.0, 13.0, 23.0], [103.0, 113.0, 123.0]]);
    }

    #[test]
    fn an_image_that_ends_too_early_is_told_and_so_is_one_of_another_size() {
        let image = Array3::<i16>::zeros((2, 3, 4));
        let mut file = Vec::new();
        write_labels(&mut file, image.view(), [1.0; 3]).unwrap();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&*file)
            .read_to_end(&mut plain)
            .unwrap();
        let cut = read_slices(&plain[..352 + 2 * 13], &Limits::default(), [0; 3]);
        assert!(matches!(
            cut,
            Err(Error::Nifti(Fault::Truncated { voxels: 13, .. }))
        ));
        let other = Limits::expecting(Geometry::volume([4, 3, 3]));
        let other = read_slices(&*file, &other, [0; 3]);
        assert!(matches!(other, Err(Error::WrongSize(_))));
    }

    #[test]
    fn of_a_long_axis_every_second_voxel_is_kept() {
        let image = Array3::from_shape_fn((1, 1, 3000), |(_, _, x)| x as u16);
        let mut file = Vec::new();
        write_u16(&mut file, image.view(), [1.0; 3]).unwrap();
        let slices = read_slices(&*file, &Limits::default(), [2999, 0, 0]).unwrap();
        let [axial, _, sagittal] = slices.slices;
        assert_eq!((axial.width, axial.values[1499]), (1500, 2998.0));
        assert_eq!(sagittal.values, [2999.0]);
    }
}
