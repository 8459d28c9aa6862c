//! `molar archive verify`

use std::fs::File;
use std::io::{BufReader, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use molar_domain::printable::printable;
use molar_leaderboard::{ArchiveReport, Unreadable, verify_archive};
use serde_json::json;

/// Something differs.
const DIFFERS: u8 = 1;
/// There is nothing to compare.
const UNREADABLE: u8 = 2;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// As `molar archive get` wrote it.
    #[arg(value_name = "FILE")]
    archive: PathBuf,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let report = match look(args) {
        Ok(report) => report,
        Err(why) => {
            let (path, why) = (args.archive.display(), printable(&why.to_string()));
            match args.json {
                true => say!("{:#}", json!({"is_equal": false, "unreadable": why})),
                false => eprintln!("molar: {path}: {why}"),
            }
            return Ok(ExitCode::from(UNREADABLE));
        }
    };
    match args.json {
        true => say!(
            "{}",
            serde_json::to_string_pretty(&report).context("no report")?
        ),
        false => show(&report),
    }
    Ok(match report.is_equal {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(DIFFERS),
    })
}

/// Says what it is at to who waits at a terminal: statistics of many teams take some seconds.
fn look(args: &Args) -> Result<ArchiveReport, Unreadable> {
    let file = BufReader::new(File::open(&args.archive)?);
    let is_watched = std::io::stderr().is_terminal();
    verify_archive(file, &|what| {
        if is_watched {
            eprintln!("looking at {what} …");
        }
    })
}

fn show(report: &ArchiveReport) {
    for check in &report.checks {
        let outcome = if check.is_equal { "equal" } else { "DIFFERS" };
        say!("{:<48} {outcome}", check.what);
        for line in &check.differences {
            say!("  {}", printable(line));
        }
    }
    say!("{}", verdict(report));
}

fn verdict(report: &ArchiveReport) -> String {
    let wrong = report.checks.iter().filter(|check| !check.is_equal).count();
    match wrong {
        0 => "All is equal: the ranks and statistics follow from the scores.".to_owned(),
        1 => "One thing differs.".to_owned(),
        more => format!("{more} things differ."),
    }
}
