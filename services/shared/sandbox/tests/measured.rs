//! Known loads against a real engine: what is measured is what they held, and each run only its own.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[macro_use]
#[path = "common/bench.rs"]
mod bench;

use std::time::Duration;

use bench::{Bench, socket};
use common::Image;
use molar_sandbox::Finished;

const MIB: f64 = (1 << 20) as f64;

fn script(text: &str) -> Image {
    Image::with_script(text)
}

/// The figures behind `mark` on a line of the log.
fn said(finished: &Finished, mark: &str) -> Vec<f64> {
    let log = finished.log.to_text();
    let line = log.lines().find_map(|line| line.strip_prefix(mark));
    let words = line.unwrap_or_else(|| panic!("{log}")).split_whitespace();
    words.map(|word| word.parse().unwrap()).collect()
}

fn assert_within(is: f64, share: f64, of: f64) {
    assert!(
        (is - of).abs() <= share * of,
        "{is} is not within {share} of {of}"
    );
}

/// Holds that many bytes in memory for as long as `sleep` does: dd has read them and nobody takes them.
fn holding(bytes: u64, seconds: u32) -> Image {
    script(&format!(
        "dd if=/dev/zero bs={bytes} count=1 2>/dev/null | sleep {seconds}"
    ))
}

against_docker! {
    async fn a_known_load_is_measured_within_two_percent(mut bench => script(
        "read t0 rest < /proc/uptime
         fallocate -l 314572800 /dev/shm/load
         read t1 rest < /proc/uptime
         sleep 10
         read t2 rest < /proc/uptime
         rm /dev/shm/load
         read t3 rest < /proc/uptime
         echo held $t0 $t1 $t2 $t3"
    )) {
        (bench.spec.memory_bytes, bench.spec.shm_bytes) = (512 << 20, 400 << 20);
        bench.spec.wall_limit = Duration::from_secs(60);
        let finished = bench.run().await;
        let t = said(&finished, "held ");
        let usage = finished.usage;
        // All of it from the second time to the third, and some of it around, which takes no time but
        // on a machine with much to do.
        let (least, most) = (300.0 * (t[2] - t[1]), 300.0 * (t[3] - t[0]));
        let area = usage.memory_area_mib_s.unwrap();
        assert!((0.98 * least..1.02 * most).contains(&area), "{area} of {least} to {most}");
        assert_within(usage.peak_memory_bytes as f64 / MIB, 0.02, 300.0);
        assert_within(usage.kernel_peak_memory_bytes.unwrap() as f64 / MIB, 0.02, 300.0);
    }

    async fn cpu_time_is_what_the_container_spent(bench => script(
        "i=0; while [ $i -lt 1500000 ]; do i=$((i+1)); done; read -r line < /proc/$$/stat; set -- $line; echo spent ${14} ${15}"
    )) {
        let finished = bench.run().await;
        // In ticks of 10 ms: of the user and of the kernel.
        let spent_s = said(&finished, "spent ").iter().sum::<f64>() / 100.0;
        let measured = finished.usage.cpu_core_s.unwrap();
        // The first and the last interval are taken to be like their neighbours.
        assert!((measured - spent_s).abs() < 0.05 * spent_s + 0.15, "{measured} of {spent_s}");
    }

    async fn a_run_that_is_over_at_once_is_measured_as_far_as_it_was_seen(bench => script("true")) {
        let finished = bench.run().await;
        let usage = finished.usage;
        assert!(usage.samples.len() as u64 <= finished.wall_ms / 100 + 1, "{usage:?}");
        assert!(usage.samples.iter().all(|sample| sample.t_ms <= finished.wall_ms));
        assert_eq!(usage.memory_area_mib_s.is_some(), !usage.samples.is_empty());
    }
}

#[tokio::test]
async fn of_containers_at_once_each_has_only_its_own() {
    let Some(socket) = socket("of_containers_at_once_each_has_only_its_own") else {
        return;
    };
    let mut benches = Vec::new();
    for mib in [64_u64, 128, 256] {
        let mut bench = Bench::new(&socket, &holding(mib << 20, 4)).await;
        bench.spec.memory_bytes = 400 << 20;
        benches.push(bench);
    }
    let all = futures_util::future::join_all(benches.iter().map(Bench::run)).await;
    for (finished, mib) in all.iter().zip([64.0, 128.0, 256.0]) {
        // The shell, dd and sleep have a few MiB of their own.
        let peak = finished.usage.peak_memory_bytes as f64 / MIB;
        assert!((mib - 1.0..mib + 6.0).contains(&peak), "{peak} of {mib}");
    }
}
