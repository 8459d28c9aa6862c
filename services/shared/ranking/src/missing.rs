//! What a value that is not there counts for.

/// What a missing value counts for. NaN is a missing value, everywhere in this crate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Missing {
    /// Worse than every value that is there.
    ///
    /// Ranks after them; makes a mean missing, which then ranks last; counts at the bad end for a
    /// median, which is missing once it reaches there. Tests compare the cases that both entries
    /// have, and an entry without any value ranks last.
    Last,
    /// This value, in the metric's own unit: 0 for a Dice, the image's diagonal for a distance.
    /// Nothing checks that it is worse than what was measured.
    Worst(f64),
    /// Nothing: who has no value in a case is not ranked in it, a mean or median is over the values
    /// that are there, and an entry without any is not ranked.
    Excluded,
}
