//! One case: create, start, follow, stop, look, remove.

use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use bollard::container::LogOutput;
use bollard::errors::Error as DockerError;
use bollard::models::{ContainerInspectResponse, ContainerState, ImageConfig};
use bollard::query_parameters::{
    AttachContainerOptions, CreateContainerOptions, InspectContainerOptions, KillContainerOptions,
};
use futures_util::future::{FusedFuture, FutureExt};
use futures_util::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cgroup::Cgroup;
use crate::disk;
use crate::engine::{ACT, ANSWER, is_not_found, within};
use crate::logs::Keeper;
use crate::outcome::{Finished, Outcome, is_the_images_fault, time, wall_ms};
use crate::reaper::Remover;
use crate::sample::{Sampler, Source};
use crate::spec::{create_body, volume_targets};
use crate::written::{SPACE_EVERY, WALK_EVERY, Written, graph_folder};
use crate::{Engine, Error, Log, Spec, Usage};

/// How long the rest of the log may take to arrive after the container's end.
const LOG_REST: Duration = Duration::from_secs(2);
/// Above this a container is to blame that the disk ran short while it ran.
const BLAMABLE_BYTES: u64 = 256 << 20;

/// What happens while a container runs. Called between two reads of the log: be quick.
#[derive(Debug)]
pub enum Event<'a> {
    Started,
    Log(&'a [u8]),
}

type LogStream = Pin<Box<dyn Stream<Item = Result<LogOutput, DockerError>> + Send>>;

impl Engine {
    /// Runs one case and removes the container, also when the future is dropped or panics.
    ///
    /// An error is ours to retry; whatever the container did is in [`Finished`].
    pub async fn run(
        &self,
        spec: &Spec,
        cancel: CancellationToken,
        events: impl FnMut(Event<'_>) + Send,
    ) -> Result<Finished, Error> {
        let places = self.places(spec).await?;
        if let Some(place) = disk::short_of_space(&places, spec.free_bytes) {
            return Err(Error::NoSpace(place));
        }
        let name = format!("molar-{}", Uuid::new_v4().simple());
        let remover = Remover::new(self, &name);
        let run = Run {
            engine: self,
            spec,
            name: &name,
            places,
            cancel: &cancel,
        };
        let finished = Box::pin(run.to_the_end(events)).await;
        remover.remove().await;
        finished
    }

    async fn places(&self, spec: &Spec) -> Result<Vec<PathBuf>, Error> {
        let mut places = vec![PathBuf::from(self.info().await?.root_dir)];
        // Its parent: what is left in the room itself is the run's own affair.
        places.extend(spec.room.folder.parent().map(Path::to_owned));
        Ok(places)
    }
}

struct Run<'a> {
    engine: &'a Engine,
    spec: &'a Spec,
    name: &'a str,
    places: Vec<PathBuf>,
    cancel: &'a CancellationToken,
}

/// Why we ended a container.
enum Breach {
    Because(Outcome),
    Ours(Error),
}

