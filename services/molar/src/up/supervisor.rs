//! Starts children, keeps them up and ends them in order.
//!
//! A child that dies is started again, with a growing pause. Whoever it is, it is known by pid and
//! start time in `run/<name>.json`, so that the `up` after a `kill -9` can end what was left.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures_util::future::join_all;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::account;
use super::child::{Child, INHERITED, Ready, Tier, search_path};
use super::data_folder::DataFolder;
use super::http;
use super::process::{self, Identity, MARK, Trace};
use super::signals::Shutdown;
use super::terminal::{Step, Terminal};

/// A log larger than this is put aside before its child starts; one old file is kept.
const LOG_BYTES: u64 = 16 << 20;
/// A child that lived this long has shown that it can: its next pause is the shortest again.
const SETTLED: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Supervisor {
    folder: Arc<DataFolder>,
    terminal: Terminal,
    shutdown: Shutdown,
    tended: Mutex<Vec<Arc<Tended>>>,
}

#[derive(Debug)]
struct Tended {
    child: Child,
    mark: String,
    folder: Arc<DataFolder>,
    terminal: Terminal,
    stop: CancellationToken,
    kill: CancellationToken,
    restarts: AtomicU32,
    identity: Mutex<Option<Identity>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// `run/<name>.json`: enough to end the child without knowing what it is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    pub name: String,
    #[serde(flatten)]
    pub identity: Identity,
    pub tier: Tier,
    pub restarts: u32,
    stop_signal: i32,
    grace_s: u64,
    trace: Option<Trace>,
}

enum Life {
    Stopped,
    NeverReady(anyhow::Error),
    Died(ExitStatus),
}

impl Supervisor {
    /// Ends what a killed predecessor left running in this folder, highest tier first.
    pub async fn new(
        folder: Arc<DataFolder>,
        terminal: Terminal,
        shutdown: Shutdown,
    ) -> anyhow::Result<Self> {
        end_orphans(&folder, &terminal).await?;
        Ok(Self {
            folder,
            terminal,
            shutdown,
            tended: Mutex::default(),
        })
    }

    pub fn folder(&self) -> &Arc<DataFolder> {
        &self.folder
    }

    pub fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Starts the child and waits until it is ready. An error names the child and shows the end
    /// of its log; the child does not run then.
    pub async fn start(&self, child: Child) -> anyhow::Result<()> {
        let name = child.name.clone();
        if self.find(&name).is_some() {
            bail!("{name} runs already");
        }
        let tended = Arc::new(Tended {
            mark: format!("{}/{name};", self.folder.instance()),
            folder: Arc::clone(&self.folder),
            terminal: self.terminal.clone(),
            stop: CancellationToken::new(),
            kill: self.shutdown.at_once.clone(),
            restarts: AtomicU32::new(0),
            identity: Mutex::default(),
            task: Mutex::default(),
            child,
        });
        put_log_aside(&self.folder, &name)?;
        let step = self.terminal.begin(&name, "starting");
        let (report, started) = oneshot::channel();
        let task = tokio::spawn(Arc::clone(&tended).tend(report, step));
        *lock(&tended.task) = Some(task);
        lock(&self.tended).push(Arc::clone(&tended));

        let outcome = tokio::select! {
            outcome = started => outcome.unwrap_or_else(|_| Err(anyhow::anyhow!("{name} was given up"))),
            () = self.shutdown.orderly.cancelled() => Err(anyhow::anyhow!("interrupted")),
        };
        if outcome.is_err() {
            tended.end().await;
            lock(&self.tended).retain(|one| one.child.name != name);
        }
        outcome
    }

    /// Ends one child, if it runs.
    pub async fn stop_one(&self, name: &str) {
        if let Some(tended) = self.find(name) {
            tended.end().await;
            lock(&self.tended).retain(|one| one.child.name != name);
        }
    }

    /// Ends all children, the highest tier first; those of one tier together.
    pub async fn stop(&self) {
        let mut by_tier: BTreeMap<Tier, Vec<Arc<Tended>>> = BTreeMap::new();
        for one in lock(&self.tended).drain(..) {
            by_tier.entry(one.child.tier).or_default().push(one);
        }
        for (_, together) in by_tier.into_iter().rev() {
            join_all(together.iter().map(|one| one.end_visibly())).await;
        }
    }

