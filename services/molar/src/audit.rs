//! `molar audit`: the log of who did what, verified and exported. On the database's host with the owner's
//! URL, or from anywhere over the API with a login that may.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use molar_domain::{Clock as _, SystemClock, UserId};
use molar_leaderboard::{AuditHead, Verified};
use molar_service::audit;
use secrecy::SecretString;

use crate::client::Connection;
use crate::owner;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that nothing was changed, taken out or, against an exported head, cut off. Names every entry that
    /// is wrong.
    Verify(Verify),
    /// Write the log, oldest first: organizers that of their challenge, administrators the whole.
    Export(Export),
    /// Erase the texts about a person, on the database's host. The entries stay, and the log stays whole.
    Erase(Erase),
}

#[derive(Debug, clap::Args)]
pub struct Verify {
    #[command(flatten)]
    connection: Connection,
    /// The owner's database URL; without it the API is asked, with an administrator's login.
    #[arg(long, env = "MOLAR_OWNER_DATABASE_URL", hide_env_values = true)]
    database_url: Option<SecretString>,
    /// A file from the bucket `exports`, such as audit/2026-11-23.json.
    #[arg(long)]
    head: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    connection: Connection,
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Slug of a challenge.
    #[arg(long)]
    challenge: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Erase {
    /// The owner's database URL.
    #[arg(long, env = "MOLAR_OWNER_DATABASE_URL", hide_env_values = true)]
    database_url: SecretString,
    /// The person's id.
    #[arg(long)]
    user: uuid::Uuid,
    /// Texts that hold this go as well: the person's name, their address. May be repeated.
    #[arg(long)]
    word: Vec<String>,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Verify(args) => verify(args).await,
        Command::Export(args) => export(args).await,
        Command::Erase(args) => erase(args).await,
    }
}

async fn verify(args: Verify) -> anyhow::Result<()> {
    let head = args.head.as_deref().map(read_head).transpose()?;
    let breaks = match args.database_url {
        Some(url) => breaks_of(&url, head).await?,
        None => {
            let query = head.map_or(String::new(), |head| {
                format!("?seq={}&hash={}", head.seq, head.hash)
            });
            let api = args.connection.api()?;
            let found: Verified = api.find(&format!("/api/v1/audit/verify{query}")).await?;
            found
                .breaks
                .into_iter()
                .map(|one| (one.seq, one.what))
                .collect()
        }
    };
    tell(&breaks)
}

fn read_head(path: &Path) -> anyhow::Result<AuditHead> {
    let named = || path.display().to_string();
    serde_json::from_slice(&std::fs::read(path).with_context(named)?)
        .with_context(|| format!("{} is no head of an audit log", path.display()))
}

/// Also what `molar admin verify-audit` does.
pub async fn verify_here(url: &SecretString, head: Option<&Path>) -> anyhow::Result<()> {
    let head = head.map(read_head).transpose()?;
    tell(&breaks_of(url, head).await?)
}

async fn breaks_of(
    url: &SecretString,
    head: Option<AuditHead>,
) -> anyhow::Result<Vec<(i64, String)>> {
    let head = match head {
        Some(head) => Some((
            head.seq,
            hex::decode(&head.hash).context("the head's hash")?,
        )),
        None => None,
    };
    let pool = owner::connect(url).await?;
    let found = audit::breaks(&pool, head).await?;
    pool.close().await;
    Ok(found.into_iter().map(|one| (one.seq, one.what)).collect())
}

fn tell(breaks: &[(i64, String)]) -> anyhow::Result<()> {
    if breaks.is_empty() {
        say!("The audit log is whole.");
        return Ok(());
    }
    for (seq, what) in breaks {
        say!("{seq}: {what}");
    }
    bail!(
        "the audit log is not whole: {} places are named above",
        breaks.len()
    )
}

async fn export(args: Export) -> anyhow::Result<()> {
    let api = args.connection.api()?;
    let format = match args.format {
        Format::Csv => "csv",
        Format::Jsonl => "jsonl",
    };
    let mut path = format!("/api/v1/audit/export?format={format}");
    if let Some(slug) = &args.challenge {
        let challenge: serde_json::Value = api.find(&format!("/api/v1/challenges/{slug}")).await?;
        let id = challenge["id"]
            .as_str()
            .context("the challenge has no id")?;
        path += &format!("&challenge_id={id}");
    }
    say!("{}", api.text(&path).await?.trim_end());
    Ok(())
}

async fn erase(args: Erase) -> anyhow::Result<()> {
    let pool = owner::connect(&args.database_url).await?;
    let mut tx = pool.begin().await?;
    let now = SystemClock.now();
    let erased = audit::erase(&mut tx, now, None, UserId(args.user), &args.word).await?;
    tx.commit().await?;
    pool.close().await;
    say!("{erased} texts were erased; the log is as whole as it was.");
    Ok(())
}
