//! `molar submit FILE --phase …`

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::submission::Submission;
use super::upload::{self, Limit, Plan, Sender, bytes_bar, insist, parse_rate};
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
    /// Parts that go out at the same time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    parallel: u8,
    /// Send no more than this a second, over all parts, such as 2M or 500k.
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    limit_rate: Option<u64>,
    /// Begin a new submission, also where an upload of this file was begun and not completed.
    #[arg(long)]
    new: bool,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// How its file goes out.
#[derive(Debug, Clone)]
pub struct Options {
    pub parallel: usize,
    /// Bytes a second.
    pub limit_rate: Option<u64>,
    /// Never goes on with an earlier upload.
    pub is_new: bool,
    pub is_quiet: bool,
}

impl Options {
    pub const QUIET: Self = Self {
        parallel: 4,
        limit_rate: None,
        is_new: false,
        is_quiet: true,
    };
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
    let options = Options {
        parallel: args.parallel.into(),
        limit_rate: args.limit_rate,
        is_new: args.new,
        is_quiet: args.json,
    };
    let completed = tokio::select! {
        sent = send(&api, &submission, &options) => sent?,
        stopped = tokio::signal::ctrl_c() => {
            stopped?;
            eprintln!("\nStopped. {}", how_to_go_on());
            std::process::exit(130);
        }
    };
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

fn how_to_go_on() -> String {
    let line: Vec<_> = std::env::args_os()
        .filter(|word| word != "--new")
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    format!(
        "What has arrived is kept for a day, or until the phase takes no uploads any more; this goes on where it stopped:\n  {}",
        line.join(" ")
    )
}

/// Creates, uploads and completes, or goes on where an earlier try stopped. Returns the answer to the
/// completion.
pub async fn send(
    api: &Api,
    submission: &Submission<'_>,
    options: &Options,
) -> anyhow::Result<Value> {
    let size = tokio::fs::metadata(submission.file)
        .await
        .with_context(|| format!("cannot read {}", submission.file.display()))?
        .len();
    anyhow::ensure!(size > 0, "{} is empty", submission.file.display());
    let key = upload::key(submission.file, size).await?;
    let bar = bytes_bar(size, "uploading", options.is_quiet);
    let begun = match options.is_new {
        true => None,
        false => upload::find(api, submission, size, &key).await?,
    };
    let (id, plan) = match begun {
        Some((id, plan)) => {
            if !options.is_quiet {
                let (here, all) = (plan.present.len(), plan.part_count);
                eprintln!("Going on with submission {id}: {here} of {all} parts have arrived.");
            }
            (id, plan)
        }
        None => create(api, submission, (size, &key), &bar).await?,
    };
    let sender = Sender {
        api,
        submission_id: &id,
        limit: options.limit_rate.map(Limit::per_second).map(Arc::new),
        bar: bar.clone(),
        is_quiet: options.is_quiet,
    };
    let sent = upload::put_all(&sender, &plan, submission.file, options.parallel).await;
    let completed = match sent.with_context(how_to_go_on) {
        Ok(sha256) => upload::complete(api, &id, &sha256, &bar).await,
        Err(error) => Err(error),
    };
    bar.finish_and_clear();
    completed
}

async fn create(
    api: &Api,
    submission: &Submission<'_>,
    (size_bytes, resume_key): (u64, &str),
    bar: &ProgressBar,
) -> anyhow::Result<(String, Plan)> {
    let body = json!({
        "phase_id": submission.phase_id,
        "team_id": submission.team_id,
        "size_bytes": size_bytes,
        "resume_key": resume_key,
        "note": submission.note,
        "code_url": submission.code_url,
        "licence": submission.licence,
        "is_trial": submission.is_trial,
    });
    let key = uuid::Uuid::new_v4().to_string();
    let created: Value = insist(bar, async || {
        api.create("/api/v1/submissions", &body, &key).await
    })
    .await?;
    let plan = Plan::of(&created["upload"], size_bytes)?;
    Ok((lookup::id(&created)?.to_owned(), plan))
}
