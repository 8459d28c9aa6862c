//! From the database's notifications to a bell.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Whoever waits for the bell looks from time to time by itself.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Rings at each notification of the channel, from whichever process it comes, until stopped.
pub async fn ring_on(
    db: PgPool,
    channel: &'static str,
    bell: Arc<Notify>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            error = listen(&db, channel, &bell) => {
                tracing::warn!(error = &error as &dyn std::error::Error, channel, "not listening, only polling");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(AGAIN_AFTER) => {}
        }
    }
}

/// Returns why it does not listen any more.
async fn listen(db: &PgPool, channel: &str, bell: &Notify) -> sqlx::Error {
    let listening = async {
        let mut listener = PgListener::connect_with(db).await?;
        listener.listen(channel).await?;
        Ok(listener)
    };
    let mut listener = match listening.await {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        // What came before anybody listened is looked at as well.
        bell.notify_one();
        if let Err(error) = listener.recv().await {
            return error;
        }
        while listener.next_buffered().is_some() {}
    }
}
