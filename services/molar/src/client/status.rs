//! `molar status`: where submissions stand.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::{Api, Connection, lookup, moment, print, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// A submission; without one, the newest of your teams are listed.
    submission: Option<String>,
    /// Stay until it is final; non-zero if it failed.
    #[arg(long, requires = "submission")]
    wait: bool,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    match args.submission {
        Some(id) if args.wait => follow(&api, &id, args.json).await,
        Some(id) => {
            let submission: Value = api.find(&format!("/api/v1/submissions/{id}")).await?;
            print(args.json, &submission, show)
        }
        None => {
            let list: Value = api.find("/api/v1/submissions").await?;
            print(args.json, &list, table)
        }
    }
}

/// Shows a submission's progress until it is final.
pub async fn follow(api: &Api, id: &str, is_json: bool) -> anyhow::Result<()> {
    let bar = if is_json {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(1)
    };
    bar.set_style(
        ProgressStyle::with_template("{msg:10} {bar:40} {pos}/{len} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    loop {
        let submission: Value = api.find(&format!("/api/v1/submissions/{id}")).await?;
        let (done, all) = progress(&submission);
        bar.set_length(all.max(1));
        bar.set_position(done);
        bar.set_message(text(&submission, "state").to_owned());
        if submission["is_final"] == Value::Bool(true) {
            bar.finish_and_clear();
            print(is_json, &submission, show)?;
            anyhow::ensure!(
                matches!(text(&submission, "state"), "scored" | "tried"),
                "the submission ended as {}",
                text(&submission, "state")
            );
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Steps done and to do: runs of a container and scores alike.
fn progress(submission: &Value) -> (u64, u64) {
    let of = |name: &str| submission["progress"][name].as_u64().unwrap_or(0);
    (
        of("final_runs") + of("scored_cases"),
        of("runs") + of("cases"),
    )
}

fn show(submission: &Value) {
    let trial = match submission["is_trial"] == Value::Bool(true) {
        true => "  (a trial: the public case alone)",
        false => "",
    };
    say!(
        "{}  {}{trial}",
        text(submission, "id"),
        text(submission, "state")
    );
    if !text(submission, "failure").is_empty() {
        say!(
            "  {}: {}",
            text(submission, "failure"),
            text(submission, "advice")
        );
    }
    for complaint in submission["complaints"].as_array().into_iter().flatten() {
        say!(
            "  - {}: {}; {}",
            Some(text(complaint, "place"))
                .filter(|place| !place.is_empty())
                .unwrap_or("the file"),
            text(complaint, "detail"),
            text(complaint, "mend")
        );
    }
    for note in submission["notes"].as_array().into_iter().flatten() {
        say!(
            "  note: {}",
            note.as_str()
                .map_or_else(|| text(note, "detail").to_owned(), str::to_owned)
        );
    }
    let queue = &submission["queue"];
    if !text(queue, "summary").is_empty() {
        let at = text(queue, "expected_start_at");
        let starts = match at.is_empty() {
            true => String::new(),
            false => format!("; expected to begin at {}", moment(at)),
        };
        say!("  in the queue: {}{starts}", text(queue, "summary"));
    }
    for step in submission["history"].as_array().into_iter().flatten() {
        say!(
            "  {}  {} {}",
            moment(text(step, "at")),
            text(step, "what"),
            text(step, "detail")
        );
    }
}

fn table(list: &Value) {
    if lookup::items(list).is_empty() {
        say!("No submissions yet: molar submit FILE --phase challenge/track/phase");
        return;
    }
    let mut table = super::table();
    table.set_header(["submission", "phase", "team", "state", "handed in"]);
    for row in lookup::items(list) {
        let cells = ["id", "phase", "team", "state"].map(|field| text(row, field).to_owned());
        let handed_in = moment(text(row, "created_at"));
        table.add_row(cells.into_iter().chain([handed_in]));
    }
    say!("{table}");
}
