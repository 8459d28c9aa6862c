//! A platform whose phase of predictions takes large files, and one team.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use comfy_table::{Table, presets};
use molar_tests::challenge::{self, Track};
use molar_tests::people::{Organizer, Team};
use molar_tests::predictions::draw;
use molar_tests::system::{System, binary};
use tokio::process::Command;

pub const PHASE: &str = "trial/opg/validation";
/// What the challenge allows for a file.
const UPLOAD_BYTES: u64 = 30 << 30;

pub struct Stage {
    pub system: System,
    pub team: Team,
}

impl Stage {
    pub async fn set(options: &[&str]) -> anyhow::Result<Self> {
        let mut options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        if let Some((endpoint, access, secret)) = given_store() {
            options.extend(["--s3-endpoint".to_owned(), endpoint]);
            options.extend(["--s3-access-key".to_owned(), access]);
            options.extend(["--s3-secret-key".to_owned(), secret]);
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let system = System::start_with(&options).await?;
        let mut organizer = Organizer::enter(&system).await?;
        let small = "upload_bytes = 268435456";
        let large = format!("upload_bytes = {UPLOAD_BYTES}");
        let file = challenge::file().replacen(small, &large, 1);
        organizer.apply(&file).await?;
        organizer.upload(Track::Opg, &draw(Track::Opg)?).await?;
        organizer.until_ready(Track::Opg, "validation").await?;
        let team = organizer.team(&system, "Large", &[Track::Opg]).await?;
        Ok(Self { system, team })
    }

    /// `molar submit`, as the team.
    pub fn submit(&self, file: &Path, more: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(binary().context("the binary `molar` is not built")?);
        command
            .args(["submit", "--phase", PHASE])
            .args(more)
            .arg(file)
            .envs(self.team.api.environment())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    /// The most that a process of the platform had in memory, in MiB.
    pub fn peak_mib(&self, name: &str) -> u64 {
        let process = self.system.child(name).ok();
        process
            .and_then(|one| one.memory("VmHWM"))
            .unwrap_or_default()
            >> 20
    }
}

/// Another S3 server than the embedded one: endpoint, key and secret, with spaces between.
pub fn given_store() -> Option<(String, String, String)> {
    let said = std::env::var("MOLAR_BENCH_S3").ok()?;
    let mut words = said.split_whitespace().map(str::to_owned);
    Some((words.next()?, words.next()?, words.next()?))
}

pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(header);
    table
}
