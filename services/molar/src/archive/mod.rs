//! `molar archive`: a finished phase as one file, fetched, and computed anew from its own scores.

mod get;
mod verify;

use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Fetch the archive of a finished phase.
    ///
    /// Organizers may once its ranks are final, all once it is published. Where running time or GPU memory was measured, all
    /// others get the public edition, which has means of them and no values per case.
    Get(get::Args),
    /// Compute every mean, rank and statistic of an archive again from its scores per case, and compare.
    ///
    /// Says the SHA-256 of the file, and in notes what was taken as given, could not be computed, or was made by another
    /// version. Needs no server. Ends with 0 where all is equal, 1 where something differs, 2 where the file is no archive.
    Verify(verify::Args),
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Get(args) => get::run(args).await.map(|()| ExitCode::SUCCESS),
        Command::Verify(args) => tokio::task::block_in_place(|| verify::run(&args)),
    }
}
