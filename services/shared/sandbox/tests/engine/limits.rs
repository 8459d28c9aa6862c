//! How much a run may take of each thing.

use std::time::{Duration, Instant};

use molar_sandbox::{Error, Outcome};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::bench;
use crate::scripts::{log, script};

against_docker! {
    async fn memory_beyond_the_limit_is_an_oom_kill(
        bench => script("x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done")
    ) {
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::OutOfMemory);
        assert!(finished.oom_killed);
    }

    async fn shared_memory_counts_as_memory_and_is_bounded(
        bench => script("cat /dev/zero > /dev/shm/bomb; ls -l /dev/shm; exit 4")
    ) {
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 4 });
        assert!(log(&finished).contains(" 16777216 "), "{}", log(&finished));
    }

    async fn who_ignores_sigterm_is_stopped_at_the_wall_limit(
        mut bench => script("trap '' TERM INT HUP; while true; do sleep 1; done")
    ) {
        bench.spec.wall_limit = Duration::from_secs(1);
        let before = Instant::now();
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::TimedOut);
        assert!((900..3000).contains(&finished.wall_ms), "{}", finished.wall_ms);
        assert!(before.elapsed() < Duration::from_secs(6));
    }

    async fn silence_ends_a_run_only_where_it_is_limited(
        mut bench => script("for i in 1 2 3 4; do echo $i; sleep 0.5; done; sleep 60")
    ) {
        bench.spec.silence_limit = Some(Duration::from_millis(1200));
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::Silent);
        assert_eq!(log(&finished), "1\n2\n3\n4\n");
        assert!(finished.wall_ms > 2500, "{}", finished.wall_ms);
    }

    async fn a_flood_of_log_is_dropped_and_the_run_goes_on(
        mut bench => script("echo first; yes | head -c 60000000; echo last; echo x > /outputs/out")
    ) {
        bench.spec.log_bytes = 10_000;
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 });
        assert_eq!(finished.log.head.len() + finished.log.tail.len(), 10_000);
        let text = log(&finished);
        assert!(text.starts_with("first\n") && text.ends_with("last\n"));
        assert_eq!(finished.log.dropped_bytes, 60_000_000 + 11 - 10_000);
        assert!(bench.outputs().join("out").exists());
    }

    async fn a_log_without_end_does_not_hold_up_the_end_of_a_run(mut bench => script("cat /dev/zero")) {
        bench.spec.wall_limit = Duration::from_secs(1);
        let before = Instant::now();
        assert_eq!(bench.run().await.outcome, Outcome::TimedOut);
        assert!(before.elapsed() < Duration::from_secs(15), "{:?}", before.elapsed());
    }

    async fn an_output_without_end_is_stopped(
        bench => script("cat /dev/zero > /outputs/bomb; sleep 60")
    ) {
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::OutputTooLarge);
    }

    async fn an_output_too_large_is_noticed_also_after_a_quick_end(
        bench => script("sleep 0.2; head -c 30000000 /dev/zero > /outputs/bomb")
    ) {
        assert_eq!(bench.run().await.outcome, Outcome::OutputTooLarge);
    }

    async fn a_file_system_without_end_is_stopped(
        bench => script("cat /dev/zero > /tmp/bomb; sleep 60")
    ) {
        assert_eq!(bench.run().await.outcome, Outcome::DiskFull);
    }

    async fn a_declared_volume_is_bounded_too(
        bench => script("cat /dev/zero > /data/bomb; sleep 60").process("Volumes", json!({"/data": {}}))
    ) {
        assert_eq!(bench.run().await.outcome, Outcome::DiskFull);
    }

    async fn a_fork_bomb_meets_the_limit_of_processes(
        bench => script("i=0; while [ $i -lt 300 ]; do sleep 3 & i=$((i+1)); done; echo survived")
    ) {
        let finished = bench.run().await;
        assert_ne!(finished.outcome, Outcome::Finished { exit_code: 0 });
        assert!(log(&finished).contains("fork"), "{}", log(&finished));
    }

    async fn less_disk_than_the_floor_starts_nothing(mut bench => script("true")) {
        bench.spec.free_bytes = u64::MAX;
        let error = bench.engine.run(&bench.spec, CancellationToken::new(), |_| {}).await;
        assert!(matches!(error, Err(Error::NoSpace(_))), "{error:?}");
        bench.await_no_container().await;
    }
}
