use crate::Mask;

/// Voxel counts of two masks and of what they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    pub reference: u64,
    pub prediction: u64,
    pub intersection: u64,
}

impl Overlap {
    pub fn of(reference: &Mask, prediction: &Mask) -> Self {
        let shared = reference.bounds().intersection(&prediction.bounds());
        let mut intersection = 0;
        for z in shared.axis(0) {
            for y in shared.axis(1) {
                for x in shared.axis(2).step_by(64) {
                    let word = |mask: &Mask| mask.word(z as isize, y as isize, x as isize);
                    intersection += u64::from((word(reference) & word(prediction)).count_ones());
                }
            }
        }
        Self {
            reference: reference.voxels(),
            prediction: prediction.voxels(),
            intersection,
        }
    }

    pub fn union(&self) -> u64 {
        self.reference + self.prediction - self.intersection
    }

    /// Dice (1945): 2 |A ∩ B| / (|A| + |B|). One mask empty gives 0, both give `None`.
    pub fn dice(&self) -> Option<f64> {
        ratio(2 * self.intersection, self.reference + self.prediction)
    }

    /// Jaccard (1912): |A ∩ B| / |A ∪ B|. One mask empty gives 0, both give `None`.
    pub fn iou(&self) -> Option<f64> {
        ratio(self.intersection, self.union())
    }

    /// Whether IoU > 0.5, strictly, in integers: exactly a half is no match.
    pub fn is_match(&self) -> bool {
        2 * self.intersection > self.union()
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Run;

    fn row(x: std::ops::Range<usize>) -> Mask {
        Mask::from_runs(&[Run { z: 0, y: 7, x }])
    }

    #[test]
    fn counts_across_words_and_offsets() {
        let overlap = Overlap::of(&row(3..203), &row(100..300));
        assert_eq!(
            overlap,
            Overlap {
                reference: 200,
                prediction: 200,
                intersection: 103
            }
        );
        assert_eq!(overlap.dice(), Some(206.0 / 400.0));
        assert_eq!(overlap.iou(), Some(103.0 / 297.0));
    }

    #[test]
    fn exactly_a_half_is_no_match() {
        let two_thirds = Overlap::of(&row(0..3), &row(0..2));
        let half = Overlap::of(&row(0..4), &row(0..2));
        assert!(two_thirds.is_match());
        assert_eq!(half.iou(), Some(0.5));
        assert!(!half.is_match());
    }

    #[test]
    fn an_empty_mask_overlaps_nothing() {
        let one = Overlap::of(&row(0..4), &Mask::default());
        assert_eq!(
            (one.dice(), one.iou(), one.is_match()),
            (Some(0.0), Some(0.0), false)
        );
        let none = Overlap::of(&Mask::default(), &Mask::default());
        assert_eq!(
            (none.dice(), none.iou(), none.is_match()),
            (None, None, false)
        );
    }
}
