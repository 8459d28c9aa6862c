//! What the files of an archive are called.

pub const README: &str = "README.md";
pub const PHASE: &str = "phase.json";
pub const RANKING: &str = "ranking.json";
pub const STATISTICS: &str = "statistics.json";
pub const LONG: &str = "scores/cases-long.csv";
pub const WIDE: &str = "scores/cases-wide.csv";
pub const PARTICIPANTS: &str = "participants.csv";
pub const AGREEMENTS: &str = "agreements.json";
pub const AUDIT_HEAD: &str = "audit-head.json";
pub const CRATE: &str = "ro-crate-metadata.json";
/// Of all others, this one included, but for itself.
pub const CHECKSUMS: &str = "checksums.sha256";
