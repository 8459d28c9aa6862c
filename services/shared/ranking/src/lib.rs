//! Rankings of a challenge, and how sure they are.
//!
//! Pure numbers. Which entries take part, and what a failed case counts for, is decided by the
//! caller; two entries that are equal here share a rank, always.
//!
//! * [`rank_table`]: the protocol's board out of one value for each metric.
//! * [`Scores`] per case, ranked by a [`Rule`]: how cases become one number or rank ([`Scheme`]),
//!   how metrics become one ([`Combine`]), what ties share ([`Ties`]), what a missing value counts
//!   for ([`Missing`]).
//! * [`bootstrap`](bootstrap()) over cases by [`Draws`]: ranks of each draw, their [`RankDistribution`], τ-b.
//! * [`wilcoxon`](wilcoxon()), [`holm`](holm()) and the map of both, [`significance`](significance());
//!   [`kendall_tau_b`]; [`consensus`](consensus()) over metrics or phases.
//!
//! NaN is a missing value; an infinity is a value beyond all others. Sums are exact and rounded
//! once, so the order of entries, cases and threads changes no digit. Entries and cases are named
//! by their place in what was given; results are in that order, but for the rows of a [`Table`].
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
//!
//! ```
//! use molar_ranking::{DRAWS, Direction, Draws, Missing, Rule, Scores, bootstrap};
//!
//! // A row for each entry, a value for each case.
//! let dice = [[0.91, 0.88, 0.93].map(Some), [0.90, 0.89, 0.71].map(Some)];
//! let dice = Scores::new(Direction::HigherIsBetter, Missing::Worst(0.0), &dice)?;
//! let found = bootstrap(&Rule::default(), &[dice], &Draws::seeded(2024, DRAWS, 3)?)?;
//!
//! assert_eq!(found.full.ranks, [Some(1.0), Some(2.0)]);
//! assert_eq!(found.distribution(1).interval(0.95), Some((1.0, 2.0)));
//! # Ok::<(), molar_ranking::Error>(())
//! ```

mod aggregate;
mod bootstrap;
mod combine;
mod consensus;
mod counts;
mod distribution;
mod draws;
mod error;
mod exact;
mod holm;
mod kendall;
mod missing;
mod normal;
mod pairs;
mod rank;
mod rule;
mod scheme;
mod scores;
mod significance;
mod table;
mod ties;
mod versus;
mod wilcoxon;

pub use aggregate::Aggregate;
pub use bootstrap::{Bootstrap, bootstrap};
pub use combine::Combine;
pub use consensus::{Consensus, consensus};
pub use distribution::RankDistribution;
pub use draws::{DRAWS, Draws};
pub use error::Error;
pub use exact::mean;
pub use holm::holm;
pub use kendall::kendall_tau_b;
pub use missing::Missing;
pub use rank::{Direction, rank};
pub use rule::{Ranking, Rule};
pub use scheme::{Column, Scheme};
pub use scores::Scores;
pub use significance::{Significance, significance};
pub use table::{Entry, MetricColumn, Row, Table, rank_table};
pub use ties::{Ties, rank_with};
pub use versus::Test;
pub use wilcoxon::{Method, Wilcoxon, wilcoxon};

/// By which statistics name what made them: another version may come to other digits.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
