//! How long a case run is a worker's without a sign of life.

use chrono::TimeDelta;

/// Set once for the process; who granted a lease says how long it is.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct LeaseArgs {
    /// How long a worker keeps a case run without a heartbeat. It beats three times in it.
    #[arg(
        long,
        env = "MOLAR_LEASE_S",
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(6..=3600)
    )]
    pub lease_s: u32,
}

impl Default for LeaseArgs {
    fn default() -> Self {
        Self { lease_s: 60 }
    }
}

impl LeaseArgs {
    pub fn span(self) -> TimeDelta {
        TimeDelta::seconds(self.lease_s.into())
    }

    /// What the clocks of two of our processes may differ: 10 s of a minute.
    pub fn skew(self) -> TimeDelta {
        self.span() / 6
    }
}
