//! All surface elements of a mask at once, for distances: there is no tolerance that bounds how many planes
//! have to be held.

use crate::{Bounds, Mask};

/// The surface elements of a mask, one bit per corner of a crop.
pub(crate) struct Surface<'a> {
    mask: &'a Mask,
    start: [isize; 3],
    height: usize,
    per_row: usize,
    words: Vec<u64>,
}

impl<'a> Surface<'a> {
    pub(crate) fn of(mask: &'a Mask, crop: Bounds) -> Self {
        let [depth, height, width] = crop.extent().map(|voxels| voxels + 1);
        let per_row = width.div_ceil(64);
        let start = crop.start.map(|at| at as isize);
        let words = vec![0; depth * height * per_row];
        let mut surface = Self {
            mask,
            start,
            height,
            per_row,
            words,
        };
        for z in 0..depth {
            for y in 0..height {
                for at in 0..per_row {
                    let elements = surface.corners(z, y, at).elements();
                    surface.words[(z * height + y) * per_row + at] = elements;
                }
            }
        }
        surface
    }

    pub(crate) fn elements(&self) -> u64 {
        let counts = self.words.iter().map(|word| u64::from(word.count_ones()));
        counts.sum()
    }

    /// The voxels around 64 corners of a row of the crop.
    pub(crate) fn corners(&self, z: usize, y: usize, at: usize) -> Corners {
        let [oz, oy, ox] = self.start;
        let (z, y, x) = (oz + z as isize, oy + y as isize, ox + 64 * at as isize);
        Corners(std::array::from_fn(|i| {
            let [dz, dy, dx] = [i >> 2 & 1, i >> 1 & 1, i & 1].map(|bit| bit as isize - 1);
            self.mask.word(z + dz, y + dy, x + dx)
        }))
    }

    pub(crate) fn each_word(&self, mut on_elements: impl FnMut(usize, usize, usize, u64)) {
        for (index, &elements) in self.words.iter().enumerate() {
            if elements != 0 {
                let (row, at) = (index / self.per_row, index % self.per_row);
                on_elements(row / self.height, row % self.height, at, elements);
            }
        }
    }
}

/// 64 corners of a row: word `4 dz + 2 dy + dx` says which have that voxel inside the mask.
pub(crate) struct Corners([u64; 8]);

impl Corners {
    fn elements(&self) -> u64 {
        let any = self.0.iter().fold(0, |any, word| any | word);
        let all = self.0.iter().fold(u64::MAX, |all, word| all & word);
        any & !all
    }

    pub(crate) fn code(&self, bit: u32) -> usize {
        self.0.iter().enumerate().fold(0, |code, (i, word)| {
            code | ((word >> bit & 1) as usize) << i
        })
    }
}
