//! A platform with a seeded database, ranked.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use molar_tests::rows::Rows;
use molar_tests::system::{System, binary};
use tokio::process::Command;
use uuid::Uuid;

use crate::setting;

const PATIENCE: Duration = Duration::from_secs(300);
const STATISTICS: Duration = Duration::from_secs(45 * 60);

pub struct Stage {
    pub system: System,
    pub rows: Rows,
    /// Of the first phase.
    pub phase: Uuid,
    /// Of the role itself: the front counts all of one address as one reader.
    pub role: SocketAddr,
}

impl Stage {
    pub async fn set() -> anyhow::Result<Self> {
        let system = System::start_with(&["--fast"]).await?;
        seed(&system).await?;
        let rows = Rows::open(&system).await?;
        let phases = i64::try_from(setting("MOLAR_BENCH_BOARD_PHASES", 20))?;
        let begun = std::time::Instant::now();
        while rows.ranked_phases().await? < phases {
            ensure!(begun.elapsed() < PATIENCE, "the boards are not ranked");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        println!(
            "{:.0} s for the first rankings of all phases",
            begun.elapsed().as_secs_f64()
        );
        // They take both cores for as long as they are made.
        while rows.phases_with_statistics().await? < phases {
            ensure!(
                begun.elapsed() < STATISTICS,
                "there are no statistics of all phases"
            );
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        println!(
            "{:.0} s for their statistics, too\n",
            begun.elapsed().as_secs_f64()
        );
        let phase = rows.phase("phase-1").await?;
        let state = system.state()?;
        let port = state["ports"]["leaderboard"].as_u64();
        let port = u16::try_from(port.with_context(|| format!("no port of the role: {state}"))?)?;
        Ok(Self {
            role: ([127, 0, 0, 1], port).into(),
            system,
            rows,
            phase,
        })
    }
}

async fn seed(system: &System) -> anyhow::Result<()> {
    let mut command = Command::new(binary().context("the binary `molar` is not built")?);
    command
        .args(["admin", "--database-url"])
        .arg(system.owner_url()?)
        .arg("seed");
    for (option, name) in [
        ("--submissions", "MOLAR_BENCH_BOARD_SUBMISSIONS"),
        ("--teams", "MOLAR_BENCH_BOARD_TEAMS"),
        ("--phases", "MOLAR_BENCH_BOARD_PHASES"),
    ] {
        if let Ok(value) = std::env::var(name) {
            command.args([option, &value]);
        }
    }
    let status = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await?;
    ensure!(status.success(), "molar admin seed: {status}");
    Ok(())
}
