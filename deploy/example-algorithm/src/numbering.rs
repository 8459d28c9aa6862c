//! Which stretch of a jaw is which tooth.
//!
//! A jaw is unrolled to a profile: how much tooth there is at each step from the patient's right to
//! left. Sixteen seats stand in a fixed order; each is taken or empty. Dynamic programming finds the
//! cheapest seating: cuts in valleys, widths near the average, little tooth left over, the fifth of the
//! cuts near the middle.

use crate::params::Split;

/// Average widths as parts of half an arch, central incisor first.
pub const UPPER_WIDTHS: [f64; 8] = [0.132, 0.106, 0.118, 0.110, 0.104, 0.158, 0.147, 0.125];
pub const LOWER_WIDTHS: [f64; 8] = [0.080, 0.092, 0.108, 0.110, 0.113, 0.176, 0.166, 0.155];

/// Numbers of the seats from the patient's right to left.
pub const UPPER: [u8; 16] = [
    18, 17, 16, 15, 14, 13, 12, 11, 21, 22, 23, 24, 25, 26, 27, 28,
];
pub const LOWER: [u8; 16] = [
    48, 47, 46, 45, 44, 43, 42, 41, 31, 32, 33, 34, 35, 36, 37, 38,
];

const MISFIT: f64 = 1.0 / (2.0 * 0.16 * 0.16);
const VALLEY: f64 = 4.0;
/// How filled an ordinary cut is: teeth that touch must not be cheaper as one.
const CUT: f64 = 0.65;
/// A cut in the void is no better than one in a good valley: gaps must not attract teeth.
const CLEAN: f64 = 0.35;
const LEFT_OVER: f64 = 6.0;
const HOLE: f64 = 6.0;
const EMPTY: f64 = 2.2;
const EMPTY_WISDOM: f64 = 0.6;

/// Where the teeth sit on the profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Seating {
    /// For each seat from right to left: from and to, on the profile; `None` if empty.
    pub seats: [Option<(usize, usize)>; 16],
    cost: f64,
}

pub struct Task<'a> {
    /// 0 (none) to 1 (as much tooth as there can be).
    pub profile: &'a [f64],
    pub widths: &'a [f64; 8],
    /// Length of half an arch, in steps of the profile; tried a seventh up and down.
    pub half_arch: f64,
    pub middle: f64,
    pub split: Split,
}

pub fn seat(task: &Task<'_>) -> Seating {
    let prefix: Vec<f64> = std::iter::once(0.0)
        .chain(task.profile.iter().scan(0.0, |sum, value| {
            *sum += value;
            Some(*sum)
        }))
        .collect();
    let scales: &[f64] = match task.split {
        Split::Valley => &[0.86, 0.90, 0.94, 0.97, 1.0, 1.03, 1.06, 1.10, 1.14],
        Split::Even => &[1.0],
    };
    let tried = scales
        .iter()
        .map(|scale| seat_at(task, &prefix, task.half_arch * scale));
    // Unwrap safety: there is at least one scale.
    tried
        .min_by(|a, b| a.cost.total_cmp(&b.cost))
        .expect("a scale")
}

/// What one seat costs: the cheaper of taken and empty.
struct Seat<'a> {
    prefix: &'a [f64],
    profile: &'a [f64],
    width: f64,
    average: f64,
    valley: f64,
    misfit: f64,
    empty: f64,
}

impl Seat<'_> {
    fn cost(&self, from: usize, to: usize) -> (f64, bool) {
        let length = (to - from) as f64;
        let tooth = self.prefix[to] - self.prefix[from];
        let stretch = (length / self.width - 1.0).powi(2);
        let empty = self.empty + 0.6 * stretch + LEFT_OVER * tooth / self.average;
        let cuts = self.valley * (self.height(from) + self.height(to) - 2.0 * CUT);
        let taken = self.misfit * stretch + cuts + HOLE * (length - tooth) / self.width;
        if taken < empty && to > from {
            (taken, true)
        } else {
            (empty, false)
        }
    }

    fn height(&self, at: usize) -> f64 {
        self.profile[at.min(self.profile.len() - 1)].max(CLEAN)
    }
}

fn seat_at(task: &Task<'_>, prefix: &[f64], half_arch: f64) -> Seating {
    let steps = task.profile.len();
    let average = half_arch / 8.0;
    let total = prefix[steps];
    // cheapest[end] of the seats so far, when the last of them ends at `end`.
    let mut cheapest: Vec<f64> = prefix
        .iter()
        .map(|before| LEFT_OVER * before / average)
        .collect();
    let mut ways = Vec::with_capacity(16);
    for seat in 0..16 {
        let index = if seat < 8 { 7 - seat } else { seat - 8 };
        let width = task.widths[index] * half_arch;
        let is_even = task.split == Split::Even;
        let seat_cost = Seat {
            prefix,
            profile: task.profile,
            width,
            average,
            valley: if is_even { 0.0 } else { VALLEY },
            misfit: if is_even { 8.0 * MISFIT } else { MISFIT },
            empty: if index == 7 { EMPTY_WISDOM } else { EMPTY },
        };
        let reach = (1.5 * width) as usize;
        let mut next = vec![f64::INFINITY; steps + 1];
        let mut way = vec![(0usize, false); steps + 1];
        for to in 0..=steps {
            let first = to.saturating_sub(reach);
            for (from, before) in cheapest.iter().enumerate().take(to + 1).skip(first) {
                let (cost, taken) = seat_cost.cost(from, to);
                if before + cost < next[to] {
                    next[to] = before + cost;
                    way[to] = (from, taken);
                }
            }
        }
        if seat == 7 {
            let tolerance = half_arch / 14.0;
            for (at, cost) in next.iter_mut().enumerate() {
                *cost += ((at as f64 - task.middle) / tolerance).powi(2) / 2.0;
            }
        }
        cheapest = next;
        ways.push(way);
    }
    let end = |at: usize| cheapest[at] + LEFT_OVER * (total - prefix[at]) / average;
    let last = (0..=steps)
        .min_by(|&a, &b| end(a).total_cmp(&end(b)))
        .unwrap_or(steps);
    let mut seats = [None; 16];
    let mut to = last;
    for seat in (0..16).rev() {
        let (from, taken) = ways[seat][to];
        seats[seat] = taken.then_some((from, to));
        to = from;
    }
    Seating {
        seats,
        cost: end(last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(missing: usize) -> Vec<f64> {
        let mut profile = vec![0.0; 30];
        for seat in 0..16 {
            let index = if seat < 8 { 7 - seat } else { seat - 8 };
            let width = (UPPER_WIDTHS[index] * 200.0) as usize;
            let height = if seat == missing { 0.0 } else { 1.0 };
            profile.extend((0..width).map(|at| if at < 2 { 0.2 } else { height }));
        }
        profile.extend([0.0; 30]);
        profile
    }

    #[test]
    fn a_gap_is_not_filled_with_the_neighbours() {
        let profile = profile(5);
        let task = Task {
            profile: &profile,
            widths: &UPPER_WIDTHS,
            half_arch: 200.0,
            middle: profile.len() as f64 / 2.0,
            split: Split::Valley,
        };
        let seats = seat(&task).seats;
        assert_eq!(seats.iter().filter(|seat| seat.is_some()).count(), 15);
        assert_eq!(seats[5], None);
    }
}
