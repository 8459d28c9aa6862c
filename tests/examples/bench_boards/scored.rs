//! From a finished evaluation to the board, and how long the ranking of its phase takes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use comfy_table::Table;
use serde_json::Value;

use crate::load::{self, Request};
use crate::stage::Stage;
use crate::table;

const ROUNDS: usize = 9;
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn measure(stage: &Stage) -> anyhow::Result<Table> {
    let (mut to_board, mut ranking) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let before = version(stage).await?;
        stage
            .rows
            .finish_a_better_one(stage.phase, round as f64)
            .await?;
        let begun = Instant::now();
        while version(stage).await? == before {
            ensure!(begun.elapsed() < PATIENCE, "the score does not come");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        to_board.push(begun.elapsed());
        ranking.push(took(stage)?);
    }
    let mut table = table(&["a new score", "median", "worst", "goal"]);
    for (what, mut times, goal) in [
        ("is on the board after", to_board, "1 s"),
        ("is ranked in", ranking, "200 ms"),
    ] {
        times.sort_unstable();
        let ms = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1e3);
        let cells = [ms(times[ROUNDS / 2]), ms(times[ROUNDS - 1])];
        table.add_row([what, &cells[0], &cells[1], goal]);
    }
    Ok(table)
}

/// As whoever is not signed in reads it.
async fn version(stage: &Stage) -> anyhow::Result<u64> {
    let request = Request {
        to: stage.role,
        path: format!("/api/v1/boards/{}", stage.phase),
        headers: String::new(),
        status: 200,
    };
    let answer = load::once(&request).await?;
    let board: Value = serde_json::from_slice(&answer.body)?;
    board["version"].as_u64().context("no version")
}

/// As the role's log says of the last ranking.
fn took(stage: &Stage) -> anyhow::Result<Duration> {
    let log = stage.system.log_of("leaderboard");
    let last = log
        .lines()
        .rev()
        .find(|line| line.contains("ranked") && line.contains("took_ms="));
    let said = last.and_then(|line| line.split("took_ms=").nth(1));
    let digits = said.context("no ranking in the log")?;
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    Ok(Duration::from_millis(digits.parse()?))
}
