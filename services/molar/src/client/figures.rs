//! `molar board figures challenge/track/phase --to DIR`: what is drawn of a board, as files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;
use indicatif::ProgressBar;
use molar_domain::printable::printable;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Api, Connection, lookup, moment, print, text};

/// Figures are drawn anew at most once a minute, so the second is nearly always enough.
const TRIES: usize = 3;

/// Bytes of a file's name, of which the server needs 101.
const LONGEST: usize = 104;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// challenge/track/phase, such as sts2024/opg/final.
    phase: String,
    /// A folder; made where there is none. Files of the same names are replaced, and nothing is removed.
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
    let list = format!("/api/v1/boards/{id}/figures");
    let mut found: Value = api.find(&list).await?;
    for _ in 0..TRIES {
        let fetched = fetch(&api, id, &args, &found).await;
        // An address gives the newest at its moment, which by now may be another than the list was of.
        let now: anyhow::Result<Value> = api.find(&list).await;
        match now {
            Ok(now) if drawing(&now) != drawing(&found) => found = now,
            now => {
                let (aside, files) = fetched?;
                let now = now?;
                put(aside, &args.to)?;
                let done = json!({
                    "phase": args.phase, "version": now["version"], "as_of": now["as_of"],
                    "is_current": now["is_current"], "files": files,
                });
                return print(args.json, &done, show);
            }
        }
    }
    bail!("{TRIES} times the figures were drawn anew while they were read; ask again in a minute")
}

/// What tells one drawing from another.
fn drawing(found: &Value) -> [&Value; 2] {
    [&found["version"], &found["as_of"]]
}

/// All of them, in a folder beside the places where they belong, and what is told of each.
async fn fetch(
    api: &Api,
    phase_id: &str,
    args: &Args,
    found: &Value,
) -> anyhow::Result<(TempDir, Vec<Value>)> {
    let figures = drawn(found)?;
    let aside = aside(&args.to)?;
    let bar = bar(figures.len() * args.format.len(), args.json);
    let mut files = Vec::new();
    for figure in figures {
        let name = text(figure, "name");
        for format in &args.format {
            let file = file_name(name, *format)?;
            let to = args.to.join(&file);
            let content = api.read(&format.address(phase_id, name, args.scale)).await;
            let content = content.with_context(|| format!("{} was not saved", to.display()))?;
            fs::write(aside.path().join(&file), &content).with_context(|| unwritten(&to))?;
            files.push(json!({
                "name": name, "title": figure["title"], "format": format.as_str(),
                "file": to.display().to_string(), "bytes": content.len(),
            }));
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok((aside, files))
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

/// One that leads nowhere else, hides nothing and does nothing to a terminal, whatever the server says.
fn file_name(figure: &str, format: Format) -> anyhow::Result<String> {
    let file = format!("{figure}.{}", format.as_str());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@".contains(&byte);
    ensure!(
        file.len() <= LONGEST
            && file.starts_with(|first: char| first.is_ascii_alphanumeric())
            && file.bytes().all(is_plain),
        "the server names a file `{}`, which is no place in a folder",
        printable(&file)
    );
    Ok(file)
}

/// Within the folder, so that what is whole needs no room and no copy to be put there. Removed when it is dropped.
fn aside(folder: &Path) -> anyhow::Result<TempDir> {
    let made = fs::create_dir_all(folder).and_then(|()| TempDir::with_prefix_in(".molar-", folder));
    made.with_context(|| format!("no folder can be made at {}", folder.display()))
}

fn put(aside: TempDir, folder: &Path) -> anyhow::Result<()> {
    let files = fs::read_dir(aside.path())?.collect::<io::Result<Vec<_>>>()?;
    for file in files {
        let to = folder.join(file.file_name());
        fs::rename(file.path(), &to).with_context(|| unwritten(&to))?;
    }
    Ok(aside.close()?)
}

fn unwritten(to: &Path) -> String {
    format!("{} cannot be written", to.display())
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
    let as_of = printable(&moment(text(done, "as_of")));
    say!("As of {as_of}, version {}{newer}.", done["version"]);
}
