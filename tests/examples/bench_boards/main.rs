//! `make bench`: how fast boards are read, beside nginx with the same bytes as a file, and how fast a score is on them.
//!
//! A platform of its own is seeded by `molar admin seed`. `MOLAR_BENCH_BOARD_SUBMISSIONS`, `MOLAR_BENCH_BOARD_TEAMS`,
//! `MOLAR_BENCH_BOARD_PHASES` and `MOLAR_BENCH_BOARD_S` (seconds a measurement) say how much.

mod load;
mod nginx;
mod reading;
mod scored;
mod stage;

use anyhow::bail;
use molar_tests::system::missing;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if let Some(missing) = missing() {
        bail!("{missing} is missing: `make build` and deploy/local/install.sh bring it");
    }
    let mut stage = stage::Stage::set().await?;
    let measured = async {
        println!("{}\n", reading::measure(&stage).await?);
        println!("{}\n", scored::measure(&stage).await?);
        anyhow::Ok(())
    };
    let measured = measured.await;
    stage.system.stop().await?;
    measured
}

/// A number that the environment may set.
fn setting(name: &str, default: u64) -> u64 {
    let said = std::env::var(name).ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn table(header: &[&str]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(header);
    table
}
