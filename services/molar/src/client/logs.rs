//! `molar logs SUBMISSION`: what a container wrote.

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use molar_domain::printable::printable;
use serde_json::Value;

use super::events::{Event, Events};
use super::{Api, Connection, Refusal, lookup, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    submission: String,
    /// Of another case than the public one: a log that the organizers released, or as an organizer.
    #[arg(long)]
    case: Option<String>,
    /// Stay, and print what is written until the case has ended.
    #[arg(long, short)]
    follow: bool,
}

/// A server that listens says something every 15 s.
const SILENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(2);
/// Without any answer: five minutes or so.
const TRIES: u32 = 150;

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let case = args.case.as_deref();
    let path = match args.follow {
        true => until_there(&api, &args.submission, case).await?,
        false => find(&api, &args.submission, case)
            .await?
            .with_context(|| none(case))?,
    };
    if args.follow {
        return follow(&api, &path).await;
    }
    let log = api.text(&path).await?;
    show(&printable(&log));
    Ok(())
}

fn none(case: Option<&str>) -> String {
    match case {
        Some(case) => format!("there is no log of {case} that you may read"),
        None => "there is no log yet; `molar logs -f` waits for it".to_owned(),
    }
}

/// The path of the log, once there is one.
async fn find(api: &Api, submission: &str, case: Option<&str>) -> anyhow::Result<Option<String>> {
    let cases: Value = api
        .find(&format!("/api/v1/submissions/{submission}/cases"))
        .await?;
    let is_meant = |item: &&Value| match case {
        Some(case) => text(item, "name") == case,
        None => item["is_canary"] == Value::Bool(true),
    };
    let meant = lookup::items(&cases).iter().find(is_meant);
    Ok(meant.and_then(|item| item["log"].as_str().map(str::to_owned)))
}

async fn until_there(api: &Api, submission: &str, case: Option<&str>) -> anyhow::Result<String> {
    loop {
        if let Some(path) = find(api, submission, case).await? {
            return Ok(path);
        }
        let at: Value = api
            .find(&format!("/api/v1/submissions/{submission}"))
            .await?;
        if at["is_final"] == Value::Bool(true) {
            bail!(
                "the submission ended as {} without a log",
                text(&at, "state")
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Prints event by event; a connection that breaks is made again, from where it was.
async fn follow(api: &Api, path: &str) -> anyhow::Result<()> {
    let path = format!("{path}/events");
    let mut last_id = None;
    let mut tries = 0;
    loop {
        match listen(api, &path, &mut last_id, &mut tries).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => {
                tries += 1;
                let is_final = error
                    .downcast_ref::<Refusal>()
                    .is_some_and(|refusal| !matches!(refusal.status, 502..=504));
                if is_final || tries >= TRIES {
                    return Err(error);
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// True once nothing follows.
async fn listen(
    api: &Api,
    path: &str,
    last_id: &mut Option<String>,
    tries: &mut u32,
) -> anyhow::Result<bool> {
    let mut body = api.stream(path, last_id.as_deref()).await?;
    let mut events = Events::default();
    while let Some(bytes) = tokio::time::timeout(SILENCE, body.next()).await? {
        for Event { name, id, data } in events.push(&bytes?)? {
            *tries = 0;
            // What the server shows harmlessly is not trusted to be harmless.
            let data: String = serde_json::from_str(&data)?;
            let data = printable(&data);
            match name.as_str() {
                "log" => show(&data),
                "restart" => say!("\n[the case is run again]"),
                "end" => {
                    eprintln!("[the case ended as {data}]");
                    return Ok(true);
                }
                _ => {}
            }
            *last_id = id.or(last_id.take());
        }
    }
    Ok(false)
}

/// Without a line break of our own. A reader that has had enough (`| head`) ends the program quietly.
fn show(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}
