//! What each measure is: its unit, range and direction, and in words where it comes from.

use std::ops::RangeInclusive;

use crate::{Detection, Matching, Measure, Quantity, Tolerance};

/// A measure in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// With A the reference's mask and B the prediction's.
    pub formula: &'static str,
    pub source: &'static str,
    /// What an empty mask gives.
    pub empty: &'static str,
    /// From the package that people know it from.
    pub differs: &'static str,
}

impl Measure {
    /// Of the mean over all labels of the reference.
    pub fn instance(quantity: Quantity) -> Self {
        Self::Instance {
            quantity,
            group: None,
        }
    }

    /// Every measure once: a tolerance of 1 mm stands for any, and means are over all labels.
    pub fn catalogue() -> Vec<Self> {
        let quantities = [
            Quantity::Dsc,
            Quantity::Iou,
            Quantity::Nsd,
            Quantity::NsdWithin(Tolerance::ONE_MM),
            Quantity::Hd,
            Quantity::Hd95,
            Quantity::Assd,
        ];
        let detection = |matching| Detection::ALL.map(|one| Self::Detection(one, matching));
        let mut all = quantities.map(Self::Image).to_vec();
        all.extend(quantities.map(Self::instance));
        all.push(Self::Ia);
        all.extend(Matching::ALL.into_iter().flat_map(detection));
        all
    }

    /// `mm` for lengths, nothing for shares.
    pub fn unit(&self) -> Option<&'static str> {
        self.is_length().then_some("mm")
    }

    /// Shares lie in 0 to 1; a length is 0 or more and never above the image's diagonal.
    pub fn range(&self) -> RangeInclusive<f64> {
        match self.is_length() {
            true => 0.0..=f64::INFINITY,
            false => 0.0..=1.0,
        }
    }

    pub fn higher_is_better(&self) -> bool {
        !self.is_length()
    }

    /// What a case without a readable prediction scores: 0, or for a length the image's diagonal.
    pub fn worst(&self, diagonal_mm: f64) -> f64 {
        if self.is_length() { diagonal_mm } else { 0.0 }
    }

    pub fn description(&self) -> Description {
        match self {
            Self::Image(quantity) | Self::Instance { quantity, .. } => quantity.description(),
            Self::Ia => IA,
            Self::Detection(detection, _) => detection.description(),
        }
    }

    /// Whether the challenge's protocol defines it, be it with a mean over another group.
    pub fn is_of_the_protocol(&self) -> bool {
        match self {
            Self::Image(quantity) | Self::Instance { quantity, .. } => {
                quantity.is_of_the_protocol()
            }
            Self::Ia => true,
            Self::Detection(..) => false,
        }
    }

    /// Whether it is measured in mm, be it a length or a share within a tolerance.
    pub fn needs_spacing(&self) -> bool {
        match self {
            Self::Image(quantity) | Self::Instance { quantity, .. } => {
                !quantity.is_of_the_protocol()
            }
            Self::Ia | Self::Detection(..) => false,
        }
    }

    /// The group that a mean is restricted to.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Instance { group, .. } => group.as_deref(),
            _ => None,
        }
    }

    /// How instances are matched, for the measures that leave a choice.
    pub fn matching(&self) -> Option<Matching> {
        match self {
            Self::Detection(_, matching) => Some(*matching),
            _ => None,
        }
    }

    fn is_length(&self) -> bool {
        match self {
            Self::Image(quantity) | Self::Instance { quantity, .. } => quantity.is_length(),
            _ => false,
        }
    }
}

const NIKOLOV: &str = "Nikolov et al., Deep learning to achieve clinically applicable \
    segmentation of head and neck anatomy for radiotherapy, 2018 (DeepMind's surface-distance)";
const KIRILLOV: &str = "Kirillov et al., Panoptic segmentation, CVPR 2019";
const NO_OVERLAP: &str = "one empty: 0; both: no value";
const FARTHEST: &str = "one empty: the image's diagonal; both: no value";
const ONE_CLASS: &str = "panopticapi: one class only, so no mean over classes, and no void or crowd \
    regions; a label without a voxel is no segment";

