//! The life of one child: started, made ready, started again when it dies, ended when told.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::account;
use super::child::{Child, INHERITED, Ready, search_path};
use super::data_folder::DataFolder;
use super::http;
use super::logs::open_log;
use super::process::{self, Identity, MARK};
use super::record::Record;
use super::terminal::{Step, Terminal};

/// A child that lived this long has shown that it can: its next pause is the shortest again.
const SETTLED: Duration = Duration::from_secs(60);

/// A child, and what is known of it from its first start to its last end.
#[derive(Debug)]
pub(super) struct Tended {
    pub(super) child: Child,
    pub(super) mark: String,
    pub(super) folder: Arc<DataFolder>,
    pub(super) terminal: Terminal,
    pub(super) stop: CancellationToken,
    pub(super) kill: CancellationToken,
    pub(super) restarts: AtomicU32,
    pub(super) identity: Mutex<Option<Identity>>,
    pub(super) task: Mutex<Option<JoinHandle<()>>>,
}

enum Life {
    Stopped,
    NeverReady(anyhow::Error),
    Died(ExitStatus),
}

impl Tended {
    pub(super) async fn tend(
        self: Arc<Self>,
        report: oneshot::Sender<anyhow::Result<()>>,
        step: Step,
    ) {
        let mut waiting = Some((report, step));
        let mut failures = 0;
        loop {
            let begun = Instant::now();
            let life = Box::pin(self.live(&mut waiting)).await;
            self.forget().await;
            let what = match life {
                Ok(Life::Stopped) => return,
                Ok(Life::NeverReady(error)) | Err(error) => error,
                Ok(Life::Died(status)) => anyhow::anyhow!("{}", describe(status)),
            };
            if let Some((report, step)) = waiting.take() {
                drop(step);
                // Nobody waits any more if `up` was interrupted meanwhile.
                let _ = report.send(Err(self.with_log(&what)));
                return;
            }
            failures = if begun.elapsed() >= SETTLED {
                0
            } else {
                failures + 1
            };
            let pause = pause_after(failures);
            self.terminal.line(&format!(
                "! {:<14} {what:#}; starts again in {:.1} s (log: {})",
                self.child.name,
                pause.as_secs_f64(),
                self.folder.log(&self.child.name).display(),
            ));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return,
                () = self.kill.cancelled() => return,
            }
            self.restarts.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// From one start to the end of that process.
    async fn live(
        &self,
        waiting: &mut Option<(oneshot::Sender<anyhow::Result<()>>, Step)>,
    ) -> anyhow::Result<Life> {
        self.sweep(Duration::from_secs(5)).await?;
        let mut process = self.spawn()?;
        let ready = tokio::time::timeout(self.child.ready_within, self.become_ready());
        let ready = tokio::select! {
            ready = ready => ready,
            status = process.wait() => return Ok(Life::Died(status?)),
            () = self.stop.cancelled() => return self.finish(&mut process).await,
            () = self.kill.cancelled() => return self.finish(&mut process).await,
        };
        let within = self.child.ready_within.as_secs();
        let error = match ready {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some(anyhow::anyhow!("not ready within {within} s")),
        };
        if let Some(error) = error {
            self.finish(&mut process).await?;
            return Ok(Life::NeverReady(error));
        }
        match waiting.take() {
            Some((report, step)) => {
                step.done("ready", &self.child.note);
                let _ = report.send(Ok(()));
            }
            None => self
                .terminal
                .line(&format!("  {:<14} is back", self.child.name)),
        }
        tokio::select! {
            status = process.wait() => Ok(Life::Died(status?)),
            () = self.stop.cancelled() => self.finish(&mut process).await,
            () = self.kill.cancelled() => self.finish(&mut process).await,
        }
    }

    fn spawn(&self) -> anyhow::Result<tokio::process::Child> {
        let child = &self.child;
        let log = open_log(&self.folder, &child.name)?;
        let mut command = std::process::Command::new(&child.program);
        command
            .args(&child.args)
            .env_clear()
            .env("PATH", search_path());
        for name in INHERITED {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(child.env.iter().map(|(name, value)| (name, value)));
        if child.marked {
            command.env(MARK, &self.mark);
        }
        if let Some(folder) = &child.folder {
            command.current_dir(folder);
        }
        if let Some(account) = child.account {
            // As root this also drops all supplementary groups.
            command.uid(account.uid).gid(account.gid);
        }
        // A group of its own: Ctrl-C on the terminal reaches `up` alone, which stops in order.
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);

        let mut command = tokio::process::Command::from(command);
        let process = command
            .kill_on_drop(true)
            .spawn()
            .with_context(|| child.program.display().to_string())?;
        let identity = process
            .id()
            .and_then(|pid| Identity::of(i32::try_from(pid).ok()?));
        self.record(identity.as_ref())?;
        *lock(&self.identity) = identity;
        Ok(process)
    }

    async fn become_ready(&self) -> anyhow::Result<()> {
        loop {
            let is_ready = match &self.child.ready {
                Ready::Started => true,
                Ready::Tcp(address) => tokio::net::TcpStream::connect(address).await.is_ok(),
                Ready::Http(url) => http::is_ok(url).await,
                Ready::Check(check) => check().await.is_ok(),
            };
            if is_ready {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        match &self.child.prepare {
            Some(prepare) => prepare().await,
            None => Ok(()),
        }
    }

    async fn finish(&self, process: &mut tokio::process::Child) -> anyhow::Result<Life> {
        let identity = lock(&self.identity).clone();
        if let Some(identity) = identity {
            identity.signal(self.child.stop_signal)?;
        }
        tokio::select! {
            ended = tokio::time::timeout(self.child.grace, process.wait()) => {
                if ended.is_err() {
                    self.terminal.line(&format!(
                        "! {:<14} did not end within {} s and is killed",
                        self.child.name,
                        self.child.grace.as_secs(),
                    ));
                }
            }
            () = self.kill.cancelled() => {}
        }
        // No harm if it has ended: the process was waited for and is known to be gone.
        process.kill().await.or_else(ignore_gone)?;
        self.sweep(Duration::from_secs(2)).await?;
        Ok(Life::Stopped)
    }

    /// Ends what the child started and left behind.
    async fn sweep(&self, grace: Duration) -> anyhow::Result<()> {
        if self.child.marked || self.child.trace.is_some() {
            let found = process::find_marked(&self.mark, self.child.trace.as_ref());
            process::end_all(found, grace).await?;
        }
        match &self.child.clean {
            Some(clean) => clean().await,
            None => Ok(()),
        }
    }

    fn record(&self, identity: Option<&Identity>) -> anyhow::Result<()> {
        let Some(identity) = identity else {
            return Ok(());
        };
        let record = Record {
            name: self.child.name.clone(),
            identity: identity.clone(),
            tier: self.child.tier,
            restarts: self.restarts.load(Ordering::Relaxed),
            stop_signal: self.child.stop_signal.as_raw(),
            grace_s: self.child.grace.as_secs(),
            trace: self.child.trace.clone(),
        };
        let text = serde_json::to_string_pretty(&record)?;
        account::private_file(&self.folder.run_file(&self.child.name), &text, None)
    }

    async fn forget(&self) {
        *lock(&self.identity) = None;
        // A record that stays behind names a process that is gone, which the next start sees.
        let _ = tokio::fs::remove_file(self.folder.run_file(&self.child.name)).await;
    }

    pub(super) async fn end_visibly(&self) {
        let step = self.terminal.begin(&self.child.name, "stopping");
        self.end().await;
        step.done("stopped", "");
    }

    pub(super) async fn end(&self) {
        self.stop.cancel();
        let task = lock(&self.task).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            self.terminal
                .line(&format!("! {:<14} {error}", self.child.name));
        }
    }

    fn with_log(&self, error: &anyhow::Error) -> anyhow::Error {
        let file = self.folder.log(&self.child.name);
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap_or_default()).into_owned();
        let lines: Vec<_> = text.lines().rev().take(15).collect();
        let tail: String = lines
            .iter()
            .rev()
            .map(|line| format!("\n    {line}"))
            .collect();
        let name = &self.child.name;
        let file = file.display();
        anyhow::anyhow!("{name} did not start: {error:#}\n  the end of {file}:{tail}")
    }
}

/// 0.2 s, 0.4 s, 0.8 s … capped at 30 s: a killed server is back before anybody's retries run
/// out, and one that cannot start does not keep the machine busy.
fn pause_after(failures: u32) -> Duration {
    Duration::from_millis(200 << failures.saturating_sub(1).min(8)).min(Duration::from_secs(30))
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended unexpectedly with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended unexpectedly".to_owned(),
    }
}

fn ignore_gone(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::InvalidInput {
        Ok(())
    } else {
        Err(error)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::pause_after;

    #[test]
    fn pauses_grow_to_half_a_minute() {
        let seconds: Vec<_> = (1..=10).map(|n| pause_after(n).as_secs_f64()).collect();
        assert_eq!(
            seconds,
            [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
        );
    }
}
