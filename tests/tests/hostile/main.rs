//! Every image of `tests/images/`, in the sandbox, against the table; and after each of them an honest
//! one in its place.
//!
//! `cargo test -p molar-tests --test hostile -- network` judges those whose name holds the word.

mod table;

use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use molar_sandbox::Engine;
use molar_tests::hostile::{Case, Slot, all, tag};
use molar_tests::skip;
use table::{Row, Table};

/// Judged after each of the others.
const SUCCESSOR: &str = "sees-nothing-of-others";
const SLOTS: usize = 2;

type Waiting = Arc<Mutex<VecDeque<Case>>>;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut cases = all()?;
    let successor = cases.iter().find(|case| case.name == SUCCESSOR).cloned();
    let filters: Vec<_> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    cases.retain(|case| filters.is_empty() || filters.iter().any(|word| case.name.contains(*word)));
    if args.iter().any(|arg| arg == "--list") {
        cases
            .iter()
            .for_each(|case| println!("{}: test", case.name));
        return Ok(ExitCode::SUCCESS);
    }
    let Ok(socket) = std::env::var("MOLAR_TEST_DOCKER") else {
        cases
            .iter()
            .for_each(|case| skip::skipped("docker", &case.name));
        println!(
            "\ntest result: ok. {} passed; 0 failed; 0 ignored\n",
            cases.len()
        );
        return Ok(ExitCode::SUCCESS);
    };
    let socket = socket.trim_start_matches("unix://").to_owned();
    let successor = successor.context("no successor in the table")?;
    let table = judge_all(&socket, &cases, &successor).await?;
    table.print();
    Ok(table.exit_code())
}

async fn judge_all(socket: &str, cases: &[Case], successor: &Case) -> anyhow::Result<Table> {
    let begun = Instant::now();
    let mut rows = Vec::new();
    for runtime in runtimes(socket).await? {
        let waiting = cases.iter().filter(|case| case.runs_with(&runtime));
        let waiting = Arc::new(Mutex::new(
            waiting
                .map(|case| case.clone().with_runtime(&runtime))
                .collect(),
        ));
        let mut slots = Vec::new();
        for core in 0..SLOTS {
            slots.push(Arc::new(Slot::open(socket, core, &runtime).await?));
        }
        tag::give(&slots[0].docker, successor).await?;
        let working = slots.iter().map(|slot| {
            let work = work(slot.clone(), waiting.clone(), successor.clone());
            tokio::spawn(work)
        });
        for working in working.collect::<Vec<_>>() {
            rows.extend(working.await?);
        }
        tag::take_back(&slots[0].docker).await?;
    }
    Ok(Table::new(rows, begun.elapsed()))
}

/// The usual one, and a second where the engine knows it.
async fn runtimes(socket: &str) -> anyhow::Result<Vec<String>> {
    let known = Engine::connect(socket).await?.info().await?.runtimes;
    let ours = ["runc", "runsc"].map(str::to_owned);
    Ok(ours
        .into_iter()
        .filter(|name| known.contains(name))
        .collect())
}

async fn work(slot: Arc<Slot>, waiting: Waiting, successor: Case) -> Vec<Row> {
    let mut rows = Vec::new();
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let Some(case) = next else { return rows };
        let judged = slot.judge(&case, &successor).await;
        let row = Row::new(&case, slot.runtime(), judged);
        row.print();
        rows.push(row);
    }
}
