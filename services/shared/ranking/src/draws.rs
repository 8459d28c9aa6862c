//! Which cases a bootstrap draws.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::error::Error;

/// How often a published bootstrap draws (Wiesenfarth et al. 2021, *Methods and open-source toolkit
/// for analyzing and visualizing challenge results*).
pub const DRAWS: usize = 1000;

/// Draws of cases with replacement. The same seed gives the same draws on every machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draws {
    cases: usize,
    source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Seeded { seed: u64, count: usize },
    Given(Vec<Vec<usize>>),
}

impl Draws {
    /// `count` draws of as many cases as there are, each case equally likely.
    ///
    /// Draw `i` reads the `i`th stream of ChaCha8 under the key `seed` (little-endian, then zeros),
    /// 32 bits a case, by Lemire's method (2019, *Fast Random Integer Generation in an Interval*,
    /// algorithm 5). Fails without a draw, or without a case.
    pub fn seeded(seed: u64, count: usize, cases: usize) -> Result<Self, Error> {
        match (count, cases) {
            (0, _) => Err(Error::NoDraw),
            (_, 0) => Err(Error::NoCase),
            _ => Ok(Self {
                cases,
                source: Source::Seeded { seed, count },
            }),
        }
    }

    /// Draws made elsewhere; `draws[i]` names cases by their place, of which there are `cases`.
    ///
    /// Fails without a draw, and for one that is empty or names no case.
    pub fn given(draws: Vec<Vec<usize>>, cases: usize) -> Result<Self, Error> {
        if draws.is_empty() {
            return Err(Error::NoDraw);
        }
        let is_bad = |draw: &Vec<usize>| draw.is_empty() || draw.iter().any(|&case| case >= cases);
        match draws.iter().position(is_bad) {
            Some(draw) => Err(Error::Draw { draw, cases }),
            None => Ok(Self {
                cases,
                source: Source::Given(draws),
            }),
        }
    }

    pub fn count(&self) -> usize {
        match &self.source {
            Source::Seeded { count, .. } => *count,
            Source::Given(draws) => draws.len(),
        }
    }

    pub fn cases(&self) -> usize {
        self.cases
    }

    /// The cases of one draw. Panics beyond the last one.
    pub fn draw(&self, at: usize) -> Vec<usize> {
        match &self.source {
            Source::Seeded { seed, count } => {
                assert!(at < *count, "draw {at} of {count}");
                seeded(*seed, at as u64, self.cases)
            }
            Source::Given(draws) => draws[at].clone(),
        }
    }

    /// Of the longest draw.
    pub(crate) fn longest(&self) -> usize {
        match &self.source {
            Source::Seeded { .. } => self.cases,
            Source::Given(draws) => draws.iter().map(Vec::len).max().unwrap_or(0),
        }
    }
}

fn seeded(seed: u64, stream: u64, cases: usize) -> Vec<usize> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = ChaCha8Rng::from_seed(key);
    random.set_stream(stream);

    // More cases than 32 bits count do not fit the memory of what is drawn.
    let range = cases as u64;
    let unfair = (1 << 32) % range;
    let mut next = || loop {
        let product = u64::from(random.next_u32()) * range;
        if product & 0xffff_ffff >= unfair {
            return (product >> 32) as usize;
        }
    };
    (0..cases).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_drawn_about_as_often() {
        let draws = Draws::seeded(7, 2000, 5).unwrap();
        let mut times = [0; 5];
        for at in 0..draws.count() {
            for case in draws.draw(at) {
                times[case] += 1;
            }
        }
        // 2000 each, with a standard deviation of 40.
        assert!(
            times.iter().all(|times| (1800..2200).contains(times)),
            "{times:?}"
        );
    }

    #[test]
    fn draws_of_nothing_are_refused() {
        assert_eq!(Draws::seeded(1, 0, 5), Err(Error::NoDraw));
        assert_eq!(Draws::seeded(1, 5, 0), Err(Error::NoCase));
        assert_eq!(Draws::given(vec![], 5), Err(Error::NoDraw));
        let refused = |draws| Draws::given(draws, 2).unwrap_err();
        assert_eq!(
            refused(vec![vec![1], vec![]]),
            Error::Draw { draw: 1, cases: 2 }
        );
        assert_eq!(refused(vec![vec![0, 2]]), Error::Draw { draw: 0, cases: 2 });
    }
}
