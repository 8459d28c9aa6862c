//! Starts children, keeps them up and ends them in order.
//!
//! A child that dies is started again, with a growing pause. Whoever it is, it is known by pid and
//! start time in `run/<name>.json`, so that the `up` after a `kill -9` can end what was left.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::bail;
use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::child::{Child, Tier};
use super::data_folder::DataFolder;
use super::logs::put_log_aside;
use super::orphans::end_orphans;
use super::process::Identity;
use super::signals::Shutdown;
use super::tended::{Tended, lock};
use super::terminal::Terminal;

#[derive(Debug)]
pub struct Supervisor {
    folder: Arc<DataFolder>,
    terminal: Terminal,
    shutdown: Shutdown,
    tended: Mutex<Vec<Arc<Tended>>>,
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

#[cfg(test)]
mod tests;
