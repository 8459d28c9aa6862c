//! A slot as a worker has one: image after image, case after case, in the same folder.

use std::io::{Cursor, Read as _};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use bollard::query_parameters::ListContainersOptions;
use bollard::{API_DEFAULT_VERSION, Docker};
use molar_sandbox::collect::collect_output;
use molar_sandbox::image::inspect_archive;
use molar_sandbox::{Engine, Event, Finished, Labels, Spec, clear};
use tokio_util::sync::CancellationToken;

use super::bait::{Bait, FreeSpace};
use super::build::build;
use super::case::{Case, Still};
use super::tag;
use super::traces::Trail;
use super::verdict::Verdict;

pub const INPUT: &str = "case.txt";
pub const PREDICTION: &str = "case_Mask.json";
/// Of a bomb; far more than a room holds.
const BOMB: u64 = 4 << 30;
/// Far below a bomb, and more than whatever else this machine does meanwhile.
const NOISE: u64 = 1 << 30;

pub struct Slot {
    pub engine: Engine,
    pub docker: Docker,
    pub bait: Bait,
    /// Of the engine.
    pub root: PathBuf,
    /// Of all cases; removed with the slot.
    place: tempfile::TempDir,
    cores: String,
    runtime: String,
    mark: String,
}

impl Slot {
    pub async fn open(socket: &str, core: usize, runtime: &str) -> anyhow::Result<Self> {
        let engine = Engine::connect(socket).await?;
        let docker = Docker::connect_with_unix(socket, 60, API_DEFAULT_VERSION)?;
        let place = tempfile::Builder::new().prefix("molar-hostile").tempdir()?;
        let other = place.path().join("cases/other");
        Ok(Self {
            docker: docker.negotiate_version().await?,
            bait: Bait::set(place.path(), &other)?,
            root: engine.info().await?.root_dir.into(),
            engine,
            place,
            cores: core.to_string(),
            runtime: runtime.to_owned(),
            mark: uuid::Uuid::new_v4().simple().to_string(),
        })
    }

    pub fn folder(&self) -> PathBuf {
        self.place.path().join("cases/this")
    }

    /// Judges an image, then that of `successor` on the same slot. What is wrong is in the list.
    pub async fn judge(
        &self,
        case: &Case,
        successor: &Case,
    ) -> anyhow::Result<(Verdict, Vec<String>)> {
        let disks = [self.root.clone(), self.place.path().to_owned()].map(FreeSpace::watch);
        let (verdict, mut complaints) = self.play(case).await?;
        for disk in disks {
            let fallen = disk.fallen_by();
            if fallen > NOISE {
                complaints.push(format!("the host's disk lost {} MiB", fallen >> 20));
            }
        }
        if case.expect.still.contains(&Still::TagIsAnothers) {
            let is_anothers = tag::is_anothers(&self.docker).await?;
            complaints.extend((!is_anothers).then(|| "its tag is honoured".to_owned()));
        }
        let (_, after) = self.play(successor).await.context("the successor")?;
        complaints.extend(
            after
                .into_iter()
                .map(|complaint| format!("the next on this slot: {complaint}")),
        );
        Ok((verdict, complaints))
    }

