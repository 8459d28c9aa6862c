//! `make hostile-proof`: each hostile image once more, without exactly the one thing that holds it, and
//! a table of what then happened. So a protection that protects from nothing is seen.
//!
//! Production has no such switch: the container is created here, from the sandbox's own configuration
//! with one field changed, and not by the sandbox. What could hurt this machine has an outer cap: a
//! control group with 4,000 processes and 1 GiB, a disk of 192 MiB, a few seconds.

mod attack;
mod container;
mod host;
mod neighbour;
mod policy;

use anyhow::Context as _;
use bollard::{API_DEFAULT_VERSION, Docker};
use comfy_table::{ContentArrangement, Table, presets};
use molar_tests::hostile::{Suite, all};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let socket = std::env::var("MOLAR_TEST_DOCKER").context("MOLAR_TEST_DOCKER names no engine")?;
    let socket = socket.trim_start_matches("unix://");
    let docker = Docker::connect_with_unix(socket, 60, API_DEFAULT_VERSION)?;
    let docker = docker.negotiate_version().await?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["image", "without", "what happened then"]);
    for case in all()? {
        let is_wanted = words.is_empty() || words.iter().any(|word| case.name.contains(word));
        let Some(held_by) = case
            .held_by
            .filter(|_| is_wanted && case.suite == Suite::Hostile)
        else {
            continue;
        };
        let host = host::Host::open(socket, &docker).await?;
        let happened = attack::attack(&host, &case, held_by).await;
        let happened = happened.unwrap_or_else(|error| format!("the engine: {error:#}"));
        eprintln!("{}: {happened}", case.name);
        table.add_row([case.name, policy::words(held_by).to_owned(), happened]);
        host.close().await?;
    }
    println!("{table}");
    Ok(())
}
