//! `molar up --demo`: plays the whole challenge through the public HTTP API only.
//!
//! The one thing done past the API is what the API cannot do by design: the first admin is made on the
//! database's host. Predictions come from running the example algorithm, never from references.

mod cases;
mod containers;
mod organizer;
mod predictions;
mod teams;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::try_join_all;
use serde_json::Value;

use crate::client::{Api, board, board_table, lookup, text};
use crate::platform::{self, Platform};
use crate::up::{self, Terminal, UpArgs};
use teams::Team;

/// The teams of the demo, and the variant of the example algorithm that each hands in.
pub const TEAMS: [(&str, &str); 4] = [
    ("Molar Ridge", "careful"),
    ("Incisor Labs", "eager"),
    ("Even Arch", "even"),
    ("Strict Bite", "strict"),
];

pub const TRACKS: [&str; 2] = ["opg", "cbct"];

/// How long a submission may take before the demo gives it up.
const PATIENCE: Duration = Duration::from_secs(1200);

/// Starts the platform and, if asked, plays the demo on it.
pub async fn up(args: UpArgs) -> anyhow::Result<ExitCode> {
    up::run(args, async |supervisor, args, servers| {
        let Some(platform) = platform::start(supervisor, args, servers).await? else {
            return Ok(());
        };
        let terminal = supervisor.terminal();
        let mail = supervisor.folder().path().join("mail");
        terminal.line(&format!(
            "\n  Molar is at {}\n  Its mail is written to {}\n",
            platform.url,
            mail.display()
        ));
        if args.demo {
            let played = Box::pin(play(supervisor.folder().path(), &platform, terminal)).await;
            match played {
                Err(error) if !args.exit => terminal.line(&format!("demo: {error:#}")),
                played => played?,
            }
            terminal.line(&format!("\n  The boards: {}/boards", platform.url));
        }
        Ok(())
    })
    .await
}

/// Where the demo keeps what it drew and whom it registered.
struct Stage<'a> {
    folder: PathBuf,
    terminal: &'a Terminal,
    api: Api,
}

async fn play(data: &Path, platform: &Platform, terminal: &Terminal) -> anyhow::Result<()> {
    let stage = Stage {
        folder: data.join("demo"),
        terminal,
        api: Api::new(&platform.url, None)?,
    };
    std::fs::create_dir_all(&stage.folder)?;
    if stage.folder.join("done").exists() {
        terminal.line("demo: was played before on this data; here are its boards");
        return show_boards(&stage).await;
    }
    let organizer = organizer::enter(&stage, platform).await?;
    organizer::apply(&stage, &organizer).await?;
    cases::prepare(&stage).await?;
    let challenge: Value = organizer.find("/api/v1/challenges/sts2024").await?;
    organizer::upload(&stage, &organizer, &challenge).await?;
    organizer::wait_until_ready(&stage, &organizer, &challenge).await?;

    let teams = teams::register(&stage, &organizer, &challenge).await?;
    let zips = predictions::make(&stage).await?;
    let images = containers::find()?;
    submit_all(&stage, &teams, &challenge, &zips, &images).await?;
    organizer::publish(&stage, &organizer, &challenge).await?;
    wait_for_boards(&stage, &challenge, teams.len()).await?;
    show_boards(&stage).await?;
    std::fs::write(stage.folder.join("done"), "")?;
    Ok(())
}

/// Every team hands in everything at once; each submission is followed to its end.
async fn submit_all(
    stage: &Stage<'_>,
    teams: &[Team],
    challenge: &Value,
    zips: &predictions::Zips,
    images: &containers::Images,
) -> anyhow::Result<()> {
    let mut jobs = Vec::new();
    for team in teams {
        for track in TRACKS {
            let zip = zips
                .get(&(team.variant, track))
                .context("no zip was made")?;
            jobs.push(hand_in(stage, team, challenge, track, "validation", zip));
            let image = images.get(team.variant).context("no image was built")?;
            jobs.push(hand_in(stage, team, challenge, track, "final", image));
        }
    }
    let step = stage.terminal.begin(
        "submissions",
        &format!("{} handed in, waiting for their scores", jobs.len()),
    );
    let count = jobs.len();
    try_join_all(jobs).await?;
    step.done(&format!("{count} scored"), "");
    Ok(())
}

