//! Work that takes all cores for long, and gives way to whoever is answered meanwhile.

use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::task::{JoinError, spawn_blocking};

/// Of a core that others want a tenth is left to it.
const NICE: i32 = 10;

/// What rayon runs in parallel within the work runs on these threads, too. None where they cannot be started: then the
/// work gives way to nobody.
static THREADS: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let pool = ThreadPoolBuilder::new()
        .thread_name(|at| format!("aside-{at}"))
        .start_handler(|_| give_way())
        .build();
    pool.inspect_err(|error| tracing::warn!(%error, "long work does not give way"))
        .ok()
});

/// Of this thread alone: on Linux each has its own.
fn give_way() {
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::warn!(%error, "long work does not give way");
    }
}

/// An error where the work panicked, or the process ends.
pub async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    spawn_blocking(|| match &*THREADS {
        Some(threads) => threads.install(work),
        None => work(),
    })
    .await
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;
    use rustix::process::getpriority_process;

    use super::*;

    #[tokio::test]
    async fn work_and_what_it_runs_in_parallel_give_way_and_whoever_waits_does_not() {
        let here = || getpriority_process(None).unwrap();
        let before = here();
        let each = run(move || {
            let parts = (0..64).into_par_iter().map(|_| here());
            parts.chain([here()]).collect::<Vec<_>>()
        });
        let each = each.await.unwrap();
        // 19 is as nice as it gets, where the tests themselves give way.
        assert_eq!(each, [(before + NICE).min(19); 65]);
        assert!(before < 19, "nothing can be seen of it at this priority");
        assert_eq!(here(), before);
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error_and_the_next_is_done() {
        assert!(run(|| panic!("of a test")).await.unwrap_err().is_panic());
        assert_eq!(run(|| 7).await.unwrap(), 7);
    }
}
