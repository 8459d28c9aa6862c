//! How far two surfaces are from each other, in mm.

use rayon::prelude::*;

use crate::{
    Bounds, Error, Mask, Side, Spacing, cell,
    distance::{Columns, Sweep},
    elements::Surface,
};

/// Planes that one thread sweeps at a time; a tooth is one or two such pieces.
const PLANES_AT_ONCE: usize = 64;

/// Of one mask: 16 bytes each, and twice that while they are gathered. All teeth of a volume have some hundred
/// thousand, an image that is labelled all over twice as many as pixels.
pub const MAX_ELEMENTS: u64 = 1 << 23;

/// The surface elements of two masks, each with its area and its distance to the other surface, as
/// DeepMind's surface-distance defines them (Nikolov et al., *Deep learning to achieve clinically
/// applicable segmentation of head and neck anatomy*, 2018).
///
/// Elements lie at the corners of voxels and have the area of the marching-cubes surface there, in
/// mm². Distances are from element to element, not to the nearest point of the surface. A 2D image
/// is a slice as thick as the spacing says, where surface-distance has contours.
///
/// Where an empty mask should score is for the caller to say, see [`Measure`](crate::Measure).
#[derive(Debug, Clone)]
pub struct SurfaceDistances {
    areas: Box<[f64; 256]>,
    /// Of the first mask, then of the second, each by ascending distance.
    sides: [Vec<Element>; 2],
}

#[derive(Debug, Clone, Copy)]
struct Element {
    mm: f64,
    code: u8,
}

impl SurfaceDistances {
    /// `None` if either mask is empty: there is nothing to be far from. Fails on a surface of more than
    /// [`MAX_ELEMENTS`], before they are listed.
    ///
    /// Takes two bits for each voxel of the box around both masks, some 50 bytes for each surface
    /// element and, for each thread, 16 bytes for each voxel of one slice of the box.
    pub fn between(
        reference: &Mask,
        prediction: &Mask,
        spacing: Spacing,
    ) -> Result<Option<Self>, Error> {
        if reference.is_empty() || prediction.is_empty() {
            return Ok(None);
        }
        let crop = reference.bounds().union(&prediction.bounds());
        let [a, b] = [reference, prediction].map(|mask| Surface::of(mask, crop));
        for (side, surface) in [(Side::Reference, &a), (Side::Prediction, &b)] {
            if surface.elements() > MAX_ELEMENTS {
                return Err(Error::Rough {
                    side,
                    limit: MAX_ELEMENTS,
                });
            }
        }
        let (there, back) = rayon::join(
            || elements(&a, &b, crop, spacing),
            || elements(&b, &a, crop, spacing),
        );
        Ok(Some(Self {
            areas: Box::new(cell::areas_at(spacing.mm())),
            sides: [there, back],
        }))
    }

    /// Areas of both surfaces, in mm².
    pub fn areas_mm2(&self) -> [f64; 2] {
        [0, 1].map(|side| self.area(&self.sides[side]))
    }

    /// Hausdorff: the largest distance from any element to the other surface, in mm. Symmetric.
    pub fn hausdorff(&self) -> f64 {
        let farthest = |side: &Vec<Element>| side.last().map_or(0.0, |element| element.mm);
        self.sides.iter().map(farthest).fold(0.0, f64::max)
    }

    /// Robust Hausdorff: the least distance in mm that `percent` of the area of one surface is
    /// within, and the larger of both directions. Symmetric; at 100 the same as
    /// [`hausdorff`](Self::hausdorff).
    ///
    /// Where a distance is reached by exactly `percent` of the area it is taken: a share that is
    /// smaller by less than 1e-12 counts as reached. surface-distance leaves this to the rounding of
    /// its sums.
    pub fn robust_hausdorff(&self, percent: f64) -> f64 {
        let within = |side: &Vec<Element>| {
            let wanted = percent / 100.0 * self.area(side) * (1.0 - 1e-12);
            let mut area = 0.0;
            let reached = side.iter().find(|element| {
                area += self.areas[usize::from(element.code)];
                area >= wanted
            });
            reached.or(side.last()).map_or(0.0, |element| element.mm)
        };
        if percent >= 100.0 {
            return self.hausdorff();
        }
        self.sides.iter().map(within).fold(0.0, f64::max)
    }

