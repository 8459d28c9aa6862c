use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use pathfinding::{
    kuhn_munkres::kuhn_munkres, matrix::Matrix, undirected::connected_components::components,
};

use crate::{Error, JointCounts};

/// Two instances match where their IoU is above this, strictly. Instances that do not overlap on
/// their own side then match at most one other (Kirillov et al. 2019), so that greedy and optimal
/// matching agree.
pub const MATCH_THRESHOLD: f64 = 0.5;

/// Which instance of the prediction stands for which of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Matching {
    /// The one with the same label.
    #[default]
    Label,
    /// Whatever the labels, the pair of the largest IoU first; at equal IoU that of the lower label
    /// in the reference, then in the prediction.
    Greedy,
    /// Whatever the labels, one to one, so that the sum of the IoUs is the largest possible.
    Optimal,
}

/// An instance that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Match<L> {
    pub reference: L,
    pub prediction: L,
    pub iou: f64,
}

impl Matching {
    pub const ALL: [Self; 3] = [Self::Label, Self::Greedy, Self::Optimal];

    pub fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Greedy => "greedy",
            Self::Optimal => "optimal",
        }
    }

    /// The pairs with an IoU above the threshold, by the reference's label; no instance twice.
    pub fn pairs<L: Ord + Clone>(self, joint: &JointCounts<L>, threshold: f64) -> Vec<Match<L>> {
        let close = joint.ious().filter(|&(.., iou)| iou > threshold);
        let close = close.map(|(a, b, iou)| Match {
            reference: a.clone(),
            prediction: b.clone(),
            iou,
        });
        let mut pairs = match self {
            Self::Label => close
                .filter(|pair| pair.reference == pair.prediction)
                .collect(),
            Self::Greedy => greedy(close.collect()),
            Self::Optimal => optimal(close.collect()),
        };
        pairs.sort_by(|a, b| a.reference.cmp(&b.reference));
        pairs
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Matching {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = Self::ALL
            .into_iter()
            .find(|matching| matching.name() == name);
        known.ok_or_else(|| Error::UnknownMetric {
            name: format!("@{name}"),
        })
    }
}

/// `close` comes by reference, then prediction, and the sort keeps that order at equal IoU.
fn greedy<L: Ord + Clone>(mut close: Vec<Match<L>>) -> Vec<Match<L>> {
    close.sort_by(|a, b| b.iou.total_cmp(&a.iou));
    let (mut references, mut predictions) = (BTreeSet::new(), BTreeSet::new());
    let mut pairs = close.clone();
    pairs.retain(|pair| {
        let is_free =
            !references.contains(&pair.reference) && !predictions.contains(&pair.prediction);
        if is_free {
            references.insert(pair.reference.clone());
            predictions.insert(pair.prediction.clone());
        }
        is_free
    });
    pairs
}

/// Kuhn and Munkres on each group of instances that are connected by pairs: mostly one of each.
fn optimal<L: Ord + Clone>(close: Vec<Match<L>>) -> Vec<Match<L>> {
    let mut by_instance = BTreeMap::<(bool, &L), Vec<usize>>::new();
    for (edge, pair) in close.iter().enumerate() {
        by_instance
            .entry((false, &pair.reference))
            .or_default()
            .push(edge);
        by_instance
            .entry((true, &pair.prediction))
            .or_default()
            .push(edge);
    }
    let groups: Vec<_> = by_instance.into_values().collect();
    let connected = components(&groups).into_iter().map(|edges| {
        let edges: BTreeSet<_> = edges.into_iter().collect();
        edges
            .into_iter()
            .map(|edge| &close[edge])
            .collect::<Vec<_>>()
    });
    connected.flat_map(|edges| assign(&edges)).collect()
}

