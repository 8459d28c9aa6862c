//! Draws as how often each counts each case: nothing is copied to rank a draw.

use crate::draws::Draws;

#[derive(Debug)]
pub(crate) struct Counts {
    cases: usize,
    draws: usize,
    by_draw: Vec<u32>,
    /// Of the longest draw.
    pub longest: usize,
}

impl Counts {
    /// Every case once: what is not a draw.
    pub fn once(cases: usize) -> Self {
        Self {
            cases,
            draws: 1,
            by_draw: vec![1; cases],
            longest: cases,
        }
    }

    pub fn of(draws: &Draws) -> Self {
        let mut by_draw = vec![0; draws.count() * draws.cases()];
        for at in 0..draws.count() {
            let counts = &mut by_draw[at * draws.cases()..];
            for case in draws.draw(at) {
                counts[case] += 1;
            }
        }
        Self {
            cases: draws.cases(),
            draws: draws.count(),
            by_draw,
            longest: draws.longest(),
        }
    }

    pub fn draws(&self) -> usize {
        self.draws
    }

    /// How often one draw counts each case.
    pub fn draw(&self, at: usize) -> &[u32] {
        &self.by_draw[at * self.cases..(at + 1) * self.cases]
    }
}
