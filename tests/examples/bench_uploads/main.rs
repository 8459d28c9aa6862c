//! `make bench`: how files come in. Each word of the command line is one measurement:
//!
//! * `throughput`: `molar submit` beside plain multipart of the same file to the same server, in turns
//! * `rush`: 220 teams hand in 2,000 predictions in the last minutes of a phase
//! * `killed`: a large file whose sender is killed at 40 % and at 80 %, with URLs that run out
//!
//! `MOLAR_BENCH_S3="ENDPOINT KEY SECRET"` takes another S3 server, whose buckets are there, than the embedded one.
//! `MOLAR_BENCH_UPLOAD_MIB`, `MOLAR_BENCH_PAIRS`, `MOLAR_BENCH_RUSH_TEAMS`,
//! `MOLAR_BENCH_RUSH_S` and `MOLAR_BENCH_KILLED_MIB` say how much.

mod file;
mod killed;
mod plain;
mod rush;
mod stage;
mod teams;
mod throughput;

use anyhow::bail;
use molar_tests::system::missing;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if let Some(missing) = missing() {
        bail!("{missing} is missing: `make build` and deploy/local/install.sh bring it");
    }
    for word in std::env::args().skip(1) {
        let table = match word.as_str() {
            "throughput" => throughput::measure().await?,
            "rush" => rush::measure().await?,
            "killed" => killed::measure().await?,
            other => bail!("`{other}` is none of throughput, rush, killed"),
        };
        println!("{table}\n");
    }
    Ok(())
}

/// A number that the environment may set.
fn setting(name: &str, default: u64) -> u64 {
    let said = std::env::var(name).ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(default)
}
