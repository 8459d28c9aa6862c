//! `molar archive get`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use futures_util::StreamExt as _;
use indicatif::ProgressBar;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use crate::client::{Api, Connection, lookup};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// challenge/track/phase, such as sts2024/opg/final.
    phase: String,
    /// Where to put it; what is there already is left alone.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let to = &args.output;
    ensure!(!to.exists(), "{} is there already", to.display());
    let api = args.connection.api()?;
    let phase = lookup::phase(&api, &args.phase).await?;
    let path = format!("/api/v1/boards/{}/archive", lookup::id(&phase)?);
    let sha256 = fetch(&api, &path, to).await?;
    say!("{sha256}  {}", to.display());
    Ok(())
}

/// Under another name until it is whole.
async fn fetch(api: &Api, path: &str, to: &Path) -> anyhow::Result<String> {
    let mut pieces = api.stream(path, None).await?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let part = tempfile::Builder::new()
        .prefix(".molar-archive-")
        .tempfile_in(folder);
    let part = part.with_context(|| format!("cannot write to {}", folder.display()))?;
    let mut file = tokio::fs::File::from_std(part.reopen()?);
    let bar = ProgressBar::new_spinner().with_message("the archive");
    let mut hash = Sha256::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.context("the archive broke off; ask for it again")?;
        hash.update(&piece);
        file.write_all(&piece).await?;
        bar.inc(piece.len() as u64);
    }
    file.flush().await?;
    bar.finish_and_clear();
    let kept = part.persist_noclobber(to);
    kept.with_context(|| format!("cannot write {}", to.display()))?;
    Ok(hex::encode(hash.finalize()))
}
