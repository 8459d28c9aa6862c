//! `molar archive verify`

use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Read as _, Seek as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use molar_domain::printable::printable;
use molar_leaderboard::{ArchiveReport, Unreadable, verify_archive};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

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

#[derive(Debug, Serialize)]
struct Looked {
    /// Of the file, by which people know that they have the same.
    sha256: String,
    #[serde(flatten)]
    report: ArchiveReport,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let looked = match look(args) {
        Ok(looked) => looked,
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
            serde_json::to_string_pretty(&looked).context("no report")?
        ),
        false => show(&looked),
    }
    Ok(match looked.report.is_equal {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(DIFFERS),
    })
}

/// Says what it is at to who waits at a terminal: statistics of many teams take some seconds.
fn look(args: &Args) -> Result<Looked, Unreadable> {
    let mut file = File::open(&args.archive)?;
    let sha256 = sha256(&mut file)?;
    file.rewind()?;
    let is_watched = std::io::stderr().is_terminal();
    let report = verify_archive(BufReader::new(file), &|what| {
        if is_watched {
            eprintln!("looking at {what} …");
        }
    })?;
    Ok(Looked { sha256, report })
}

fn sha256(file: &mut File) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&piece[..read]),
        }
    }
}

fn show(looked: &Looked) {
    let report = &looked.report;
    for check in &report.checks {
        let outcome = if check.is_equal { "equal" } else { "DIFFERS" };
        say!("{:<48} {outcome}", check.what);
        for line in &check.differences {
            say!("  {}", printable(line));
        }
    }
    for note in &report.notes {
        say!("note: {}", printable(note));
    }
    say!("SHA-256 {}", looked.sha256);
    say!("{}", verdict(report));
}

fn verdict(report: &ArchiveReport) -> String {
    let wrong = report.checks.iter().filter(|check| !check.is_equal).count();
    match wrong {
        0 if !report.notes.is_empty() => {
            "All is equal that could be computed again; see the notes.".to_owned()
        }
        0 => "All is equal: the ranks and statistics follow from the scores.".to_owned(),
        1 => "One thing differs.".to_owned(),
        more => format!("{more} things differ."),
    }
}
