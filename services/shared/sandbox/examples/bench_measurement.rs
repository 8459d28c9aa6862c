//! `make bench`: what sampling costs, and how much the time of one container varies. Each run is measured
//! as a worker measures it.

#![expect(clippy::unwrap_used, reason = "shares the fixtures of the tests")]

#[path = "../tests/common/bench.rs"]
mod bench;
#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Duration;

use bench::Bench;
use common::Image;

const RUNS: usize = 10;

/// What a container does all the time.
const LOADS: [(&str, &str); 2] = [
    (
        "one that counts",
        "i=0; while [ $i -lt 2000000 ]; do i=$((i+1)); done",
    ),
    ("one that sleeps 5 s", "sleep 5"),
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let Some(socket) = bench::socket("bench_measurement") else {
        return;
    };
    println!(
        "| container, {RUNS} runs | wall time | its coefficient of variation, goal 3 % | sampling, goal 1 % of a core |"
    );
    println!("|---|---|---|---|");
    for (what, script) in LOADS {
        println!(
            "{}",
            of_runs(&socket, what, &Image::with_script(script)).await
        );
    }
}

async fn of_runs(socket: &str, what: &str, image: &Image) -> String {
    let mut walls = Vec::new();
    let mut sampling = Duration::ZERO;
    for _ in 0..RUNS {
        // Anew: a room is for one run.
        let mut bench = Bench::new(socket, image).await;
        bench.spec.cpuset = Some("0".to_owned());
        let finished = bench.run().await;
        walls.push(finished.wall_ms as f64 / 1000.0);
        sampling += finished.usage.sampling_cpu;
    }
    let whole: f64 = walls.iter().sum();
    let mean = whole / walls.len() as f64;
    let squares: f64 = walls.iter().map(|wall| (wall - mean).powi(2)).sum();
    let deviation = (squares / (walls.len() - 1) as f64).sqrt();
    format!(
        "| {what} | {mean:.2} s | {:.2} % | {:.3} % |",
        deviation / mean * 100.0,
        sampling.as_secs_f64() / whole * 100.0
    )
}
