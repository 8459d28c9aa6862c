//! Wilcoxon's test of one entry against another over many draws.
//!
//! What a draw changes is how often each difference counts, not how they compare: they are sorted
//! once, and one walk over them serves [`LANES`] draws side by side. Copies of a case tie.

use std::ops::{Add, AddAssign, Mul};

use crate::counts::Counts;
use crate::wilcoxon::{Sum, difference};

/// Fewer are unrolled by the compiler instead of put into vectors: three times the time.
pub(crate) const LANES: usize = 128;

/// What counts cases: 2 W⁺, up to n(n + 1), has to fit.
pub(crate) trait Count:
    Copy + Default + Add<Output = Self> + Mul<Output = Self> + AddAssign + Into<u64> + Send + Sync
{
    const ONE: Self;
    fn of(count: u32) -> Self;
}

macro_rules! count {
    ($($number:ty),*) => {$(
        impl Count for $number {
            const ONE: Self = 1;
            fn of(count: u32) -> Self {
                count as Self
            }
        }
    )*};
}
count!(u16, u32, u64);

/// The draws, [`LANES`] together; lanes without a draw count nothing.
pub(crate) struct Lanes<T> {
    cases: usize,
    /// By group of draws, then by case.
    counts: Vec<[T; LANES]>,
    /// By group: the number of cases.
    totals: Vec<[u64; LANES]>,
    /// By group: Σ(c³ − c) over the cases, c being how often each counts.
    copies: Vec<[u64; LANES]>,
}

impl<T: Count> Lanes<T> {
    pub fn new(counts: &Counts, cases: usize) -> Self {
        let groups = counts.draws().div_ceil(LANES);
        let mut lanes = Self {
            cases,
            counts: vec![[T::default(); LANES]; groups * cases],
            totals: vec![[0; LANES]; groups],
            copies: vec![[0; LANES]; groups],
        };
        for draw in 0..counts.draws() {
            let (group, lane) = (draw / LANES, draw % LANES);
            for (case, &count) in counts.draw(draw).iter().enumerate() {
                lanes.counts[group * cases + case][lane] = T::of(count);
                lanes.totals[group][lane] += u64::from(count);
                lanes.copies[group][lane] += tied(u64::from(count));
            }
        }
        lanes
    }

    pub fn groups(&self) -> usize {
        self.totals.len()
    }

    fn case(&self, group: usize, case: usize) -> &[T; LANES] {
        &self.counts[group * self.cases + case]
    }
}

fn tied(n: u64) -> u64 {
    n * n * n - n
}

struct Step {
    case: usize,
    is_positive: bool,
    /// Equal in size to the next one.
    ties_on: bool,
}

/// The differences between two entries, by size.
#[derive(Default)]
pub(crate) struct Pair {
    differences: Vec<(f64, usize)>,
    steps: Vec<Step>,
    zero: Vec<usize>,
    missing: Vec<usize>,
}

impl Pair {
    /// Takes up another pair, in the memory of the last one.
    pub fn set(&mut self, left: &[f64], right: &[f64]) {
        self.differences.clear();
        self.zero.clear();
        self.missing.clear();
        for (case, (&left, &right)) in left.iter().zip(right).enumerate() {
            match difference(left, right) {
                0.0 => self.zero.push(case),
                difference if difference.is_nan() => self.missing.push(case),
                difference => self.differences.push((difference, case)),
            }
        }
        let size = |difference: &(f64, usize)| difference.0.abs();
        self.differences
            .sort_unstable_by(|a, b| size(a).total_cmp(&size(b)));
        let next = self.differences.iter().skip(1).map(|next| Some(size(next)));
        let steps = self.differences.iter().zip(next.chain([None]));
        self.steps.clear();
        self.steps.extend(steps.map(|(difference, next)| Step {
            case: difference.1,
            is_positive: difference.0 > 0.0,
            ties_on: next == Some(size(difference)),
        }));
    }

    /// What the test of each draw of the group depends on.
    pub fn sums<T: Count>(&self, lanes: &Lanes<T>, group: usize) -> [Sum; LANES] {
        let mut below = [T::default(); LANES];
        let mut twice_plus = [T::default(); LANES];
        let mut ties = lanes.copies[group];
        let mut steps = self.steps.iter();
        while let Some(step) = steps.next() {
            let counts = lanes.case(group, step.case);
            if !step.ties_on {
                if step.is_positive {
                    add_ranks(&mut twice_plus, &below, counts, counts);
                }
                add(&mut below, counts);
                continue;
            }
            let mut tied_counts = *counts;
            let mut positive = if step.is_positive {
                *counts
            } else {
                [T::default(); LANES]
            };
            alone_no_more(&mut ties, counts);
            for step in steps.by_ref() {
                let counts = lanes.case(group, step.case);
                add(&mut tied_counts, counts);
                if step.is_positive {
                    add(&mut positive, counts);
                }
                alone_no_more(&mut ties, counts);
                if !step.ties_on {
                    break;
                }
            }
            for (ties, &count) in ties.iter_mut().zip(&tied_counts) {
                *ties += tied(count.into());
            }
            add_ranks(&mut twice_plus, &below, &tied_counts, &positive);
            add(&mut below, &tied_counts);
        }
        let (n, has_zero) = self.left(lanes, group, &mut ties);
        std::array::from_fn(|lane| Sum {
            twice_plus: twice_plus[lane].into(),
            n: n[lane],
            ties: ties[lane],
            has_zero: has_zero[lane],
        })
    }

    /// How many differences are left when zeros and missing ones are dropped, and whether zeros were.
    fn left<T: Count>(
        &self,
        lanes: &Lanes<T>,
        group: usize,
        ties: &mut [u64; LANES],
    ) -> ([u64; LANES], [bool; LANES]) {
        let mut n = lanes.totals[group];
        let mut has_zero = [false; LANES];
        let zero = self.zero.iter().map(|&case| (case, true));
        for (case, is_zero) in zero.chain(self.missing.iter().map(|&case| (case, false))) {
            let counts = lanes.case(group, case);
            alone_no_more(ties, counts);
            for (lane, &count) in counts.iter().enumerate() {
                n[lane] -= count.into();
                has_zero[lane] |= is_zero && count.into() > 0;
            }
        }
        (n, has_zero)
    }
}

/// Of `tied` equal differences above the `below` smaller ones, those that are positive.
fn add_ranks<T: Count>(
    twice_plus: &mut [T; LANES],
    below: &[T; LANES],
    tied: &[T; LANES],
    positive: &[T; LANES],
) {
    for lane in 0..LANES {
        let twice_rank = below[lane] + below[lane] + tied[lane] + T::ONE;
        twice_plus[lane] += positive[lane] * twice_rank;
    }
}

fn add<T: Count>(sum: &mut [T; LANES], counts: &[T; LANES]) {
    for (sum, &count) in sum.iter_mut().zip(counts) {
        *sum += count;
    }
}

/// The copies of this case tie with more than themselves, or are dropped.
fn alone_no_more<T: Count>(ties: &mut [u64; LANES], counts: &[T; LANES]) {
    for (ties, &count) in ties.iter_mut().zip(counts) {
        *ties -= tied(count.into());
    }
}
