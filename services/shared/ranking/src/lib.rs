//! Ranks of a challenge board: per metric, their mean, and the final rank by it.
//!
//! Pure numbers. Which entries take part, and what a failed case counts for, is decided by the
//! caller; two entries that are equal here share a rank, always.
//!
//! ```
//! use molar_ranking::{Direction, Entry, MetricColumn, rank_table};
//!
//! let metrics = [
//!     MetricColumn::new("image_DSC", Direction::HigherIsBetter),
//!     MetricColumn::new("running_time", Direction::LowerIsBetter),
//! ];
//! let entries = [
//!     Entry { id: "incisor", values: vec![Some(0.9), Some(14.0)] },
//!     Entry { id: "canine", values: vec![Some(0.8), Some(12.0)] },
//!     Entry { id: "cusp", values: vec![Some(0.7), None] },
//! ];
//! let table = rank_table(&metrics, &entries)?;
//!
//! let finals: Vec<_> = table.rows.iter().map(|row| (row.id, row.final_rank)).collect();
//! assert_eq!(finals, [("incisor", 1), ("canine", 1), ("cusp", 3)]);
//! # Ok::<(), molar_ranking::Error>(())
//! ```

mod rank;
mod table;

pub use rank::{Direction, rank};
pub use table::{Entry, MetricColumn, Row, Table, rank_table};

/// Why a table could not be ranked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An entry's values do not line up with the metrics.
    #[error("entry {entry} has {values} values for {metrics} metrics")]
    Values {
        entry: usize,
        values: usize,
        metrics: usize,
    },
}