fn assign<L: Ord + Clone>(edges: &[&Match<L>]) -> Vec<Match<L>> {
    let side = |of: fn(&Match<L>) -> &L| -> Vec<&L> {
        let labels: BTreeSet<_> = edges.iter().map(|edge| of(edge)).collect();
        labels.into_iter().collect()
    };
    let (rows, columns) = (side(|edge| &edge.reference), side(|edge| &edge.prediction));
    let is_tall = rows.len() > columns.len();
    let [short, long] = [rows.len().min(columns.len()), rows.len().max(columns.len())];

    let mut weights = Matrix::new(short, long, 0i128);
    let mut edge_at = BTreeMap::new();
    for &edge in edges {
        let place = (
            rows.partition_point(|&label| *label < edge.reference),
            columns.partition_point(|&label| *label < edge.prediction),
        );
        let place = if is_tall { (place.1, place.0) } else { place };
        // An IoU is at most 1 and mostly a multiple of 2⁻⁶⁰: next to nothing is lost.
        weights[place] = (edge.iou * 2f64.powi(60)) as i128;
        edge_at.insert(place, edge);
    }
    let (_, chosen) = kuhn_munkres(&weights);
    let places = chosen.into_iter().enumerate();
    places
        .filter_map(|place| edge_at.get(&place).map(|&edge| edge.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(matching: Matching, joint: &JointCounts<i32>, threshold: f64) -> Vec<(i32, i32)> {
        let pairs = matching.pairs(joint, threshold).into_iter();
        pairs
            .map(|pair| (pair.reference, pair.prediction))
            .collect()
    }

    /// Reference 1 lies in prediction 10 (6 of 10 voxels) and 11 (4 of 10), reference 2 in 10 only.
    fn contested() -> JointCounts<i32> {
        JointCounts::from_table([((1, 10), 6), ((1, 11), 4), ((2, 10), 5), ((2, 0), 3)])
    }

    #[test]
    fn greedy_takes_the_best_pair_and_optimal_the_best_sum() {
        // IoU 6/15, 4/10, 5/14: together 4/10 + 5/14 is more than 6/15 alone.
        let joint = contested();
        assert_eq!(pairs(Matching::Greedy, &joint, 0.1), [(1, 10)]);
        assert_eq!(pairs(Matching::Optimal, &joint, 0.1), [(1, 11), (2, 10)]);
        assert_eq!(pairs(Matching::Label, &joint, 0.1), []);
        assert_eq!(pairs(Matching::Optimal, &joint, 0.39), [(1, 10)]);
    }

    #[test]
    fn at_equal_iou_the_lower_label_comes_first() {
        let joint = JointCounts::from_table([((2, 7), 1), ((2, 6), 1), ((1, 7), 1), ((1, 6), 1)]);
        assert_eq!(pairs(Matching::Greedy, &joint, 0.0), [(1, 6), (2, 7)]);
    }

    #[test]
    fn exactly_the_threshold_is_no_match() {
        let half = JointCounts::from_table([((1, 1), 2), ((1, 0), 1), ((0, 1), 1)]);
        let more = JointCounts::from_table([((1, 1), 3), ((1, 0), 1), ((0, 1), 1)]);
        for matching in Matching::ALL {
            assert_eq!(pairs(matching, &half, MATCH_THRESHOLD), []);
            assert_eq!(pairs(matching, &more, MATCH_THRESHOLD), [(1, 1)]);
        }
    }

    fn tables() -> impl Strategy<Value = JointCounts<i32>> {
        let cell = ((0..6i32, 0..7i32), 0..9u64);
        prop::collection::vec(cell, 0..40).prop_map(JointCounts::from_table)
    }

    /// Every way to pair them, one to one.
    fn best_sum(pairs: &[(&i32, &i32, f64)], taken: &mut Vec<(i32, i32)>) -> f64 {
        let Some((&(&a, &b, iou), rest)) = pairs.split_first() else {
            return 0.0;
        };
        let without = best_sum(rest, taken);
        if taken.iter().any(|&(c, d)| a == c || b == d) {
            return without;
        }
        taken.push((a, b));
        let with = iou + best_sum(rest, taken);
        taken.pop();
        with.max(without)
    }

    proptest! {
        #[test]
        fn optimal_is_the_best_of_all_and_greedy_no_better(joint in tables(), threshold in 0.0..0.3) {
            let total = |matching: Matching| -> f64 {
                matching.pairs(&joint, threshold).iter().map(|pair| pair.iou).sum()
            };
            let close: Vec<_> = joint.ious().filter(|&(.., iou)| iou > threshold).collect();
            let best = best_sum(&close, &mut Vec::new());
            prop_assert!((total(Matching::Optimal) - best).abs() < 1e-12);
            prop_assert!(total(Matching::Greedy) <= best + 1e-12);
            prop_assert!(total(Matching::Greedy) >= best / 2.0 - 1e-12);
        }

        #[test]
        fn no_instance_is_matched_twice(joint in tables(), threshold in 0.0..0.6) {
            for matching in Matching::ALL {
                let pairs = pairs(matching, &joint, threshold);
                let references: BTreeSet<_> = pairs.iter().map(|pair| pair.0).collect();
                let predictions: BTreeSet<_> = pairs.iter().map(|pair| pair.1).collect();
                prop_assert_eq!(references.len(), pairs.len());
                prop_assert_eq!(predictions.len(), pairs.len());
            }
        }

        #[test]
        fn above_a_half_disjoint_instances_match_in_one_way(joint in tables()) {
            let greedy = Matching::Greedy.pairs(&joint, MATCH_THRESHOLD);
            prop_assert_eq!(greedy, Matching::Optimal.pairs(&joint, MATCH_THRESHOLD));
        }
    }
}
