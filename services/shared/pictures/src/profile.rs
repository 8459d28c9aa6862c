use molar_metrics::LabelRun;

use crate::joint::{Class, each_segment};

/// How many voxels of each slice of a volume are wrong, and how many are labelled, along x, y and z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    axes: [Vec<Slice>; 3],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Slice {
    errors: i64,
    labelled: i64,
}

impl Profile {
    /// `size` along x, y and z.
    pub fn new(size: [u32; 3]) -> Self {
        // One more, where what ends with the last column is taken off again.
        let axes = size.map(|extent| vec![Slice::default(); extent as usize + 1]);
        Self { axes }
    }

    /// Takes the planes in any order, each once.
    pub fn push(&mut self, z: u32, reference: &[LabelRun], prediction: &[LabelRun]) {
        let [columns, rows, planes] = &mut self.axes;
        each_segment(reference, prediction, |segment| {
            let length = segment.x.len() as i64;
            let is_error = i64::from(segment.class() != Class::Right);
            for slice in [&mut rows[segment.y as usize], &mut planes[z as usize]] {
                slice.errors += is_error * length;
                slice.labelled += length;
            }
            let (start, end) = (segment.x.start as usize, segment.x.end as usize);
            // Changes from column to column, added up at the end.
            columns[start].errors += is_error;
            columns[start].labelled += 1;
            columns[end].errors -= is_error;
            columns[end].labelled -= 1;
        });
    }

    /// After the last plane.
    pub fn finish(mut self) -> Self {
        let mut sum = Slice::default();
        for column in &mut self.axes[0] {
            sum.errors += column.errors;
            sum.labelled += column.labelled;
            *column = sum;
        }
        for axis in &mut self.axes {
            axis.pop();
        }
        self
    }

    /// Where to look first: the slice of each axis with the most errors, or the fullest where none has any;
    /// the middle where nothing is labelled.
    pub fn worst(&self) -> [u32; 3] {
        self.axes.each_ref().map(|axis| {
            let all = axis.iter().enumerate();
            // The first of several.
            let worst = all.max_by_key(|(at, slice)| (**slice, std::cmp::Reverse(*at)));
            let worst = worst.filter(|(_, slice)| slice.labelled > 0);
            let worst = worst.map_or(axis.len() / 2, |(at, _)| at);
            // Unwrap safety (of the cast): below the extent.
            worst as u32
        })
    }

    /// Wrong voxels of each slice along an axis: 0 is x.
    pub fn errors(&self, axis: usize) -> impl ExactSizeIterator<Item = u64> {
        self.axes[axis]
            .iter()
            .map(|slice| slice.errors.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(y: u32, start: u32, end: u32, label: i32) -> LabelRun {
        LabelRun {
            y,
            start,
            end,
            label,
        }
    }

    fn errors(profile: &Profile, axis: usize) -> Vec<u64> {
        profile.errors(axis).collect()
    }

    #[test]
    fn errors_are_counted_along_every_axis() {
        let mut profile = Profile::new([6, 3, 2]);
        profile.push(0, &[run(1, 0, 4, 11)], &[run(1, 2, 6, 11)]);
        profile.push(1, &[run(2, 3, 4, 11)], &[run(2, 3, 4, 12)]);
        let profile = profile.finish();
        assert_eq!(errors(&profile, 0), [1, 1, 0, 1, 1, 1]);
        assert_eq!(errors(&profile, 1), [0, 4, 1]);
        assert_eq!(errors(&profile, 2), [4, 1]);
        assert_eq!(profile.worst(), [3, 1, 0], "of columns as wrong the fuller");
    }

    #[test]
    fn without_errors_it_is_the_fullest_slice_and_without_labels_the_middle() {
        let mut profile = Profile::new([9, 5, 3]);
        profile.push(2, &[run(4, 1, 3, 11)], &[run(4, 1, 3, 11)]);
        assert_eq!(profile.finish().worst(), [1, 4, 2]);
        assert_eq!(Profile::new([9, 5, 3]).finish().worst(), [4, 2, 1]);
    }
}
