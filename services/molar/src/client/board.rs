//! `molar board challenge/track/phase`, and the words below `molar board`

use anyhow::Context as _;
use serde_json::Value;

use super::{Api, Connection, board_table, figures, imports, lookup, print, statistics};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    connection: Connection,
    /// challenge/track/phase, such as sts2024/opg/final.
    #[arg(required = true)]
    phase: Option<String>,
    /// Answer in JSON, with every digit.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Answer in CSV, with every digit.
    #[arg(long)]
    csv: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// How sure the ranks of a phase are: interval and stability of each team's.
    Statistics(statistics::Args),
    /// Save the figures of a board into a folder, as SVG, PNG or both.
    Figures(figures::Args),
    /// Organizers: show a board that was published as a table, ranked anew.
    ///
    /// Columns: `team`, the metrics by name, and, to be compared with what comes out,
    /// `METRIC_rank`, `mean_rank` and `final_rank`. What was not measured is an empty cell.
    ///
    /// Everybody sees it below `/boards`, marked as imported. With `--dry-run` nothing is sent anywhere, and
    /// ranks that were published otherwise are an error.
    Import(imports::Import),
    /// Organizers: take an imported board away.
    Forget(imports::Forget),
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Some(Command::Import(args)) => return imports::import(args).await,
        Some(Command::Forget(args)) => return imports::forget(args).await,
        Some(Command::Statistics(args)) => return statistics::run(args).await,
        Some(Command::Figures(args)) => return figures::run(args).await,
        None => {}
    }
    let api = args.connection.api()?;
    let phase = args
        .phase
        .context("say which board: CHALLENGE/TRACK/PHASE")?;
    let phase = lookup::phase(&api, &phase).await?;
    let id = lookup::id(&phase)?;
    if args.csv {
        say!(
            "{}",
            api.text(&format!("/api/v1/boards/{id}.csv"))
                .await?
                .trim_end()
        );
        return Ok(());
    }
    let board = find(&api, id).await?;
    print(args.json, &board, board_table::show)
}

pub async fn find(api: &Api, phase_id: &str) -> anyhow::Result<Value> {
    api.find(&format!("/api/v1/boards/{phase_id}")).await
}