impl Quantity {
    fn description(self) -> Description {
        match self {
            Self::Dsc => Description {
                formula: "2 |A ∩ B| / (|A| + |B|), in voxels",
                source: "Dice, Measures of the amount of ecologic association between species, 1945",
                empty: NO_OVERLAP,
                differs: "none from the challenge's evaluation; MONAI leaves out an empty reference",
            },
            Self::Iou => Description {
                formula: "|A ∩ B| / |A ∪ B|, in voxels",
                source: "Jaccard, The distribution of the flora in the alpine zone, 1912",
                empty: NO_OVERLAP,
                differs: "none from the challenge's evaluation",
            },
            Self::Nsd => Description {
                formula: "(area of A's surface within 2 voxels of B's + the same of B's) / (area of \
                    A's surface + area of B's), at a spacing of 1 whatever the real one",
                source: NIKOLOV,
                empty: NO_OVERLAP,
                differs: "none from surface-distance at a spacing of (1, 1, 1); a 2D image is a \
                    volume of one slice",
            },
            Self::NsdWithin(_) => Description {
                formula: "(area of A's surface within the tolerance of B's + the same of B's) / \
                    (area of A's surface + area of B's), in mm at the real spacing",
                source: NIKOLOV,
                empty: NO_OVERLAP,
                differs: "surface-distance: a 2D image is a slice of the spacing's thickness, not \
                    contours; MONAI counts voxels of the border, all alike",
            },
            Self::Hd => Description {
                formula: "max(max over A's surface of the distance to B's, max over B's of the \
                    distance to A's), between the elements at voxel corners",
                source: "Huttenlocher et al., Comparing images using the Hausdorff distance, 1993; \
                    surfaces as in DeepMind's surface-distance",
                empty: FARTHEST,
                differs: "none from surface-distance's robust Hausdorff at 100, which is infinite for \
                    an empty mask; medpy and MONAI measure between centres of border voxels",
            },
            Self::Hd95 => Description {
                formula: "max over both directions of the least distance that 95 % of the surface's \
                    area is within",
                source: NIKOLOV,
                empty: FARTHEST,
                differs: "surface-distance: a distance that exactly 95 % reach is always taken, not \
                    by rounding, and an empty mask is not infinite; medpy takes the percentile of \
                    both directions' voxels in one, MONAI of voxels, not of area",
            },
            Self::Assd => Description {
                formula: "(integral over A's surface of the distance to B's + the same of B's) / \
                    (area of A's surface + area of B's)",
                source: "Heimann et al., Comparison and evaluation of methods for liver segmentation \
                    from CT datasets, 2009; surfaces as in DeepMind's surface-distance",
                empty: FARTHEST,
                differs: "surface-distance gives the two directions' means apart; medpy's assd is \
                    the plain mean of the two, of voxels, not of area",
            },
        }
    }
}

const IA: Description = Description {
    formula: "number of the reference's labels with IoU > 0.5, strictly / number of labels of the \
        reference or the prediction",
    source: "STS 2024, the challenge's evaluation",
    empty: "an empty prediction gives 0; a predicted label without a voxel still counts below",
    differs: "the challenge's code counts background as a label in a volume without any",
};

impl Detection {
    fn description(self) -> Description {
        let (formula, empty) = match self {
            Self::Pq => (
                "Σ IoU of the pairs with IoU > 0.5 / (TP + FP / 2 + FN / 2) = SQ · RQ",
                "nothing predicted, or nothing matched: 0; no instance at all: no value",
            ),
            Self::Sq => (
                "mean IoU of the pairs with IoU > 0.5",
                "nothing predicted, or nothing matched: 0; no instance at all: no value",
            ),
            Self::Rq => (
                "TP / (TP + FP / 2 + FN / 2), a pair being true with IoU > 0.5",
                "nothing predicted, or nothing matched: 0; no instance at all: no value",
            ),
            Self::Precision => (
                "TP / (TP + FP), a pair being true with IoU > 0.5",
                "nothing predicted: 0; no instance at all: no value",
            ),
            Self::Recall => (
                "TP / (TP + FN), a pair being true with IoU > 0.5",
                "nothing predicted: 0; an empty reference: no value",
            ),
            Self::F1 => (
                "2 TP / (2 TP + FP + FN), a pair being true with IoU > 0.5: the same as RQ",
                "nothing predicted, or nothing matched: 0; no instance at all: no value",
            ),
        };
        Description {
            formula,
            source: KIRILLOV,
            empty,
            differs: ONE_CLASS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_better_when_smaller_and_nothing_else() {
        for measure in Measure::catalogue() {
            let is_length = measure.unit() == Some("mm");
            assert_eq!(measure.higher_is_better(), !is_length, "{measure}");
            let worst = if is_length { 70.0 } else { 0.0 };
            assert_eq!(measure.worst(70.0), worst, "{measure}");
            assert!(measure.range().contains(&worst), "{measure}");
            let name = measure.to_string();
            let in_mm = ["_HD", "_ASSD"].iter().any(|part| name.contains(part));
            assert_eq!(is_length, in_mm, "{measure}");
        }
    }

    #[test]
    fn the_catalogue_names_each_measure_once_and_reads_them_back() {
        let names: Vec<_> = Measure::catalogue()
            .iter()
            .map(Measure::to_string)
            .collect();
        assert_eq!(names.len(), 7 + 7 + 1 + 18);
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        let read: Vec<Measure> = names.iter().map(|name| name.parse().unwrap()).collect();
        assert_eq!(read, Measure::catalogue());
    }
}
