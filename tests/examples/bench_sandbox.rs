//! `make bench`: what the sandbox adds to Docker. Cases of a trivial container, each run by the sandbox
//! (room, log, samples and all) and by `docker run` with the same flags, in turns.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use comfy_table::{Table, presets};
use molar_sandbox::{Engine, Labels, Spec, clear};
use molar_tests::hostile::{Case, Limits, PREDICTION, all, build};
use tokio_util::sync::CancellationToken;

const CASES: usize = 50;
const GOAL: f64 = 1.15;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let socket = std::env::var("MOLAR_TEST_DOCKER").context("MOLAR_TEST_DOCKER names no engine")?;
    let socket = socket.trim_start_matches("unix://").to_owned();
    let engine = Engine::connect(&socket).await?;
    let cases = all()?;
    let trivial = cases
        .iter()
        .find(|case| case.name == "honest-saved-by-docker-20");
    let trivial: &Case = trivial.context("no trivial image")?;
    let built = build(trivial, "bench")?;
    engine
        .load(std::io::Cursor::new(built.archive), &built.digest)
        .await?;
    let place = tempfile::tempdir()?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..CASES {
        ours.push(sandboxed(&engine, &built.digest, &place.path().join("ours")).await?);
        bare.push(docker_run(
            &socket,
            &built.digest,
            &place.path().join("bare"),
            &trivial.limits,
        )?);
    }
    engine.remove_image(&built.digest).await?;
    print(median(ours), median(bare));
    Ok(())
}

fn print(ours: Duration, bare: Duration) {
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["what", "sandbox", "docker run", "ratio", "goal"]);
    table.add_row([
        format!("a case of a trivial container, median of {CASES}"),
        format!("{:.3} s", ours.as_secs_f64()),
        format!("{:.3} s", bare.as_secs_f64()),
        format!("{ratio:.2}"),
        format!("{GOAL:.2}"),
    ]);
    println!("{table}");
}

fn input(folder: &Path) -> anyhow::Result<std::path::PathBuf> {
    let inputs = folder.join("inputs");
    std::fs::create_dir_all(&inputs)?;
    std::fs::write(inputs.join("case.txt"), "a case")?;
    Ok(inputs)
}

async fn sandboxed(engine: &Engine, image: &str, folder: &Path) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let limits = Limits::default();
    let inputs = input(folder)?;
    let room = engine
        .open_room(&folder.join("room"), limits.room_bytes())
        .await?;
    let labels = Labels {
        submission: "bench".to_owned(),
        ..Labels::default()
    };
    let spec: Spec = limits.spec(image, labels, &inputs, room);
    engine.run(&spec, CancellationToken::new(), |_| {}).await?;
    ensure!(
        spec.room.outputs().join(PREDICTION).exists(),
        "no prediction"
    );
    clear(folder)?;
    Ok(begun.elapsed())
}

fn docker_run(
    socket: &str,
    image: &str,
    folder: &Path,
    limits: &Limits,
) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let inputs = input(folder)?;
    let outputs = folder.join("outputs");
    std::fs::create_dir_all(&outputs)?;
    // Root of the container may be another user out here, as in the sandbox.
    std::fs::set_permissions(&outputs, Permissions::from_mode(0o777))?;
    let mib = |mib: u64| format!("{mib}m");
    let status = Command::new("docker")
        .args([
            "--host",
            &format!("unix://{socket}"),
            "run",
            "--rm",
            "--network",
            "none",
        ])
        .args([
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--ipc",
            "private",
        ])
        .args([
            "--memory",
            &mib(limits.memory_mib),
            "--memory-swap",
            &mib(limits.memory_mib),
        ])
        .args([
            "--shm-size",
            &mib(limits.shm_mib),
            "--pids-limit",
            &limits.pids.to_string(),
        ])
        .args([
            "--log-driver",
            "none",
            "--no-healthcheck",
            "--hostname",
            "case",
        ])
        .args(["--volume", &format!("{}:/inputs:ro", inputs.display())])
        .args(["--volume", &format!("{}:/outputs", outputs.display())])
        .args([image, "/bin/sh", "/opt/algorithm/predict.sh"])
        .status()?;
    ensure!(
        status.success() && outputs.join(PREDICTION).exists(),
        "docker run: {status}"
    );
    std::fs::remove_dir_all(folder)?;
    Ok(begun.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
