//! From a label volume to masks, in two passes whatever the number of labels: the bounding boxes
//! first, then every run of equal voxels into its label's crop.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use ndarray::{ArrayView2, ArrayView3, Axis, Slice, parallel::prelude::*};

use crate::{Bounds, Error, LabelRun, Mask, Segmentation};

/// As many as a 16-bit volume can hold. A 32-bit volume could hold one per voxel.
pub const MAX_LABELS: usize = 1 << 16;

/// How many labels may span the whole grid before a volume is refused as noise: more than there are
/// teeth, and 8 bytes per voxel.
pub(crate) const MAX_SPANNING: usize = 64;

/// Voxels that the boxes around all labels may span in a grid however small: 8 MiB.
const SPANNED_ANYWAY: usize = 1 << 26;

/// An integer that a label volume may be made of; 0 is background.
pub trait Voxel: sealed::Segment {}

pub(crate) mod sealed {
    use super::*;

    /// Whether the mask of a label is wanted.
    pub type Keep<'a> = &'a (dyn Fn(i32) -> bool + 'a);

    /// Row, voxels along x, label.
    pub type OnRun<'a> = &'a mut (dyn FnMut(usize, Range<usize>, i32) + 'a);

    pub trait Segment: Sized {
        fn segment(view: ArrayView3<'_, Self>, keep: Keep<'_>) -> Result<Segmentation<i32>, Error>;

        fn each_run(view: ArrayView2<'_, Self>, on_run: OnRun<'_>);
    }
}

// Not one blanket impl: these are compiled in this crate, with its optimisation, not in the caller.
macro_rules! voxel {
    ($($voxel:ty)*) => {$(
        impl Voxel for $voxel {}

        impl sealed::Segment for $voxel {
            fn segment(
                view: ArrayView3<'_, Self>,
                keep: sealed::Keep<'_>,
            ) -> Result<Segmentation<i32>, Error> {
                segment(view, keep)
            }

            fn each_run(view: ArrayView2<'_, Self>, on_run: sealed::OnRun<'_>) {
                each_run_of_plane(view, &mut Vec::new(), |y, x, label| on_run(y, x, label.into()));
            }
        }
    )*};
}

voxel!(u8 i8 u16 i16 i32);

#[derive(Default)]
struct Found {
    bounds: Bounds,
    voxels: u64,
}

type Survey = HashMap<i32, Found>;

fn segment<T>(view: ArrayView3<'_, T>, keep: sealed::Keep<'_>) -> Result<Segmentation<i32>, Error>
where
    T: Copy + PartialEq + Default + Into<i32> + Sync,
{
    let found = survey(view)?;
    let kept = || found.iter().filter(|(label, _)| keep(**label));
    let spanned: usize = kept().map(|(_, found)| found.bounds.volume()).sum();
    if spanned > (MAX_SPANNING * view.len()).max(SPANNED_ANYWAY) {
        return Err(Error::Scattered {
            limit: MAX_SPANNING,
        });
    }

    let whole = found
        .values()
        .fold(Bounds::default(), |all, one| all.union(&one.bounds));
    let mut foreground = Mask::blank(whole);
    let mut masks: BTreeMap<_, _> = kept()
        .map(|(&label, found)| (label, Mask::blank(found.bounds)))
        .collect();
    let [oz, oy, ox] = whole.start;
    let crop = view.slice_each_axis(|axis| Slice::from(whole.axis(axis.axis.index())));
    each_run(crop, |z, y, x, label| {
        let (z, y, x) = (z + oz, y + oy, x.start + ox..x.end + ox);
        if let Some(mask) = masks.get_mut(&label.into()) {
            mask.fill(z, y, x.clone());
        }
        foreground.fill(z, y, x);
    });

    let (depth, height, width) = view.dim();
    let rest = found.iter().filter(|(label, _)| !masks.contains_key(label));
    let unmatched = rest.map(|(&label, found)| (label, found.voxels)).collect();
    Ok(Segmentation::from_parts(
        [depth, height, width],
        masks,
        unmatched,
        foreground,
    ))
}

/// As [`segment`], of planes that are runs already.
pub(crate) fn segment_runs(
    grid: [usize; 3],
    planes: &[&[LabelRun]],
    keep: sealed::Keep<'_>,
) -> Result<Segmentation<i32>, Error> {
    let runs = || {
        let planes = planes.iter().enumerate();
        let all = planes.flat_map(|(z, runs)| runs.iter().map(move |run| (z, run)));
        all.filter(|(_, run)| run.label != 0)
    };
    let mut found = Survey::new();
    for (z, run) in runs() {
        let one = found.entry(run.label).or_default();
        one.voxels += run.x().len() as u64;
        one.bounds = one
            .bounds
            .union(&Bounds::of_run(z, run.y as usize, &run.x()));
    }
    let kept = || found.iter().filter(|(label, _)| keep(**label));
    let spanned: usize = kept().map(|(_, found)| found.bounds.volume()).sum();
    if spanned > (MAX_SPANNING * grid.iter().product::<usize>()).max(SPANNED_ANYWAY) {
        return Err(Error::Scattered {
            limit: MAX_SPANNING,
        });
    }
    let whole = found
        .values()
        .fold(Bounds::default(), |all, one| all.union(&one.bounds));
    let all = Bounds {
        start: [0; 3],
        end: grid,
    };
    if found.len() > MAX_LABELS {
        return Err(Error::TooManyLabels);
    }
    if planes.len() > grid[0] || !all.holds(&whole) {
        return Err(Error::OutsideGrid { grid });
    }
    let mut foreground = Mask::blank(whole);
    let mut masks: BTreeMap<_, _> = kept()
        .map(|(&label, found)| (label, Mask::blank(found.bounds)))
        .collect();
    for (z, run) in runs() {
        foreground.fill(z, run.y as usize, run.x());
        if let Some(mask) = masks.get_mut(&run.label) {
            mask.fill(z, run.y as usize, run.x());
        }
    }
    let rest = found.iter().filter(|(label, _)| !masks.contains_key(label));
    let unmatched = rest.map(|(&label, found)| (label, found.voxels)).collect();
    Ok(Segmentation::from_parts(grid, masks, unmatched, foreground))
}

/// Finds every label's bounding box and size.
fn survey<T>(view: ArrayView3<'_, T>) -> Result<Survey, Error>
where
    T: Copy + PartialEq + Default + Into<i32> + Sync,
{
    view.axis_iter(Axis(0))
        .into_par_iter()
        .enumerate()
        .try_fold(Survey::new, |mut survey, (z, plane)| {
            each_run_of_plane(plane, &mut Vec::new(), |y, x, label| {
                let found = survey.entry(label.into()).or_default();
                found.voxels += x.len() as u64;
                found.bounds = found.bounds.union(&Bounds::of_run(z, y, &x));
            });
            within_limit(survey)
        })
        .try_reduce(Survey::new, |mut survey, other| {
            for (label, more) in other {
                let found = survey.entry(label).or_default();
                found.voxels += more.voxels;
                found.bounds = found.bounds.union(&more.bounds);
            }
            within_limit(survey)
        })
}

fn within_limit(survey: Survey) -> Result<Survey, Error> {
    if survey.len() > MAX_LABELS {
        Err(Error::TooManyLabels)
    } else {
        Ok(survey)
    }
}

/// Calls back for every longest run of one value along x, background left out.
pub(crate) fn each_run<T: Copy + PartialEq + Default>(
    view: ArrayView3<'_, T>,
    mut on_run: impl FnMut(usize, usize, Range<usize>, T),
) {
    let mut copy = Vec::new();
    for (z, plane) in view.outer_iter().enumerate() {
        each_run_of_plane(plane, &mut copy, |y, x, value| on_run(z, y, x, value));
    }
}

fn each_run_of_plane<T: Copy + PartialEq + Default>(
    plane: ArrayView2<'_, T>,
    copy: &mut Vec<T>,
    mut on_run: impl FnMut(usize, Range<usize>, T),
) {
    for (y, row) in plane.outer_iter().enumerate() {
        let row = match row.to_slice() {
            Some(row) => row,
            None => {
                copy.clear();
                copy.extend(row.iter().copied());
                copy.as_slice()
            }
        };
        let mut at = 0;
        while let Some(skipped) = row[at..].iter().position(|&value| value != T::default()) {
            let start = at + skipped;
            let value = row[start];
            let same = row[start..].iter().position(|&other| other != value);
            at = same.map_or(row.len(), |length| start + length);
            on_run(y, start..at, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    fn volume() -> Array3<i32> {
        Array3::from_shape_vec(
            (2, 2, 5),
            vec![
                0, 11, 11, 12, 0, //
                0, 0, 0, 0, -1, //
                11, 0, 11, 0, 0, //
                0, 0, 0, 0, 0,
            ],
        )
        .unwrap()
    }

    #[test]
    fn labels_are_cropped_and_background_is_no_label() {
        let found = Segmentation::from_labels(volume().view()).unwrap();
        assert_eq!(found.grid(), [2, 2, 5]);
        assert_eq!(found.labels().copied().collect::<Vec<_>>(), [-1, 11, 12]);
        assert_eq!(
            found.mask(&11).unwrap().bounds(),
            Bounds {
                start: [0; 3],
                end: [2, 1, 3]
            }
        );
        assert_eq!(found.voxels(&11), Some(4));
        assert_eq!(found.voxels(&-1), Some(1));
        assert_eq!(found.voxels(&0), None);
        assert_eq!(found.foreground().voxels(), 6);
    }

    #[test]
    fn strides_and_voxel_types_do_not_matter() {
        let wanted = Segmentation::from_labels(volume().view()).unwrap();
        let turned = volume().reversed_axes().as_standard_layout().into_owned();
        assert_eq!(Segmentation::from_labels(turned.t()).unwrap(), wanted);
        assert_eq!(
            Segmentation::from_labels(volume().mapv(|v| v as i8).view()).unwrap(),
            wanted
        );
        assert_eq!(
            Segmentation::from_labels(volume().mapv(|v| v as i16).view()).unwrap(),
            wanted
        );
    }

    #[test]
    fn against_a_reference_other_labels_are_counted_but_not_kept() {
        let reference = Segmentation::from_masks([2, 2, 5], [(12, Mask::default())]).unwrap();
        let found = Segmentation::from_labels_against(volume().view(), &reference).unwrap();
        assert_eq!(found.labels().copied().collect::<Vec<_>>(), [-1, 11, 12]);
        assert_eq!(found.voxels(&11), Some(4));
        assert!(found.mask(&11).is_none());
        assert_eq!(found.foreground().voxels(), 6);
    }

    #[test]
    fn noise_is_refused_before_it_takes_memory() {
        let every_voxel_its_own = Array3::from_shape_fn((2, 256, 256), |(z, y, x)| {
            (z * 65_536 + y * 256 + x + 1) as i32
        });
        let refused = Segmentation::from_labels(every_voxel_its_own.view());
        assert_eq!(refused.unwrap_err(), Error::TooManyLabels);

        let scattered =
            Array3::from_shape_fn((1, 1200, 1200), |(_, y, x)| 1 + ((y + x) % 80) as u8);
        let refused = Segmentation::from_labels(scattered.view());
        assert_eq!(refused.unwrap_err(), Error::Scattered { limit: 64 });
        let reference = Segmentation::from_labels(Array3::<u8>::ones((1, 1200, 1200)).view());
        Segmentation::from_labels_against(scattered.view(), &reference.unwrap()).unwrap();
    }
}
