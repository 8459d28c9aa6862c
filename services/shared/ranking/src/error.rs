//! What cannot be ranked or computed, and why.

/// Why there is no result. Positions count from 0, in the order of what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An entry's values do not line up with the metrics.
    #[error("entry {entry} has {values} values for {metrics} metrics")]
    Values {
        entry: usize,
        values: usize,
        metrics: usize,
    },

    /// An entry has another number of cases than the first one; a missing value is `None`.
    #[error("entry {entry} has {values} values for {cases} cases")]
    Ragged {
        entry: usize,
        values: usize,
        cases: usize,
    },

    #[error("what a missing value counts for is not a number")]
    Worst,

    #[error("there is no metric to rank by")]
    NoMetric,

    /// The metrics of one ranking are about the same entries and the same cases.
    #[error("metric {metric} is about {entries} entries and {cases} cases, the first about others")]
    Shape {
        metric: usize,
        entries: usize,
        cases: usize,
    },

    #[error("{weights} weights for {expected}")]
    Weights { weights: usize, expected: usize },

    #[error("weight {at} is negative or not finite")]
    Weight { at: usize },

    #[error("all weights are zero")]
    NoWeight,

    #[error("place {at} of the order names no metric, or one that was named before")]
    Order { at: usize },

    #[error("alpha does not lie between 0 and 1")]
    Alpha,

    #[error("there is no case to draw from")]
    NoCase,

    #[error("there is no draw")]
    NoDraw,

    /// A draw names a case that does not exist, or none at all.
    #[error("draw {draw} names no case, or one beyond the {cases}")]
    Draw { draw: usize, cases: usize },

    #[error("the draws are of {draws} cases, the scores of {cases}")]
    Draws { draws: usize, cases: usize },

    #[error("{left} values cannot be paired with {right}")]
    Lengths { left: usize, right: usize },

    #[error("there is no ranking to agree on")]
    NoRanking,

    /// A rank is a whole or half number from 1 to a million.
    #[error("what ranking {ranking} gives entry {entry} is no rank")]
    Rank { ranking: usize, entry: usize },
}
