//! `make bench`: what a thousand open pages of a board cost the processes that serve them, and how soon all of them hear
//! of a change. `MOLAR_BENCH_PAGES` says how many.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use comfy_table::{Table, presets};
use futures_util::future::try_join_all;
use molar_tests::api::Api;
use molar_tests::challenge::{self, Track};
use molar_tests::people::{Organizer, Team};
use molar_tests::system::{System, missing};
use reqwest::{Client, Response};
use serde_json::json;

/// Less than one caller may follow: the first page of all may not be known to be closed yet.
const OF_ONE: usize = 60;
const PATIENCE: Duration = Duration::from_secs(30);
const GOAL_MIB: f64 = 64.0;

/// A page that is open: what came, and is not read yet.
struct Page {
    stream: Response,
    read: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if let Some(missing) = missing() {
        bail!("{missing} is missing: `make build` and deploy/local/install.sh bring it");
    }
    let said = std::env::var("MOLAR_BENCH_PAGES").ok();
    let pages = said.and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let system = System::start_with(&["--fast"]).await?;
    println!("{}\n", measure(&system, pages).await?);
    Ok(())
}

async fn measure(system: &System, pages: usize) -> anyhow::Result<Table> {
    let mut organizer = Organizer::enter(system).await?;
    organizer.apply(&challenge::file()).await?;
    let phase = organizer.phase_id(Track::Opg, "validation")?;
    let mut callers = Vec::new();
    for number in 0..pages.div_ceil(OF_ONE) {
        let name = format!("Reader {number}");
        callers.push(
            Team::register(system, &organizer.challenge, &name)
                .await?
                .api,
        );
    }
    let path = format!("/api/v1/boards/{phase}/events");
    // What a first request makes is not the pages'.
    drop(open(&callers[0], &path).await?);
    let before = resident(system)?;

    let mut open_pages = Vec::new();
    for (place, caller) in callers.iter().enumerate() {
        let count = OF_ONE.min(pages - place * OF_ONE);
        let opened = (0..count).map(|_| open(caller, &path));
        open_pages.extend(try_join_all(opened).await?);
    }
    let after = resident(system)?;
    let changed = challenge::file().replacen("title = \"Validation\"", "title = \"Changed\"", 1);
    let body = json!({"file": changed, "overlay": null, "dry_run": false, "reason": "a bench"});
    organizer.api.put("/api/v1/challenges", &body).await?.ok()?;
    let begun = Instant::now();
    try_join_all(open_pages.iter_mut().map(Page::next)).await?;
    let told = begun.elapsed();
    let told_all = resident(system)?;

    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["what", "measured", "goal"]);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let grown =
        |of: fn(&Resident) -> u64| mib(of(&told_all).max(of(&after)) - of(&before).min(of(&after)));
    let own = grown(|of| of.leaderboard);
    table.add_row([
        format!("memory that {pages} open pages add to the leaderboard's process"),
        format!("{own:.1} MiB, from {:.1} MiB", mib(before.leaderboard)),
        format!("{GOAL_MIB:.0} MiB"),
    ]);
    table.add_row([
        "  and to nginx".to_owned(),
        format!("{:.1} MiB", grown(|of| of.front)),
        String::new(),
    ]);
    table.add_row([
        "from a change until the last page was told".to_owned(),
        format!("{:.2} s", told.as_secs_f64()),
        String::new(),
    ]);
    ensure!(own <= GOAL_MIB, "{pages} pages cost too much:\n{table}");
    Ok(table)
}

async fn open(caller: &Api, path: &str) -> anyhow::Result<Page> {
    let (url, token) = caller.address(path);
    // One connection each, as each page is of a browser of its own.
    let client = Client::builder().no_proxy().build()?;
    let mut request = client.get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let stream = request.send().await?;
    ensure!(stream.status().is_success(), "{}", stream.status());
    let mut page = Page {
        stream,
        read: String::new(),
    };
    page.next().await?;
    Ok(page)
}

impl Page {
    /// Waits for an event; words in between are none.
    async fn next(&mut self) -> anyhow::Result<()> {
        let event = async {
            while !self.read.contains("event: changed\n") {
                let chunk = self.stream.chunk().await?;
                let chunk = chunk.context("the stream has ended")?;
                self.read.push_str(&String::from_utf8_lossy(&chunk));
            }
            self.read.clear();
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, event).await?
    }
}

struct Resident {
    leaderboard: u64,
    front: u64,
}

fn resident(system: &System) -> anyhow::Result<Resident> {
    let leaderboard = system.child("leaderboard")?.memory("VmRSS");
    let front = system.child("nginx")?;
    // Its workers serve; the process that is written down watches them.
    let workers = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", front.pid))?;
    let workers = workers
        .split_ascii_whitespace()
        .filter_map(|pid| molar_tests::processes::Process::of(pid.parse().ok()?)?.memory("VmRSS"));
    Ok(Resident {
        leaderboard: leaderboard.context("no memory of the leaderboard's process")?,
        front: workers.sum(),
    })
}
