use std::ops::Range;

/// How pixels along one axis of the source and drawn pixels cover each other, both counted from the
/// window's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// Where the window starts in the source.
    start: u32,
    source: u32,
    drawn: u32,
}

impl Axis {
    /// Neither the window nor what is drawn is empty.
    pub fn new(window: &Range<u32>, drawn: u32) -> Self {
        Self {
            start: window.start,
            source: window.len().max(1) as u32,
            drawn: drawn.max(1),
        }
    }

    pub fn drawn(self) -> u32 {
        self.drawn
    }

    /// The source pixels that a drawn one shows. Reduced, they are shared out; enlarged, each is shown
    /// by several.
    pub fn shown_by(self, drawn: u32) -> Range<u32> {
        let at = |drawn: u32| {
            // Unwrap safety (of the cast): no more than the source's extent.
            (u64::from(drawn) * u64::from(self.source) / u64::from(self.drawn)) as u32
        };
        let first = at(drawn);
        self.start + first..self.start + at(drawn + 1).max(first + 1)
    }

    /// How many of these source pixels a drawn one shows.
    pub fn shared(self, drawn: u32, source: &Range<u32>) -> u64 {
        let shown = self.shown_by(drawn);
        let (start, end) = (shown.start.max(source.start), shown.end.min(source.end));
        end.saturating_sub(start).into()
    }

    /// The drawn pixels that show one of these source pixels.
    pub fn showing(self, source: &Range<u32>) -> Range<u32> {
        let inside = |x: u32| x.saturating_sub(self.start).min(self.source);
        let (start, end) = (inside(source.start), inside(source.end));
        if start == end {
            return 0..0;
        }
        let at = |x: u32| {
            // Unwrap safety (of the cast): no more than the drawn extent.
            (u64::from(x) * u64::from(self.drawn)).div_ceil(u64::from(self.source)) as u32
        };
        let first = match self.drawn < self.source {
            true => at(start + 1) - 1,
            false => at(start),
        };
        first..at(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_repeated_or_shared_out() {
        let twice = Axis::new(&(10..13), 6);
        assert_eq!((twice.shown_by(0), twice.shown_by(5)), (10..11, 12..13));
        assert_eq!(twice.showing(&(11..13)), 2..6);
        let third = Axis::new(&(10..17), 2);
        assert_eq!((third.shown_by(0), third.shown_by(1)), (10..13, 13..17));
        assert_eq!(third.showing(&(12..14)), 0..2);
        assert!(third.showing(&(17..20)).is_empty());
        assert!(third.showing(&(12..12)).is_empty());
        assert_eq!(
            (third.shared(0, &(12..14)), third.shared(1, &(12..14))),
            (1, 1)
        );
    }

    #[test]
    fn both_ways_agree() {
        for (source, drawn) in (1..14).flat_map(|source| (1..30).map(move |drawn| (source, drawn)))
        {
            let axis = Axis::new(&(5..5 + source), drawn);
            for (from, n) in (0..20).flat_map(|from| (1..5).map(move |n| (from, n))) {
                let shows = |cell: &u32| {
                    let shown = axis.shown_by(*cell);
                    shown.start < from + n && from < shown.end
                };
                let expected: Vec<u32> = (0..drawn).filter(shows).collect();
                let found: Vec<u32> = axis.showing(&(from..from + n)).collect();
                assert_eq!(found, expected, "{source} as {drawn}: {from} and {n} more");
            }
        }
    }
}
