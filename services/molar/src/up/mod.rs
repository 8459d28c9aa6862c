//! `molar up`: the servers, roles and worker of one machine, under one data folder.
//!
//! [`DataFolder`] is the lock and the memory, [`Supervisor`] starts, keeps and ends processes;
//! [`servers()`] starts what the roles stand on. Nothing here knows what a role does.

mod account;
mod args;
mod child;
mod command;
mod data_folder;
pub mod docker;
mod glimpse;
mod http;
mod logs;
pub mod nginx;
mod orphans;
pub mod ports;
pub mod postgres;
mod process;
pub mod rabbitmq;
mod record;
mod secrets;
mod servers;
mod signals;
mod supervisor;
mod tended;
mod terminal;

use std::process::ExitCode;
use std::sync::Arc;

pub use args::{Part, UpArgs};
pub use child::{Check, Child, Ready, Tier, find_program};
pub use data_folder::{DataFolder, InUse};
pub use glimpse::Glimpse;
pub use process::Identity;
pub use record::Record;
pub use secrets::{ROLES, S3Key, Secret, Secrets};
pub use servers::{Servers, servers};
pub use signals::Shutdown;
pub use supervisor::Supervisor;
pub use terminal::{Step, Terminal};

/// Starts what `args` ask for, serves until told to stop (or runs the command of `--run`), and
/// stops everything in order, also after an error.
///
/// `roles` is called when the servers are ready and starts what stands on them.
pub async fn run<F>(args: UpArgs, roles: F) -> anyhow::Result<ExitCode>
where
    F: AsyncFnOnce(&Supervisor, &UpArgs, &Servers) -> anyhow::Result<()>,
{
    let shutdown = Shutdown::on_signals()?;
    let terminal = Terminal::new();
    let folder = Arc::new(DataFolder::open(&args.data)?);
    terminal.line(&format!("molar: data in {}", folder.path().display()));
    let up = Supervisor::new(Arc::clone(&folder), terminal, shutdown).await?;
    docker::end_leftovers(&folder).await?;
    let outcome = Box::pin(serve(&up, args, roles)).await;
    if outcome.is_err() && !up.shutdown().orderly.is_cancelled() {
        up.terminal().line("molar: that did not work; stopping");
    }
    up.stop().await;
    let at_once = up.shutdown().at_once.is_cancelled();
    up.terminal().line(if at_once {
        "molar: killed"
    } else {
        "molar: everything is stopped"
    });
    if at_once {
        Ok(ExitCode::from(130))
    } else {
        outcome
    }
}

async fn serve<F>(up: &Supervisor, args: UpArgs, roles: F) -> anyhow::Result<ExitCode>
where
    F: AsyncFnOnce(&Supervisor, &UpArgs, &Servers) -> anyhow::Result<()>,
{
    let shutdown = up.shutdown();
    let started = async {
        let servers = servers(up, &args).await?;
        roles(up, &args, &servers).await?;
        anyhow::Ok(servers)
    };
    let servers = tokio::select! {
        servers = started => servers?,
        () = shutdown.orderly.cancelled() => return Ok(ExitCode::from(130)),
    };
    if args.exit {
        return Ok(ExitCode::SUCCESS);
    }
    if args.run.is_empty() {
        up.terminal()
            .line("molar: everything is ready; Ctrl-C stops it");
        shutdown.orderly.cancelled().await;
        return Ok(ExitCode::SUCCESS);
    }
    let instance = up.folder().instance();
    command::run(&args.run, servers.environment()?, &instance, shutdown).await
}
