//! `molar submit FILE --phase …`

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::upload::{Part, bytes_bar, fingerprint, upload};
use super::{Api, Connection, lookup, print, status, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// A zip of predictions, or what `docker save IMAGE | gzip` wrote.
    file: PathBuf,
    /// Where to: challenge/track/phase, such as sts2024/opg/validation.
    #[arg(long)]
    phase: String,
    /// As which of your teams; needed only where you have several.
    #[arg(long)]
    team: Option<String>,
    /// Your own words, shown to your team.
    #[arg(long, default_value = "")]
    note: String,
    /// Where the code is public, for phases that ask for it.
    #[arg(long)]
    code_url: Option<String>,
    /// Under which licence, such as MIT, for phases that name those that they take.
    #[arg(long)]
    licence: Option<String>,
    /// Of a container: run the public case alone, which costs no chance and is never ranked.
    #[arg(long)]
    trial: bool,
    /// Stay until the submission is scored or has failed; non-zero if it failed.
    #[arg(long)]
    wait: bool,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// What a submission is made of.
pub struct Submission<'a> {
    pub phase_id: &'a str,
    pub team_id: &'a str,
    pub file: &'a std::path::Path,
    pub note: &'a str,
    pub code_url: Option<&'a str>,
    pub licence: Option<&'a str>,
    pub is_trial: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    std::fs::File::open(&args.file)
        .with_context(|| format!("cannot read {}", args.file.display()))?;
    let phase = lookup::phase(&api, &args.phase).await?;
    let team = lookup::team(&api, text(&phase, "challenge_id"), args.team.as_deref()).await?;
    let submission = Submission {
        phase_id: lookup::id(&phase)?,
        team_id: lookup::id(&team)?,
        file: &args.file,
        note: &args.note,
        code_url: args.code_url.as_deref(),
        licence: args.licence.as_deref(),
        is_trial: args.trial,
    };
    let completed = send(&api, &submission, args.json).await?;
    let id = lookup::id(&completed)?.to_owned();
    if args.wait {
        return status::follow(&api, &id, args.json).await;
    }
    print(args.json, &completed, |_| {
        say!(
            "Submitted as {id}. Follow it: molar status {id}, or {}submissions/{id}",
            api.base()
        );
    })
}

/// Hashes, creates, uploads and completes. Returns the answer to the completion.
pub async fn send(api: &Api, submission: &Submission<'_>, is_quiet: bool) -> anyhow::Result<Value> {
    let size = tokio::fs::metadata(submission.file)
        .await
        .with_context(|| format!("cannot read {}", submission.file.display()))?
        .len();
    anyhow::ensure!(size > 0, "{} is empty", submission.file.display());
    let bar = bytes_bar(size, "hashing", is_quiet);
    let print = fingerprint(submission.file, &bar).await?;
    bar.finish_and_clear();

    let body = json!({
        "phase_id": submission.phase_id,
        "team_id": submission.team_id,
        "size_bytes": print.size_bytes,
        "sha256": print.sha256,
        "note": submission.note,
        "code_url": submission.code_url,
        "licence": submission.licence,
        "is_trial": submission.is_trial,
    });
    let key = uuid::Uuid::new_v4().to_string();
    let created: Value = api.create("/api/v1/submissions", &body, &key).await?;
    let id = lookup::id(&created)?;
    let parts: Vec<Part> = serde_json::from_value(created["upload"]["parts"].clone())?;
    let part_size = created["upload"]["part_size_bytes"]
        .as_u64()
        .context("no part size")?;

    let bar = bytes_bar(size, "uploading", is_quiet);
    let completed = upload(api, id, submission.file, part_size, parts, &bar).await?;
    bar.finish_and_clear();
    Ok(completed)
}
