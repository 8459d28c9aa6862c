//! Work done again and again: sweepers, reconcilers, folds.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Does `round` at once, then whenever `bell` rings and at the latest every `interval`, until stopped.
///
/// A round that fails is logged and the next one comes as usual: the rows still say what is to be done. A
/// round that has begun is never cut short, so `run_until_stopped` waits for it.
pub async fn every<F, Round, E>(
    name: &'static str,
    interval: Duration,
    bell: Arc<Notify>,
    stop: CancellationToken,
    mut round: F,
) where
    F: FnMut() -> Round,
    Round: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    while !stop.is_cancelled() {
        // Registered before the round looks at the rows, so that nothing slips between look and sleep.
        let rung = bell.notified();
        tokio::pin!(rung);
        rung.as_mut().enable();

        if let Err(error) = round().await {
            tracing::error!(error = &error as &dyn Error, task = name, "round failed");
            metrics::counter!("molar_rounds_failed_total", "task" => name).increment(1);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = &mut rung => {}
            () = tokio::time::sleep(interval) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_failed_round_is_followed_by_the_next_and_a_ring_hurries_it() {
        let rounds = Arc::new(AtomicUsize::new(0));
        let bell = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let (seen, ring, end) = (rounds.clone(), bell.clone(), stop.clone());

        // The interval is out of reach: only the ring can bring the second round.
        every("test", Duration::from_secs(3600), bell, stop, move || {
            let number = seen.fetch_add(1, Ordering::SeqCst);
            ring.notify_one();
            if number == 1 {
                end.cancel();
            }
            async { Err(std::io::Error::other("broken")) }
        })
        .await;

        assert_eq!(rounds.load(Ordering::SeqCst), 2);
    }
}