impl Run<'_> {
    async fn to_the_end(
        &self,
        mut events: impl FnMut(Event<'_>) + Send,
    ) -> Result<Finished, Error> {
        // Not cut short by a cancel: what a request given up in the middle leaves is hard to find.
        let image = self.image_config().await?;
        let declared = match self.spec.room.is_bounded() {
            true => image.volumes.unwrap_or_default(),
            false => Vec::new(),
        };
        let volumes = match volume_targets(self.spec, &declared) {
            Ok(volumes) => volumes,
            Err(path) => return Ok(no_volume(&path)),
        };
        self.spec.room.make_volumes(volumes.len())?;
        let mut log = match self.create(&volumes).await {
            // The engine copies what the image has at the path of a volume.
            Err(Error::Docker(_)) if self.spec.room.is_full() => {
                return Ok(Finished::never_started(Outcome::DiskFull));
            }
            created => created?,
        };
        self.refuse_root(image.user.as_deref().unwrap_or_default())
            .await?;
        let is_moved_in = self.move_in().await?;
        let source = Source {
            cgroup: None,
            gpu: self.engine.gpu.clone().zip(self.spec.gpu.clone()),
        };
        let baseline = source.gpu_used_mib();
        if self.cancel.is_cancelled() {
            return Ok(Finished::never_started(Outcome::Cancelled));
        }
        let start = self.engine.docker.start_container(self.name, None);
        if let Err(error) = within("start", ACT, start).await {
            return self.not_started(error).await;
        }
        let started = Instant::now();
        events(Event::Started);
        if is_moved_in && !self.spec.room.is_lived_in() {
            return Err(Error::Start("it writes elsewhere than in its room".into()));
        }
        let container = self.inspect(false).await?;
        let written = Written::of(self.spec, &container, is_moved_in);
        let pid = container
            .state
            .as_ref()
            .and_then(|state| u32::try_from(state.pid?).ok());
        let source = Source {
            cgroup: pid.filter(|&pid| pid > 0).and_then(Cgroup::of_process),
            ..source
        };
        let sampler = Sampler::start(source, started, baseline);

        let mut keeper = Keeper::new(self.spec.log_bytes);
        let mut on_log = |bytes: &[u8]| {
            keeper.push(bytes);
            events(Event::Log(bytes));
        };
        let breach = self
            .follow(&written, started, &mut log, &mut on_log)
            .await?;
        let state = self.final_state(breach.is_none()).await?;
        let wall_ms = wall_ms(&state);
        let usage = sampler.finish(wall_ms);
        let breach = match breach {
            None => self.late_breach(&written).await,
            breach => breach,
        };
        self.judge(breach, &state, wall_ms, keeper.into_log(), usage)
    }

    async fn image_config(&self) -> Result<ImageConfig, Error> {
        let image = self.engine.docker.inspect_image(&self.spec.image);
        match within("inspect image", ANSWER, image).await {
            Err(error) if is_not_found(&error) => Err(Error::NoImage(self.spec.image.clone())),
            image => Ok(image?.config.unwrap_or_default()),
        }
    }

    async fn refuse_root(&self, user: &str) -> Result<(), Error> {
        let is_safe = self.engine.may_run_root(self.spec.runtime.as_deref());
        match is_safe || !self.engine.may_be_root(self.name, user).await? {
            true => Ok(()),
            false => Err(Error::RootImage),
        }
    }

    /// False where the container's own file system stays where the engine has made it: not overlay,
    /// or not ours to write.
    async fn move_in(&self) -> Result<bool, Error> {
        if !self.spec.room.is_bounded() {
            if let Some(root) = self.engine.isolation.root {
                self.spec.room.give_to(root)?;
            }
            return Ok(false);
        }
        let container = self.inspect(false).await?;
        let folders = graph_folder(&container, "UpperDir").zip(graph_folder(&container, "WorkDir"));
        let Some((upper, work)) = folders else {
            tracing::warn!(
                "the engine's file systems are not overlays that we see: looked at only"
            );
            return Ok(false);
        };
        let room = self.spec.room.clone();
        let taken = tokio::task::spawn_blocking(move || room.take_in(&upper, &work));
        taken.await.map_err(std::io::Error::other)??;
        Ok(true)
    }

    /// Attaches before the start, so that no line is lost.
    async fn create(&self, volumes: &[String]) -> Result<LogStream, Error> {
        let docker = &self.engine.docker;
        let options = CreateContainerOptions {
            name: Some(self.name.to_owned()),
            ..Default::default()
        };
        let create = docker.create_container(
            Some(options),
            create_body(&self.engine.fit(self.spec), volumes),
        );
        match within("create", ACT, create).await {
            Err(error) if is_not_found(&error) => {
                return Err(Error::NoImage(self.spec.image.clone()));
            }
            created => created?,
        };
        let both = AttachContainerOptions {
            stdout: true,
            stderr: true,
            stream: true,
            ..Default::default()
        };
        Ok(within(
            "attach",
            ANSWER,
            docker.attach_container(self.name, Some(both)),
        )
        .await?
        .output)
    }

    async fn inspect(&self, size: bool) -> Result<ContainerInspectResponse, Error> {
        let options = InspectContainerOptions { size };
        let limit = if size { ACT } else { ANSWER };
        within(
            "inspect",
            limit,
            self.engine
                .docker
                .inspect_container(self.name, Some(options)),
        )
        .await
    }

    /// Sorts a start that failed by whose fault it is.
    async fn not_started(&self, error: Error) -> Result<Finished, Error> {
        let message = match error {
            Error::Docker(DockerError::DockerResponseServerError { message, .. }) => message,
            other => return Err(other),
        };
        let state = self.inspect(false).await?.state.unwrap_or_default();
        match is_the_images_fault(state.exit_code, &message) {
            true => Ok(Finished::never_started(Outcome::StartFailed(message))),
            false => Err(Error::Start(message)),
        }
    }

    /// Until the container ends by itself (none) or has been killed for a breach.
    async fn follow(
        &self,
        written: &Written<'_>,
        started: Instant,
        log: &mut LogStream,
        on_log: &mut (impl FnMut(&[u8]) + Send),
    ) -> Result<Option<Breach>, Error> {
        let mut exit = pin!(self.until_exit());
        let mut disk = pin!(self.until_disk_breach(written));
        let mut wall = pin!(tokio::time::sleep_until(
            (started + self.spec.wall_limit).into()
        ));
        let silence_limit = self.spec.silence_limit.unwrap_or(Duration::MAX / 4);
        let mut silence = pin!(tokio::time::sleep(silence_limit));
        let mut log_open = true;
        let breach = loop {
            tokio::select! {
                ended = &mut exit => {
                    ended?;
                    break None;
                }
                part = log.next(), if log_open => match part {
                    Some(Ok(part)) => {
                        on_log(part.as_ref());
                        if self.spec.silence_limit.is_some() {
                            silence.as_mut().reset(tokio::time::Instant::now() + silence_limit);
                        }
                    }
                    Some(Err(_)) | None => log_open = false,
                },
                breach = &mut disk => break Some(breach),
                () = &mut wall => break Some(Breach::Because(Outcome::TimedOut)),
                () = &mut silence, if self.spec.silence_limit.is_some() =>
                    break Some(Breach::Because(Outcome::Silent)),
                () = self.cancel.cancelled() => break Some(Breach::Because(Outcome::Cancelled)),
            }
        };
        let mut rest = pin!(rest_of_log(log, log_open, on_log).fuse());
        if breach.is_some() {
            let mut ended = pin!(async {
                self.kill().await;
                tokio::time::timeout(ACT, exit).await
            });
            loop {
                tokio::select! {
                    ended = &mut ended => {
                        ended.map_err(|_| Error::Deadline("kill"))??;
                        break;
                    }
                    // Unread, a full log would hold up the end, and the engine's answer to the kill.
                    () = &mut rest, if !rest.is_terminated() => {}
                }
            }
        }
        if !rest.is_terminated() {
            // A log that does not end is cut here.
            drop(tokio::time::timeout(LOG_REST, rest).await);
        }
        Ok(breach)
    }

    /// The stream of `wait` may break while the container goes on; the state decides.
    async fn until_exit(&self) -> Result<(), Error> {
        for _ in 0..5 {
            let mut wait = pin!(self.engine.docker.wait_container(self.name, None));
            match wait.next().await {
                Some(Ok(_) | Err(DockerError::DockerContainerWaitError { .. })) => return Ok(()),
                Some(Err(error)) => tracing::warn!(%error, "lost sight of a container"),
                None => {}
            }
            let state = self.inspect(false).await?.state.unwrap_or_default();
            if state.running == Some(false) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(Error::Deadline("wait"))
    }

    async fn kill(&self) {
        let options = KillContainerOptions {
            signal: "SIGKILL".into(),
        };
        let kill = self.engine.docker.kill_container(self.name, Some(options));
        if let Err(error) = within("kill", ACT, kill).await {
            // It may have ended in this moment; if not, the wait that follows runs out.
            tracing::debug!(%error, "kill");
        }
    }

    /// Ends when something is written beyond a limit; never otherwise.
    async fn until_disk_breach(&self, written: &Written<'_>) -> Breach {
        let mut ticks = tokio::time::interval(SPACE_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for tick in (0..WALK_EVERY).cycle() {
            ticks.tick().await;
            let short = disk::short_of_space(&self.places, self.spec.free_bytes);
            if short.is_none() && tick > 0 {
                continue;
            }
            let bytes = self.written_bytes(written).await;
            if let Some(outcome) = written.breach(bytes).await {
                return Breach::Because(outcome);
            }
            if let Some(place) = short {
                return match bytes > BLAMABLE_BYTES {
                    true => Breach::Because(Outcome::DiskFull),
                    false => Breach::Ours(Error::NoSpace(place)),
                };
            }
        }
        std::future::pending().await
    }

    async fn written_bytes(&self, written: &Written<'_>) -> u64 {
        let bytes = written.bytes().await;
        match written.is_layer_hidden {
            true => bytes.saturating_add(self.asked_size().await),
            false => bytes,
        }
    }

    /// Written since the last look. The engine is not asked again: it takes its time.
    async fn late_breach(&self, written: &Written<'_>) -> Option<Breach> {
        let outcome = written.breach(written.bytes().await).await;
        outcome.map(Breach::Because)
    }

    /// The engine walks it itself, so not so often.
    async fn asked_size(&self) -> u64 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let size = self
            .inspect(true)
            .await
            .ok()
            .and_then(|container| container.size_rw);
        size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0)
    }

    /// The engine hears of an OOM kill apart from the exit, and sometimes after it.
    async fn final_state(&self, ended_by_itself: bool) -> Result<ContainerState, Error> {
        let mut state = self.inspect(false).await?.state.unwrap_or_default();
        for _ in 0..5 {
            let killed = state.exit_code == Some(137) && state.oom_killed != Some(true);
            let unfinished = state.running == Some(true);
            if !(killed && ended_by_itself || unfinished) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            state = self.inspect(false).await?.state.unwrap_or_default();
        }
        Ok(state)
    }

    fn judge(
        &self,
        breach: Option<Breach>,
        state: &ContainerState,
        wall_ms: u64,
        log: Log,
        usage: Usage,
    ) -> Result<Finished, Error> {
        let oom_killed = state.oom_killed == Some(true);
        let exit_code = state.exit_code.unwrap_or(-1);
        let outcome = match breach {
            Some(Breach::Ours(error)) => return Err(error),
            Some(Breach::Because(Outcome::Cancelled)) => Outcome::Cancelled,
            _ if oom_killed => Outcome::OutOfMemory,
            Some(Breach::Because(outcome)) => outcome,
            None => Outcome::Finished { exit_code },
        };
        Ok(Finished {
            outcome,
            exit_code: Some(exit_code),
            started_at: time(state.started_at.as_deref()),
            finished_at: time(state.finished_at.as_deref()),
            wall_ms,
            oom_killed,
            log,
            usage,
        })
    }
}

fn no_volume(path: &str) -> Finished {
    let why = format!("the image declares a volume at {path:?}, which is no absolute path below /");
    Finished::never_started(Outcome::StartFailed(why))
}

async fn rest_of_log(log: &mut LogStream, open: bool, on_log: &mut (impl FnMut(&[u8]) + Send)) {
    while open && let Some(Ok(part)) = log.next().await {
        on_log(part.as_ref());
    }
}
