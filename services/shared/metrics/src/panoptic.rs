use crate::{JointCounts, Matching};

/// Instances found, missed and invented: what the panoptic and detection measures are made of.
///
/// Kirillov et al., *Panoptic segmentation* (CVPR 2019), with one class, whose segments are the
/// labels that have a voxel, and without void regions.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Panoptic {
    /// Matched pairs (true positives).
    pub found: usize,
    /// Instances of the reference without a match (false negatives).
    pub missed: usize,
    /// Instances of the prediction without a match (false positives).
    pub invented: usize,
    /// Sum over the matched pairs.
    pub iou_sum: f64,
}

impl Panoptic {
    pub fn of<L: Ord + Clone>(joint: &JointCounts<L>, matching: Matching, threshold: f64) -> Self {
        let pairs = matching.pairs(joint, threshold);
        Self {
            found: pairs.len(),
            missed: joint.reference.len() - pairs.len(),
            invented: joint.prediction.len() - pairs.len(),
            // Not `sum`, which is -0 of nothing.
            iou_sum: pairs.iter().fold(0.0, |sum, pair| sum + pair.iou),
        }
    }

    /// Panoptic quality: Σ IoU / (TP + FP / 2 + FN / 2) = SQ · RQ. `None` without any instance.
    pub fn pq(&self) -> Option<f64> {
        ratio(self.iou_sum, self.mean_size())
    }

    /// Segmentation quality: the mean IoU of the matched pairs. 0 if nothing matches, `None` without
    /// any instance.
    pub fn sq(&self) -> Option<f64> {
        let mean = ratio(self.iou_sum, self.found as f64);
        mean.or((self.mean_size() > 0.0).then_some(0.0))
    }

    /// Recognition quality: TP / (TP + FP / 2 + FN / 2). `None` without any instance.
    pub fn rq(&self) -> Option<f64> {
        ratio(self.found as f64, self.mean_size())
    }

    /// Detection precision: TP / (TP + FP). 0 for an empty prediction, `None` without any instance.
    pub fn precision(&self) -> Option<f64> {
        let predicted = self.found + self.invented;
        let share = ratio(self.found as f64, predicted as f64);
        share.or((self.missed > 0).then_some(0.0))
    }

    /// Detection recall: TP / (TP + FN). `None` for an empty reference.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.found as f64, (self.found + self.missed) as f64)
    }

    /// Detection F1, the harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN), which is RQ.
    pub fn f1(&self) -> Option<f64> {
        self.rq()
    }

    /// The mean number of instances of both sides.
    fn mean_size(&self) -> f64 {
        self.found as f64 + (self.missed + self.invented) as f64 / 2.0
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MATCH_THRESHOLD;

    #[test]
    fn quality_is_segmentation_times_recognition() {
        // 1 and 2 are found at IoU 0.8 and 0.6 as 1 and 9, 3 and 4 are missed, 5 is invented.
        let joint = JointCounts::from_table([
            ((1, 1), 8),
            ((1, 0), 2),
            ((2, 9), 6),
            ((2, 0), 4),
            ((3, 0), 1),
            ((4, 5), 1),
            ((0, 5), 5),
        ]);
        let any = Panoptic::of(&joint, Matching::Greedy, MATCH_THRESHOLD);
        let expected = Panoptic {
            found: 2,
            missed: 2,
            invented: 1,
            iou_sum: 0.8 + 0.6,
        };
        assert_eq!(any, expected);
        assert_eq!(any.pq(), Some(1.4 / 3.5));
        assert_eq!(any.sq(), Some(0.7));
        assert_eq!(any.rq(), Some(2.0 / 3.5));
        assert_eq!(any.precision(), Some(2.0 / 3.0));
        assert_eq!(any.recall(), Some(0.5));
        assert_eq!(any.f1(), Some(4.0 / 7.0));

        let labelled = Panoptic::of(&joint, Matching::Label, MATCH_THRESHOLD);
        assert_eq!(
            (labelled.found, labelled.missed, labelled.invented),
            (1, 3, 2)
        );
        assert_eq!(labelled.pq(), Some(0.8 / 3.5));
    }

    #[test]
    fn nothing_found_is_zero_and_nothing_at_all_is_no_value() {
        let all = |counts: &Panoptic| {
            [
                Panoptic::pq,
                Panoptic::sq,
                Panoptic::rq,
                Panoptic::precision,
                Panoptic::recall,
            ]
            .map(|value| value(counts))
        };
        let of = |table| Panoptic::of(&JointCounts::from_table([table]), Matching::Label, 0.5);
        assert_eq!(all(&of(((1, 0), 3))), [Some(0.0); 5]);
        assert!(of(((1, 0), 3)).pq().unwrap().is_sign_positive());
        assert_eq!(all(&of(((1, 2), 3))), [Some(0.0); 5]);
        assert_eq!(all(&of(((0, 0), 3))), [None; 5]);
        let [recognised @ .., recall] = all(&of(((0, 2), 3)));
        assert_eq!((recognised, recall), ([Some(0.0); 4], None));
    }
}
