//! Stopping: the first signal asks, the second insists.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::Result;

#[derive(Debug, Clone, clap::Args)]
pub struct ShutdownArgs {
    /// How long running work may go on after SIGTERM before it is given back.
    #[arg(long, env = "MOLAR_GRACE_S", default_value_t = 20)]
    pub grace_s: u64,
}

/// Tells all parts of a process that it is stopping.
#[derive(Debug, Clone)]
pub struct Shutdown {
    stop: CancellationToken,
    grace: Duration,
}

impl Shutdown {
    pub fn new(grace: Duration) -> Self {
        Self {
            stop: CancellationToken::new(),
            grace,
        }
    }

    /// Cancelled as soon as the process is to stop.
    pub fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    pub fn grace(&self) -> Duration {
        self.grace
    }

    pub fn begin(&self) {
        self.stop.cancel();
    }

    pub fn has_begun(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// From now on SIGTERM and SIGINT begin the shutdown; a second one ends the process at once.
    pub fn on_signals(&self) -> Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = self.stop.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if stop.is_cancelled() {
                    tracing::warn!("second signal: leaving without waiting");
                    std::process::exit(1);
                }
                tracing::info!("stopping");
                stop.cancel();
            }
        });
        Ok(())
    }
}
