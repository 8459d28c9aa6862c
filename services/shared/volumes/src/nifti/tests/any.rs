//! Of whatever bytes and stretches chance makes.

use molar_metrics::LabelRun;

use super::sample::{Sample, gzipped};
use crate::nifti::{Limits, read_labels};

proptest::proptest! {
    /// Any bytes give labels or a fault, without a panic and within the limits.
    #[test]
    fn damaged_files_are_refused_not_feared(
        damage in proptest::collection::vec((0..358_usize, proptest::num::u8::ANY), 1..8),
        kept in 0..=358_usize,
    ) {
        let mut bytes = Sample::new().bytes();
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        let limits = Limits { max_voxels: 1_000_000, ..Limits::default() };
        let _ = read_labels(&bytes[..kept], &limits);
        let mut compressed = gzipped(&bytes);
        compressed.truncate(kept);
        let _ = read_labels(&*compressed, &limits);
    }

    /// Longer than what is compared at once, and ending anywhere in it.
    #[test]
    fn stretches_of_any_length_are_runs(
        stretches in proptest::collection::vec((0..4_usize, 1..1500_usize), 1..12),
        width in 1..600_usize,
        datatype in proptest::sample::select(vec![2_i16, 4, 16, 1024]),
    ) {
        let byte = datatype == 2;
        let labels = [0, 11, if byte { 200 } else { -257 }, if byte { 1 } else { 256 }];
        let stretch = |&(label, length): &(usize, usize)| std::iter::repeat_n(labels[label], length);
        let mut expected: Vec<i32> = stretches.iter().flat_map(stretch).collect();
        expected.resize(expected.len().next_multiple_of(width), 0);
        let stored = |(at, &label): (usize, &i32)| match datatype {
            2 => vec![label as u8],
            4 => (label as i16).to_le_bytes().to_vec(),
            // Equal, but not in their bytes.
            16 if label == 0 && at % 3 == 0 => (-0.0_f32).to_le_bytes().to_vec(),
            16 => (label as f32).to_le_bytes().to_vec(),
            _ => i64::from(label).to_le_bytes().to_vec(),
        };
        let sample = Sample {
            dim: [3, width as i16, (expected.len() / width) as i16, 1, 1, 1, 1, 1],
            datatype,
            voxels: expected.iter().enumerate().flat_map(stored).collect(),
            ..Sample::new()
        };
        let volume = read_labels(&*sample.bytes(), &Limits::default()).unwrap();
        let mut found = vec![0; expected.len()];
        for run in volume.plane(0) {
            let row = run.y as usize * width;
            found[row + run.start as usize..row + run.end as usize].fill(run.label);
        }
        proptest::prop_assert_eq!(found, expected);
        let next_to = |pair: &[LabelRun]| {
            let [a, b] = [pair[0], pair[1]];
            (a.y, a.end, a.label) == (b.y, b.start, b.label)
        };
        proptest::prop_assert!(!volume.plane(0).windows(2).any(next_to));
    }
}
