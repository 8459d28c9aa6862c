//! `molar board figures challenge/track/phase --to DIR`: what is drawn of a board, as files.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use indicatif::ProgressBar;
use molar_domain::printable::printable;
use serde_json::{Value, json};

use super::{Connection, lookup, moment, print, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// challenge/track/phase, such as sts2024/opg/final.
    phase: String,
    /// A folder; made where there is none. Figures that were saved there before are replaced.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// What each is saved as, with commas in between.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "svg")]
    format: Vec<Format>,
    /// Pixels of a PNG for each of the SVG's.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=4))]
    scale: u8,
    /// Answer in JSON: which files, and of which version of the ranking.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Sharp at every size, and light or dark as whoever opens it prefers.
    Svg,
    /// For slides and print: always light.
    Png,
}

impl Format {
    /// Also the ending of its files.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    fn address(self, phase_id: &str, name: &str, scale: u8) -> String {
        let path = format!("/api/v1/boards/{phase_id}/figures/{name}.{}", self.as_str());
        match self {
            Self::Svg => path,
            Self::Png => format!("{path}?scale={scale}"),
        }
    }
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.api()?;
    let phase = lookup::phase(&api, &args.phase).await?;
    let id = lookup::id(&phase)?;
    let found: Value = api.find(&format!("/api/v1/boards/{id}/figures")).await?;
    let figures = drawn(&found)?;
    std::fs::create_dir_all(&args.to)
        .with_context(|| format!("no folder can be made at {}", args.to.display()))?;
    let bar = bar(figures.len() * args.format.len(), args.json);
    let mut files = Vec::new();
    for figure in figures {
        let name = text(figure, "name");
        for format in &args.format {
            let to = place(&args.to, &format!("{name}.{}", format.as_str()))?;
            let content = api.read(&format.address(id, name, args.scale)).await;
            let content = content.with_context(|| format!("{} was not saved", to.display()))?;
            save(&to, &content)?;
            files.push(json!({
                "name": name, "title": figure["title"], "format": format.as_str(),
                "file": to.display().to_string(), "bytes": content.len(),
            }));
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let done = json!({
        "phase": args.phase, "version": found["version"], "as_of": found["as_of"],
        "is_current": found["is_current"], "files": files,
    });
    print(args.json, &done, show)
}

fn drawn(found: &Value) -> anyhow::Result<&[Value]> {
    let hidden = printable(text(found, "hidden"));
    ensure!(hidden.is_empty(), "{hidden}");
    let figures: &[Value] = found["figures"].as_array().map_or(&[], Vec::as_slice);
    ensure!(
        !figures.is_empty(),
        "there are no figures: none is drawn yet, or the board does not show you names and values"
    );
    Ok(figures)
}

/// In the folder, whatever the server says.
fn place(folder: &Path, file: &str) -> anyhow::Result<PathBuf> {
    ensure!(
        Path::new(file).file_name() == Some(OsStr::new(file)),
        "the server names a file `{}`, which is no place in a folder",
        printable(file)
    );
    Ok(folder.join(file))
}

/// Beside the place first, so that it is there whole or as it was.
fn save(to: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let written = std::fs::write(&part, content).and_then(|()| std::fs::rename(&part, to));
    written.with_context(|| format!("{} cannot be written", to.display()))
}

fn bar(files: usize, is_quiet: bool) -> ProgressBar {
    match is_quiet {
        true => ProgressBar::hidden(),
        false => ProgressBar::new(files as u64),
    }
}

fn show(done: &Value) {
    for file in done["files"].as_array().into_iter().flatten() {
        say!("{}", printable(text(file, "file")));
    }
    let newer = match done["is_current"].as_bool() {
        Some(true) => "",
        _ => "; the board is newer",
    };
    let as_of = moment(text(done, "as_of"));
    say!("As of {as_of}, version {}{newer}.", done["version"]);
}