    /// How often each child had to be started again.
    pub fn restarts(&self) -> BTreeMap<String, u32> {
        lock(&self.tended)
            .iter()
            .map(|one| (one.child.name.clone(), one.restarts.load(Ordering::Relaxed)))
            .collect()
    }

    /// The process that is the child now.
    pub fn identity(&self, name: &str) -> Option<Identity> {
        lock(&self.find(name)?.identity).clone()
    }

    fn find(&self, name: &str) -> Option<Arc<Tended>> {
        lock(&self.tended)
            .iter()
            .find(|one| one.child.name == name)
            .cloned()
    }
}

impl Tended {
    async fn tend(self: Arc<Self>, report: oneshot::Sender<anyhow::Result<()>>, step: Step) {
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

    async fn end_visibly(&self) {
        let step = self.terminal.begin(&self.child.name, "stopping");
        self.end().await;
        step.done("stopped", "");
    }

    async fn end(&self) {
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

async fn end_orphans(folder: &DataFolder, terminal: &Terminal) -> anyhow::Result<()> {
    let mut records = Vec::new();
    for entry in fs::read_dir(folder.path().join("run"))?.flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        // A half-written record cannot be: they are renamed into place.
        if let Ok(record) = serde_json::from_str::<Record>(&text) {
            records.push((entry.path(), record));
        }
    }
    records.sort_by_key(|(_, record)| std::cmp::Reverse(record.tier));
    for (file, record) in records {
        let step = terminal.begin(&record.name, "left over from last time, stopping");
        let was_alive = record.identity.is_alive();
        let ask = Signal::from_named_raw(record.stop_signal).unwrap_or(Signal::TERM);
        record
            .identity
            .end(ask, Duration::from_secs(record.grace_s))
            .await?;
        let mark = format!("{}/{};", folder.instance(), record.name);
        let found = process::find_marked(&mark, record.trace.as_ref());
        process::end_all(found, Duration::from_secs(5)).await?;
        fs::remove_file(file)?;
        if was_alive {
            step.done("left over from last time, stopped", "");
        }
    }
    let strays = process::find_marked(&format!("{}/", folder.instance()), None);
    process::end_all(strays, Duration::from_secs(5)).await?;
    Ok(())
}

fn put_log_aside(folder: &DataFolder, name: &str) -> io::Result<()> {
    let log = folder.log(name);
    if fs::metadata(&log).is_ok_and(|found| found.len() > LOG_BYTES) {
        fs::rename(&log, log.with_extension("log.1"))?;
    }
    Ok(())
}

fn open_log(folder: &DataFolder, name: &str) -> anyhow::Result<File> {
    let log = folder.log(name);
    let file = File::options()
        .create(true)
        .append(true)
        .open(&log)
        .with_context(|| log.display().to_string())?;
    account::keep_owner(&log)?;
    Ok(file)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    async fn supervisor(place: &Path) -> Supervisor {
        let folder = Arc::new(DataFolder::open(place).unwrap());
        Supervisor::new(folder, Terminal::new(), Shutdown::default())
            .await
            .unwrap()
    }

    fn shell(name: &str, script: &str) -> Child {
        Child::new(name, Tier::Role, "/bin/sh").args(["-c", script])
    }

    async fn until(mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(10), "waited too long");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_killed_child_comes_back_and_is_counted() {
        let place = tempfile::tempdir().unwrap();
        let up = supervisor(place.path()).await;
        up.start(shell("one", "sleep 60; true")).await.unwrap();
        let first = up.identity("one").unwrap();
        first.signal(Signal::KILL).unwrap();
        until(|| up.identity("one").is_some_and(|now| now != first)).await;
        assert_eq!(up.restarts()["one"], 1);

        up.stop().await;
        let mark = format!("{}/", up.folder().instance());
        assert_eq!(
            process::find_marked(&mark, None),
            [],
            "the first shell's sleep went as well"
        );
    }

    #[tokio::test]
    async fn tiers_stop_from_the_front_down() {
        let place = tempfile::tempdir().unwrap();
        let up = supervisor(place.path()).await;
        let ended = place.path().join("ended");
        for (name, tier) in [
            ("server", Tier::Server),
            ("front", Tier::Front),
            ("role", Tier::Role),
        ] {
            let script = format!(
                "trap 'echo {name} >> {}; exit' TERM; while :; do sleep 0.05; done",
                ended.display()
            );
            let set = place.path().join(name);
            let script = format!("touch {}; {script}", set.display());
            up.start(Child {
                tier,
                ..shell(name, &script)
            })
            .await
            .unwrap();
            until(|| set.exists()).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        up.stop().await;
        assert_eq!(fs::read_to_string(ended).unwrap(), "front\nrole\nserver\n");
        assert_eq!(fs::read_dir(place.path().join("run")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_child_that_ends_before_it_is_ready_is_an_error_with_its_log() {
        let place = tempfile::tempdir().unwrap();
        let up = supervisor(place.path()).await;
        let never = Ready::Tcp(([127, 0, 0, 1], 1).into());
        let child = shell("one", "echo no such luck; exit 3").ready(never, Duration::from_secs(9));
        let error = format!("{:#}", up.start(child).await.unwrap_err());
        assert!(
            error.contains("no such luck") && error.contains("status 3"),
            "{error}"
        );
        assert!(up.restarts().is_empty());
    }

    #[tokio::test]
    async fn a_stubborn_child_is_killed_after_its_grace() {
        let place = tempfile::tempdir().unwrap();
        let up = supervisor(place.path()).await;
        let child = shell("one", "trap '' TERM; while :; do sleep 1; done")
            .stop(Signal::TERM, Duration::from_millis(300));
        up.start(child).await.unwrap();
        let identity = up.identity("one").unwrap();
        up.stop().await;
        assert!(!identity.is_alive());
    }

    #[tokio::test]
    async fn the_successor_of_a_killed_supervisor_ends_what_it_left_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(place.path()).unwrap();
        let mark = format!("{}/one;", folder.instance());
        let mut left = std::process::Command::new("sleep")
            .arg("60")
            .env(MARK, mark)
            .spawn()
            .unwrap();
        let mut stranger = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let identity = Identity::of(left.id() as i32).unwrap();
        let reused = Identity {
            started: 1,
            ..Identity::of(stranger.id() as i32).unwrap()
        };
        for (name, identity) in [("one", &identity), ("two", &reused)] {
            let record = Record {
                name: name.to_owned(),
                identity: identity.clone(),
                tier: Tier::Role,
                restarts: 0,
                stop_signal: Signal::TERM.as_raw(),
                grace_s: 1,
                trace: None,
            };
            let text = serde_json::to_string(&record).unwrap();
            fs::write(folder.run_file(name), text).unwrap();
        }
        drop(folder);

        supervisor(place.path()).await;
        left.wait().unwrap();
        assert!(
            stranger.try_wait().unwrap().is_none(),
            "a reused pid must be left alone"
        );
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[tokio::test]
    async fn a_child_sees_nothing_of_our_environment_but_the_list() {
        let place = tempfile::tempdir().unwrap();
        let up = supervisor(place.path()).await;
        let out = place.path().join("env");
        let script = format!("env > {0}.new; mv {0}.new {0}; sleep 60", out.display());
        up.start(shell("one", &script).env("GIVEN", "yes"))
            .await
            .unwrap();
        until(|| out.exists()).await;
        up.stop().await;
        let seen = fs::read_to_string(out).unwrap();
        assert!(seen.contains("GIVEN=yes"));
        assert!(
            !seen.contains("CARGO_MANIFEST_DIR"),
            "set by cargo for this test: {seen}"
        );
    }

    #[test]
    fn pauses_grow_to_half_a_minute() {
        let seconds: Vec<_> = (1..=10).map(|n| pause_after(n).as_secs_f64()).collect();
        assert_eq!(
            seconds,
            [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
        );
    }
}
