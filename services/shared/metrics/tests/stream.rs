//! Streaming, in memory and in parallel: the same numbers to the last bit.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use molar_metrics::{
    CaseScores, Error, LabelRun, Segmentation, StreamScorer, label_runs, protocol_scores,
};
use ndarray::{Array3, ArrayView3, Axis, Slice};
use proptest::prelude::*;

fn labels(volume: &Array3<i16>) -> BTreeSet<i32> {
    volume
        .iter()
        .filter(|v| **v != 0)
        .map(|v| i32::from(*v))
        .collect()
}

fn scorer(reference: &Array3<i16>) -> StreamScorer {
    let (z, y, x) = reference.dim();
    StreamScorer::new([z, y, x], labels(reference))
}

/// In slabs of the sizes given, in turn.
fn streamed(a: &Array3<i16>, b: &Array3<i16>, slabs: &[usize]) -> Result<CaseScores<i32>, Error> {
    let mut scorer = scorer(a);
    let (mut at, mut sizes) = (0, slabs.iter().cycle());
    while at < a.dim().0 {
        let end = (at + sizes.next().unwrap()).min(a.dim().0);
        let slab =
            |volume: &Array3<i16>| volume.slice_axis(Axis(0), Slice::from(at..end)).to_owned();
        // Of another type and layout, which must not matter.
        let wide = slab(b).mapv(i32::from);
        scorer.push_slab(slab(a).view(), wide.view())?;
        at = end;
    }
    scorer.finish()
}

fn in_memory(a: ArrayView3<'_, i16>, b: ArrayView3<'_, i16>) -> Result<CaseScores<i32>, Error> {
    let a = Segmentation::from_labels(a)?;
    let b = Segmentation::from_labels_against(b, &a)?;
    protocol_scores(&a, &b)
}

fn from_runs(volume: &Array3<i16>) -> Result<Segmentation<i32>, Error> {
    let (z, y, x) = volume.dim();
    let mut planes = vec![Vec::new(); z];
    for (plane, runs) in volume.outer_iter().zip(&mut planes) {
        label_runs(plane, runs);
    }
    let planes: Vec<_> = planes.iter().map(Vec::as_slice).collect();
    Segmentation::from_label_runs([z, y, x], &planes)
}

