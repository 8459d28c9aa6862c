//! Ctrl-C and its relatives: the first asks for an orderly end, the second for an immediate one.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Cancelled by the first signal.
    pub orderly: CancellationToken,
    /// Cancelled by the second: children are killed.
    pub at_once: CancellationToken,
}

impl Shutdown {
    /// Listens to SIGINT, SIGTERM and SIGHUP from now on.
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::default();
        let told = shutdown.clone();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hang_up.recv() => {}
                }
                if told.orderly.is_cancelled() {
                    told.at_once.cancel();
                }
                told.orderly.cancel();
            }
        });
        Ok(shutdown)
    }
}
