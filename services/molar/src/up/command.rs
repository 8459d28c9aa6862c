//! `--run`: a command beside the servers.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::Context;
use rustix::process::Signal;

use super::process::{self, Identity, MARK};
use super::signals::Shutdown;

/// How long the command may take to end once `up` was asked to.
const GRACE: Duration = Duration::from_secs(20);

/// Runs the command and returns its status as a shell would: 128 + n after signal n.
///
/// It stays in the terminal's foreground: Ctrl-C reaches it directly. Any other request to end is
/// passed on.
pub async fn run(
    words: &[String],
    environment: Vec<(String, String)>,
    instance: &str,
    shutdown: &Shutdown,
) -> anyhow::Result<ExitCode> {
    let (program, rest) = words.split_first().context("--run needs a command")?;
    let mut command = if rest.is_empty() {
        let mut shell = tokio::process::Command::new("sh");
        shell.arg("-c").arg(program);
        shell
    } else {
        let mut command = tokio::process::Command::new(program);
        command.args(rest);
        command
    };
    // With DATABASE_URL set, sqlx would check queries against a database that may be empty.
    if std::env::var_os("SQLX_OFFLINE").is_none() {
        command.env("SQLX_OFFLINE", "true");
    }
    let mark = format!("{instance}/run;");
    let mut child = command
        .envs(environment)
        .env(MARK, &mark)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| program.clone())?;
    let identity = child
        .id()
        .and_then(|pid| Identity::of(i32::try_from(pid).ok()?));

    let status = tokio::select! {
        status = child.wait() => status?,
        () = shutdown.orderly.cancelled() => {
            if let Some(identity) = identity {
                identity.signal(Signal::TERM)?;
            }
            tokio::select! {
                status = child.wait() => status?,
                () = tokio::time::sleep(GRACE) => killed(&mut child).await?,
                () = shutdown.at_once.cancelled() => killed(&mut child).await?,
            }
        }
    };
    // What it started and left behind would go on using servers that are about to stop.
    process::end_all(process::find_marked(&mark, None), Duration::from_secs(5)).await?;
    let code = status
        .code()
        .or_else(|| Some(128 + status.signal()?))
        .unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

async fn killed(child: &mut tokio::process::Child) -> std::io::Result<ExitStatus> {
    child.start_kill()?;
    child.wait().await
}