/// Blocks of 1 to 3 voxels, in a grid that is wider than a word, anywhere up to its borders.
fn volumes() -> impl Strategy<Value = (Array3<i16>, Array3<i16>)> {
    let grid = (
        1..9usize,
        1..12usize,
        prop_oneof![1..9usize, 60..70usize, 125..135usize],
    );
    (grid, 1..4usize).prop_flat_map(|((z, y, x), block)| {
        let cells = [z, y, x].map(|extent| extent.div_ceil(block));
        let label = prop_oneof![4 => Just(0i16), 1 => Just(11), 1 => Just(-3), 1 => Just(300)];
        let small = prop::collection::vec(label, cells.iter().product::<usize>());
        let spread = move |small: Vec<i16>| {
            let small = Array3::from_shape_vec(cells, small).unwrap();
            Array3::from_shape_fn((z, y, x), |(z, y, x)| {
                small[[z / block, y / block, x / block]]
            })
        };
        (small.clone().prop_map(spread), small.prop_map(spread))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn every_way_gives_the_same_bits(
        (a, b) in volumes(),
        slabs in prop::collection::vec(1..5usize, 1..4),
        threads in 1..4usize,
    ) {
        let streamed = streamed(&a, &b, &slabs);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let in_memory = pool.install(|| in_memory(a.view(), b.view()));
        prop_assert_eq!(&streamed, &in_memory);
        let whole = Segmentation::from_labels(a.view());
        prop_assert_eq!(&from_runs(&a), &whole);
        if let Ok(scores) = streamed {
            prop_assert!(scores.labels.iter().all(|label| label.nsd.is_finite()));
        }
    }
}

/// Teeth far apart: planes between them are passed over, and what they left is concluded.
#[test]
fn gaps_longer_than_what_is_held_change_nothing() {
    let mut a = Array3::<i16>::zeros((60, 12, 70));
    let mut b = a.clone();
    for (z, x) in [(0, 0), (1, 3), (12, 60), (13, 62), (30, 66), (59, 69)] {
        a[[z, 5, x]] = 11;
        b[[z, 6, x]] = if z == 30 { 12 } else { 11 };
        b[[59 - z, 11, 69 - x]] = 11;
    }
    let expected = in_memory(a.view(), b.view()).unwrap();
    for slabs in [&[1][..], &[60], &[7, 2]] {
        assert_eq!(streamed(&a, &b, slabs).unwrap(), expected);
    }
}

#[test]
fn what_is_wrong_with_the_planes_is_told() {
    let run = |y, start, end, label| LabelRun {
        y,
        start,
        end,
        label,
    };
    let good = [run(0, 0, 2, 11)];
    let new = || StreamScorer::new([2, 1, 4], [11]);
    let refused = |runs: &[LabelRun]| new().push(runs, &good).unwrap_err();
    let outside = Error::OutsideGrid { grid: [2, 1, 4] };
    for run in [run(1, 0, 2, 11), run(0, 0, 5, 11), run(0, 2, 2, 11)] {
        assert_eq!(refused(&[run]), outside);
    }
    let not_announced = Error::MaskNotKept {
        label: "12".to_owned(),
    };
    assert_eq!(refused(&[run(0, 0, 2, 12)]), not_announced);

    let mut scorer = new();
    scorer.push(&good, &good).unwrap();
    scorer.push(&[], &[]).unwrap();
    let one_more = scorer.push(&[], &[]).unwrap_err();
    assert_eq!(
        one_more,
        Error::Planes {
            expected: 2,
            found: 3
        }
    );
    assert_eq!(scorer.finish().unwrap().ia, 1.0);

    let mut short = new();
    short.push(&good, &good).unwrap();
    let missing = Error::Planes {
        expected: 2,
        found: 1,
    };
    assert_eq!(short.finish().unwrap_err(), missing);

    let slab = Array3::<u8>::zeros((1, 1, 4));
    let other = Array3::<u8>::zeros((1, 4, 1));
    let error = new().push_slab(slab.view(), other.view()).unwrap_err();
    assert!(matches!(error, Error::GridMismatch { .. }), "{error}");
}

#[test]
fn a_reference_that_nothing_can_match_is_refused() {
    let mut empty = StreamScorer::new([1, 1, 4], []);
    empty.push(&[], &[]).unwrap();
    assert_eq!(empty.finish().unwrap_err(), Error::EmptyReference);

    let mut absent = StreamScorer::new([1, 1, 4], [11]);
    absent.push(&[], &[]).unwrap();
    let label = "11".to_owned();
    assert_eq!(
        absent.finish().unwrap_err(),
        Error::EmptyReferenceLabel { label }
    );
}

#[test]
fn noise_is_refused_before_it_takes_memory() {
    let grid = [1, 1000, 640];
    let scattered = Array3::from_shape_fn(grid, |(_, y, x)| 1 + ((y + x) % 200) as u8);
    let mut scorer = StreamScorer::new(grid, 1..=200);
    let error = scorer
        .push_slab(scattered.view(), scattered.view())
        .unwrap_err();
    assert_eq!(error, Error::Scattered { limit: 64 });

    let mut runs = Vec::new();
    let every_voxel = Array3::from_shape_fn((1, 300, 300), |(_, y, x)| 12 + (y * 300 + x) as i32);
    label_runs(every_voxel.index_axis(Axis(0), 0), &mut runs);
    let mut scorer = StreamScorer::new([1, 300, 300], [11]);
    assert_eq!(scorer.push(&[], &runs).unwrap_err(), Error::TooManyLabels);
}

/// As many labels as voxels are no burden where there are few voxels.
#[test]
fn a_small_volume_may_be_as_scattered_as_it_likes() {
    let grid = [3, 40, 1];
    let volume = Array3::from_shape_fn(grid, |(z, y, _)| 1 + (z * 40 + 7 * y) as i32 % 120);
    let mut scorer = StreamScorer::new(grid, volume.iter().copied());
    scorer.push_slab(volume.view(), volume.view()).unwrap();
    assert_eq!(scorer.finish().unwrap().ia, 1.0);
    Segmentation::from_labels(volume.view()).unwrap();
}

/// Each label is small in every plane, but what is held of it spans where it was and where it is.
#[test]
fn labels_that_jump_are_refused_before_they_take_memory() {
    let grid = [2, 300, 300];
    let volume = Array3::from_shape_fn(grid, |(z, y, x)| {
        let at = (y * 300 + x) as i32;
        let label = if z == 0 { at } else { 300 * 300 - 1 - at };
        if label % 20 == 0 { label } else { 0 }
    });
    let labels: BTreeSet<_> = volume.iter().copied().filter(|&label| label != 0).collect();
    let mut scorer = StreamScorer::new(grid, labels);
    let error = scorer.push_slab(volume.view(), volume.view()).unwrap_err();
    assert_eq!(error, Error::Scattered { limit: 64 });
}