    /// Mean distance of the first surface to the second and of the second to the first, in mm,
    /// weighted by area: what surface-distance calls the average surface distance.
    pub fn means(&self) -> [f64; 2] {
        [0, 1].map(|side| self.integral(side) / self.area(&self.sides[side]))
    }

    /// Average symmetric surface distance in mm: the distances of both surfaces, weighted by area,
    /// over the area of both. surface-distance leaves it at the two means; medpy's `assd` is their
    /// plain mean.
    pub fn assd(&self) -> f64 {
        (self.integral(0) + self.integral(1)) / self.areas_mm2().iter().sum::<f64>()
    }

    /// Surface Dice (NSD): the share of both surfaces' area within the tolerance of the other.
    ///
    /// At unit spacing and a tolerance of 2 this is [`surface_dice`](crate::surface_dice), bit for
    /// bit.
    pub fn surface_dice(&self, tolerance_mm: f64) -> f64 {
        let near = |element: &&Element| element.mm <= tolerance_mm;
        let both = || self.sides.iter().flatten();
        self.area(both().filter(near)) / self.area(both())
    }

    /// Summed from the counts per kind of element, so that the order of elements has no say.
    fn area<'a>(&self, elements: impl IntoIterator<Item = &'a Element>) -> f64 {
        let mut counts = [0u64; 256];
        for element in elements {
            counts[usize::from(element.code)] += 1;
        }
        let areas = counts.iter().zip(self.areas.iter());
        areas.map(|(&count, area)| count as f64 * area).sum()
    }

    fn integral(&self, side: usize) -> f64 {
        let weighted = |element: &Element| element.mm * self.areas[usize::from(element.code)];
        self.sides[side].iter().map(weighted).sum()
    }
}

/// The elements of one surface with their distances to another.
fn elements(from: &Surface<'_>, to: &Surface<'_>, crop: Bounds, spacing: Spacing) -> Vec<Element> {
    let extent = crop.extent().map(|voxels| voxels + 1);
    let columns = Columns::new(extent, spacing.mm(), |on_corner| {
        to.each_word(|z, y, at, mut bits| {
            while bits != 0 {
                on_corner([z, y, 64 * at + bits.trailing_zeros() as usize]);
                bits &= bits - 1;
            }
        });
    });

    let mut words = Vec::new();
    from.each_word(|z, y, at, bits| words.push((z, y, at, bits)));
    let planes: Vec<_> = words.chunk_by(|a, b| a.0 == b.0).collect();
    let pieces = planes.par_chunks(PLANES_AT_ONCE).map(|planes| {
        let mut sweep = Sweep::new(&columns);
        let mut elements = Vec::new();
        for plane in planes {
            sweep.go_to(plane[0].0);
            for words in plane.chunk_by(|a, b| a.1 == b.1) {
                let row = sweep.row(words[0].1);
                each_element(from, words, |x, code| {
                    let mm = row[x].sqrt();
                    elements.push(Element { mm, code });
                });
            }
        }
        elements
    });
    let mut elements = pieces.collect::<Vec<_>>().concat();
    elements.par_sort_unstable_by(|a, b| a.mm.total_cmp(&b.mm).then(a.code.cmp(&b.code)));
    elements
}

fn each_element(
    surface: &Surface<'_>,
    words: &[(usize, usize, usize, u64)],
    mut on_element: impl FnMut(usize, u8),
) {
    for &(z, y, at, mut bits) in words {
        let corners = surface.corners(z, y, at);
        while bits != 0 {
            let bit = bits.trailing_zeros();
            on_element(64 * at + bit as usize, corners.code(bit) as u8);
            bits &= bits - 1;
        }
    }
}