async fn hand_in(
    stage: &Stage<'_>,
    team: &Team,
    challenge: &Value,
    track: &str,
    phase: &str,
    file: &Path,
) -> anyhow::Result<()> {
    let phase_id = phase_id(challenge, track, phase)?;
    let submission = crate::client::submission::Submission {
        phase_id,
        team_id: &team.id,
        file,
        note: "the example algorithm",
        code_url: (phase == "final").then_some("https://example.org/molar-example-algorithm"),
        licence: None,
        is_trial: false,
    };
    let name = format!("{}, {track} {phase}", team.name);
    let sent = crate::client::submit::send(
        &team.api,
        &submission,
        &crate::client::submit::Options::QUIET,
    )
    .await
    .with_context(|| name.clone())?;
    let id = lookup::id(&sent)?.to_owned();
    let ended = tokio::time::timeout(PATIENCE, follow(stage, team, &id, &name)).await;
    let ended =
        ended.with_context(|| format!("{name}: not scored after {} s", PATIENCE.as_secs()))??;
    anyhow::ensure!(
        text(&ended, "state") == "scored",
        "{name} ended as {}: {} {}",
        text(&ended, "state"),
        text(&ended, "failure"),
        ended["complaints"]
    );
    Ok(())
}

async fn follow(stage: &Stage<'_>, team: &Team, id: &str, name: &str) -> anyhow::Result<Value> {
    let begun = std::time::Instant::now();
    loop {
        let now: Value = team.api.find(&format!("/api/v1/submissions/{id}")).await?;
        if now["is_final"] == Value::Bool(true) {
            stage.terminal.line(&format!(
                "    {name}: {} after {:.0} s",
                text(&now, "state"),
                begun.elapsed().as_secs_f64()
            ));
            return Ok(now);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn phases(challenge: &Value) -> impl Iterator<Item = (&str, &Value)> {
    challenge["tracks"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|track| {
            track["phases"]
                .as_array()
                .into_iter()
                .flatten()
                .map(move |phase| (text(track, "slug"), phase))
        })
}

fn phase_id<'a>(challenge: &'a Value, track: &str, phase: &str) -> anyhow::Result<&'a str> {
    phases(challenge)
        .find(|(slug, found)| *slug == track && text(found, "slug") == phase)
        .map(|(_, found)| text(found, "id"))
        .with_context(|| format!("the challenge has no phase {track}/{phase}"))
}

async fn wait_for_boards(stage: &Stage<'_>, challenge: &Value, teams: usize) -> anyhow::Result<()> {
    let step = stage.terminal.begin("boards", "waiting for the ranks");
    for (track, phase) in phases(challenge) {
        let is_full = async {
            loop {
                let found = board::find(&stage.api, text(phase, "id")).await?;
                if found["rows"]
                    .as_array()
                    .is_some_and(|rows| rows.len() == teams)
                {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), is_full)
            .await
            .with_context(|| {
                format!(
                    "not every team is on the board {track}/{}",
                    text(phase, "slug")
                )
            })??;
    }
    step.done("ranked", "");
    Ok(())
}

async fn show_boards(stage: &Stage<'_>) -> anyhow::Result<()> {
    let challenge: Value = stage.api.find("/api/v1/challenges/sts2024").await?;
    for (track, phase) in phases(&challenge) {
        println!("\n{} / {}", track.to_uppercase(), text(phase, "title"));
        board_table::show(&board::find(&stage.api, text(phase, "id")).await?);
    }
    Ok(())
}