    /// Check, load, run, collect, and a look at what is left.
    async fn play(&self, case: &Case) -> anyhow::Result<(Verdict, Vec<String>)> {
        let (to_build, mark) = (case.clone(), self.mark.clone());
        let built = tokio::task::spawn_blocking(move || build(&to_build, &mark)).await??;
        let folder = self.folder();
        let case_run = uuid::Uuid::new_v4().to_string();
        let begun = Instant::now();
        let limits = case.limits.of_image();
        let (archive, checked) = tokio::task::spawn_blocking(move || {
            let checked = inspect_archive(&built.archive[..], &limits);
            (built.archive, checked)
        })
        .await?;
        let mut container = None;
        let mut verdict = match checked {
            Err(error) => {
                ensure!(!error.is_ours(), error);
                Verdict::refused(&error)
            }
            Ok(facts) => {
                ensure!(
                    facts.image_digest == built.digest,
                    "another digest than built"
                );
                self.engine
                    .load(Cursor::new(archive), &built.digest)
                    .await?;
                let spec = self.furnish(case, &built.digest, &case_run).await?;
                let (finished, seen) = self.run(&spec).await?;
                container = seen;
                self.collect(case, &spec, &finished)?
            }
        };
        verdict.took = begun.elapsed();
        clear(&folder)?;
        ensure!(
            self.engine.remove_image(&built.digest).await?,
            "the image is in use"
        );
        let mut complaints = verdict.complaints(case, &self.bait);
        let trail = Trail {
            docker: &self.docker,
            root: &self.root,
            folder: &folder,
            case_run: &case_run,
            container: container.as_deref(),
            digest: &built.digest,
        };
        complaints.extend(
            trail
                .left()
                .await?
                .into_iter()
                .map(|left| format!("left behind: {left}")),
        );
        Ok((verdict, complaints))
    }

    async fn furnish(&self, case: &Case, image: &str, case_run: &str) -> anyhow::Result<Spec> {
        let folder = self.folder();
        clear(&folder)?;
        let inputs = folder.join("inputs");
        std::fs::create_dir_all(&inputs)?;
        std::fs::write(inputs.join(INPUT), self.bait.to_text(BOMB))?;
        let room = self
            .engine
            .open_room(&folder.join("room"), case.limits.room_bytes())
            .await?;
        ensure!(
            room.is_bounded(),
            "no file system of its own for what it writes"
        );
        let labels = Labels {
            submission: "hostile".to_owned(),
            attempt: case.name.clone(),
            case_run: case_run.to_owned(),
            worker: "hostile-suite".to_owned(),
        };
        Ok(Spec {
            cpuset: Some(self.cores.clone()),
            runtime: Some(self.runtime.clone()),
            ..case.limits.spec(image, labels, &inputs, room)
        })
    }

    /// With the container's id, where it lived long enough to be asked for it.
    async fn run(&self, spec: &Spec) -> anyhow::Result<(Finished, Option<String>)> {
        let (sender, started) = tokio::sync::oneshot::channel();
        let mut sender = Some(sender);
        let events = move |event: Event<'_>| {
            if let (Event::Started, Some(sender)) = (event, sender.take()) {
                let _ = sender.send(());
            }
        };
        let run = Box::pin(self.engine.run(spec, CancellationToken::new(), events));
        let label = format!("molar.case_run={}", spec.labels.case_run);
        let id = async {
            started.await.ok()?;
            let options = ListContainersOptions {
                all: true,
                filters: Some([("label".to_owned(), vec![label])].into()),
                ..ListContainersOptions::default()
            };
            let containers = self.docker.list_containers(Some(options)).await.ok()?;
            containers.into_iter().next()?.id
        };
        let (finished, id) = tokio::join!(run, id);
        Ok((finished?, id))
    }

    fn collect(&self, case: &Case, spec: &Spec, finished: &Finished) -> anyhow::Result<Verdict> {
        let most = case.limits.output_mib << 20;
        let collected =
            collect_output(&spec.room.outputs(), PREDICTION, most).and_then(|mut file| {
                let mut bytes = Vec::new();
                file.file.read_to_end(&mut bytes)?;
                Ok((file, bytes))
            });
        let mut verdict = Verdict::of(finished, collected);
        let inputs = std::fs::read_dir(&spec.inputs)?.count();
        let input = std::fs::read_to_string(spec.inputs.join(INPUT))?;
        verdict.is_input_whole = inputs == 1 && input == self.bait.to_text(BOMB);
        Ok(verdict)
    }

    pub fn runtime(&self) -> &str {
        &self.runtime
    }
}
