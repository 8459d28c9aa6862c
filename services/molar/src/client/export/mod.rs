//! `molar export CHALLENGE/TRACK/PHASE --to DIR`: what a phase has brought, in bulk.
//!
//! Every file comes straight from the object store, by a link that its organizers are given in pages. Whoever starts
//! the command again goes on where it stopped: what is there already is read, not fetched.

mod get;
mod list;
mod manifest;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Api, Connection, lookup, print};
use get::{Downloader, Fetched};
use list::Listing;
use manifest::{Manifest, Row};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// challenge/track/phase
    phase: String,
    /// What to take, with commas in between.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "predictions,outputs,runs,scores"
    )]
    what: Vec<What>,
    /// A folder; made where there is none.
    #[arg(long)]
    to: PathBuf,
    /// Files at a time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    parallel: u8,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Zips as teams handed them in.
    Predictions,
    /// What containers wrote, of every attempt.
    Outputs,
    /// What each run used, a value every 0.1 s.
    Runs,
    /// Every score of every case, in one table.
    Scores,
}

impl What {
    /// Also the first folder of its paths.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Predictions => "predictions",
            Self::Outputs => "outputs",
            Self::Runs => "runs",
            Self::Scores => manifest::SCORES,
        }
    }

    fn listing(self, phase_id: &str) -> Option<String> {
        match self {
            Self::Predictions | Self::Runs => Some(format!(
                "/api/v1/submissions/files?phase_id={phase_id}&what={}",
                self.as_str()
            )),
            Self::Outputs => Some(format!("/api/v1/evaluations/outputs?phase_id={phase_id}")),
            Self::Scores => None,
        }
    }
}

#[derive(Default)]
struct Tally {
    files: u64,
    bytes: u64,
    fetched: u64,
    /// Listed, and gone before they were fetched.
    gone: u64,
}

impl Tally {
    fn add(&mut self, row: &Row, is_fetched: bool) {
        self.files += 1;
        self.bytes += row.bytes;
        self.fetched += u64::from(is_fetched);
    }
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let phase = lookup::phase(&api, &args.phase).await?;
    let phase_id = lookup::id(&phase)?;
    std::fs::create_dir_all(&args.to)
        .with_context(|| format!("no folder can be made at {}", args.to.display()))?;
    let chosen: Vec<_> = args.what.iter().map(|what| what.as_str()).collect();
    let mut manifest = Manifest::begin(&args.to, &chosen)?;
    let (mut tally, bar) = (Tally::default(), bar(args.json));
    for what in &args.what {
        bar.set_message(what.as_str());
        match what.listing(phase_id) {
            Some(path) => {
                let downloader = Downloader {
                    listing: Listing { api: &api, path },
                    to: &args.to,
                    bar: &bar,
                };
                files(&downloader, args.parallel, &mut manifest, &mut tally).await?;
            }
            None => {
                let row = scores(&api, phase_id, &args.to).await?;
                manifest.write(&row)?;
                tally.add(&row, true);
            }
        }
    }
    bar.finish_and_clear();
    let path = manifest.finish()?;
    let done = json!({
        "phase": args.phase, "files": tally.files, "bytes": tally.bytes, "fetched": tally.fetched,
        "kept": tally.files - tally.fetched, "gone": tally.gone, "manifest": path,
    });
    print(args.json, &done, |_| {
        say!(
            "{} files, {} bytes, {} of them there already. {} names each with its SHA-256.",
            tally.files,
            tally.bytes,
            tally.files - tally.fetched,
            path.display()
        );
    })?;
    ensure!(
        tally.gone == 0,
        "{} files went while they were fetched: a retention took them, or the store lost them",
        tally.gone
    );
    Ok(())
}

async fn files(
    downloader: &Downloader<'_>,
    parallel: u8,
    manifest: &mut Manifest,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let mut cursor = None;
    loop {
        let page = downloader.listing.page(cursor.as_deref()).await?;
        let from = cursor.as_deref();
        let done: Vec<Option<(Row, Fetched)>> = stream::iter(page.items)
            .map(|file| downloader.download(file, from))
            .buffered(parallel.into())
            .try_collect()
            .await?;
        for file in &done {
            match file {
                Some((row, fetched)) => {
                    manifest.write(row)?;
                    tally.add(row, *fetched == Fetched::Now);
                }
                None => tally.gone += 1,
            }
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

/// Always anew: there is no telling whether another was scored meanwhile.
async fn scores(api: &Api, phase_id: &str, to: &Path) -> anyhow::Result<Row> {
    let path = format!("/api/v1/evaluations/scores.csv?phase_id={phase_id}");
    let pieces = api.stream(&path, None).await?;
    let (bytes, sha256) = get::write(pieces, &to.join(manifest::SCORES), &ProgressBar::hidden())
        .await
        .context("the scores did not arrive")?;
    Ok(Row {
        path: manifest::SCORES.to_owned(),
        bytes,
        sha256,
        ..Row::default()
    })
}

/// On stderr; nothing is drawn where that is no terminal.
fn bar(is_quiet: bool) -> ProgressBar {
    if is_quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg:12} {bytes} {bytes_per_sec}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
