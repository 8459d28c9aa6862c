//! The process of a worker.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use molar_domain::SystemClock;
use molar_domain::limits::Runtime;
use molar_domain::worker_api::{Beat, Enrol};
use molar_queue::AmqpArgs;
use molar_sandbox::{Engine, Gpu};
use molar_service::process::Tasks;
use molar_service::{Shutdown, telemetry};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use crate::api::{Api, Error};
use crate::canary::Reader;
use crate::card::Card;
use crate::case::Context;
use crate::config::Config;
use crate::doorbell::{self, Doorbell};
use crate::images::Images;
use crate::load::Loader;
use crate::run::Slot;
use crate::space::Space;
use crate::{claim, credentials, device};

const BEAT_EVERY: Duration = Duration::from_secs(10);
const REAP_EVERY: Duration = Duration::from_secs(10);

/// Works until stopped. The first signal lets running cases end within the grace period, then gives
/// them back.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let names: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .collect();
    if let Some(name) = credentials::forbidden(names.iter().map(String::as_str)) {
        bail!(
            "a worker runs strangers' code and must hold no credentials: take {name} out of its environment"
        );
    }
    telemetry::init(&config.log)?;
    molar_service::process::log_start("worker", &config);
    let shutdown = Shutdown::new(Duration::from_secs(config.shutdown.grace_s));
    shutdown.on_signals()?;

    let gpu = Gpu::detect();
    let engine = connect(&config).await?.with_gpu(gpu.clone());
    let device = device::find(&engine, config.slots).await?;
    let memory = device::slot_memory_bytes(&device, config.slots, config.slot_memory_bytes);
    let cores = u32::try_from(engine.info().await?.ncpu).unwrap_or(1);
    if let Some(why) = device::oversubscribed(&device, cores, config.slots, memory) {
        bail!("times on slots that share a machine's parts mean nothing: {why}");
    }
    let mut cards = gpu.as_ref().map(Card::all).unwrap_or_default();
    cards.truncate(config.slots.into());
    let seen = |card: Option<&Arc<Card>>| match card {
        Some(card) => device::with_gpu(&device, &card.device),
        None => device.clone(),
    };
    let beat = Beat {
        device: seen(cards.first()),
        slots: config.slots,
        gpus: fit(&cards),
        slot_memory_bytes: memory,
        runtimes: runtimes(&engine).await?,
        keeps_root_out: engine.keeps_root_out(config.runtime.as_deref()),
        remaps_users: engine.keeps_root_out(Some(Runtime::Runc.as_str())),
    };
    let api = identify(&config, &beat).await?;
    let known = first_beat(&api, &beat, &shutdown).await?;
    tracing::info!(worker.id = %known.worker_id, class = known.device_class, slots = config.slots, "ready");

    let worker = known.worker_id.to_string();
    // A container of ours that still runs belongs to a life of this worker that has ended.
    engine.reap(|labels| labels.worker != worker).await?;
    let context = Arc::new(Context {
        api: api.clone(),
        loader: loader(&config, &engine).await?,
        engine,
        doorbell: Doorbell::default(),
        reader: Reader::default(),
        cases: empty_folder(&config.work_dir)?,
        abandon: CancellationToken::new(),
    });

    let mut tasks = Tasks::default();
    let stop = shutdown.token();
    for index in 0..config.slots {
        let card = cards.get(usize::from(index));
        let slot = Slot {
            index,
            device: seen(card),
            card: card.cloned(),
            runtime: config.runtime.clone(),
            worker: worker.clone(),
            free_bytes: config.free_bytes,
        };
        tasks.spawn("slot", claim::work(context.clone(), slot, stop.clone()));
    }
    tasks.spawn(
        "beat",
        beats(api, beat, cards, context.doorbell.clone(), stop.clone()),
    );
    tasks.spawn(
        "reaper",
        reap(context.clone(), worker.clone(), stop.clone()),
    );
    if let Some(url) = &config.amqp_url {
        let args = AmqpArgs {
            amqp_url: url.clone(),
        };
        tasks.spawn(
            "doorbell",
            doorbell::listen(
                args,
                known.device_class,
                known.worker_id,
                context.doorbell.clone(),
                stop.clone(),
            ),
        );
    }
    tasks.spawn(
        "grace",
        abandon_after(stop, shutdown.grace(), context.abandon.clone()),
    );
    Ok(tasks.run(&shutdown).await?)
}

/// To the engine of this machine, as it can run what teams send.
async fn connect(config: &Config) -> anyhow::Result<Engine> {
    let socket = config.docker_socket.display();
    let engine = Engine::connect(&config.docker_socket)
        .await
        .with_context(|| format!("no Docker Engine answers at {socket}"))?;
    if !engine.is_here().await? {
        let data = engine.info().await?.root_dir;
        bail!(
            "the Docker Engine at {socket} keeps its data in {data}, which is not here: run the worker on the \
             engine's own host and, where it runs in a container, mount that folder at the same path"
        );
    }
    let runtime = config.runtime.as_deref();
    if let Some(runtime) = runtime
        && !engine
            .info()
            .await?
            .runtimes
            .iter()
            .any(|known| known == runtime)
    {
        bail!("the Docker Engine at {socket} has no runtime {runtime}: name it in its daemon.json");
    }
    if !engine.keeps_root_out(runtime) {
        tracing::warn!(
            "images that run as root are given back: root in a container would be root of this host; \
             start dockerd with --userns-remap=default, or give the worker --runtime runsc"
        );
    }
    Ok(engine)
}

async fn loader(config: &Config, engine: &Engine) -> anyhow::Result<Loader> {
    std::fs::create_dir_all(&config.work_dir)?;
    let engine_disk = engine.info().await?.root_dir;
    let space = Space::new(
        [engine_disk.into(), config.work_dir.clone()],
        config.free_bytes,
    );
    let budget = (config.image_budget_bytes).unwrap_or_else(|| space.default_budget_bytes());
    let images = Images::open(config.work_dir.join("images.json"), budget);
    Ok(Loader::new(images, space, Arc::new(SystemClock)))
}

async fn runtimes(engine: &Engine) -> anyhow::Result<Vec<Runtime>> {
    let known = engine.info().await?.runtimes;
    Ok(known.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Ends with the shutdown; a run that outlasts the grace period is abandoned meanwhile.
async fn abandon_after(stop: CancellationToken, grace: Duration, abandon: CancellationToken) {
    stop.cancelled().await;
    tokio::spawn(async move {
        tokio::time::sleep(grace).await;
        abandon.cancel();
    });
}

/// The API with the worker's key: the one it has, or a new one for its enrolment token.
async fn identify(config: &Config, beat: &Beat) -> anyhow::Result<Api> {
    let api = Api::new(&config.api)?;
    match std::fs::read_to_string(&config.key_file) {
        Ok(key) => return Ok(api.with_key(key.trim().to_owned().into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot read {}", config.key_file.display()));
        }
    }
    let Some(token) = &config.enrolment_token else {
        bail!(
            "this worker has no key in {} and no enrolment token: `molar admin enrolment-token` makes one",
            config.key_file.display()
        );
    };
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let body = Enrol {
        token: token.expose_secret().to_owned(),
        name: config.name.clone().unwrap_or(host),
        slots: beat.slots,
        gpus: beat.gpus,
        slot_memory_bytes: beat.slot_memory_bytes,
        device_class: config.class.clone(),
        device: beat.device.clone(),
    };
    let enrolled = api.enrol(&body).await.context("enrolment failed")?;
    let key: SecretString = enrolled.key.into();
    save(&config.key_file, &key)
        .with_context(|| format!("cannot write {}", config.key_file.display()))?;
    Ok(api.with_key(key))
}

fn save(path: &Path, key: &SecretString) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(key.expose_secret().as_bytes())?;
    file.sync_all()
}

async fn first_beat(
    api: &Api,
    beat: &Beat,
    shutdown: &Shutdown,
) -> anyhow::Result<molar_domain::worker_api::BeatAnswer> {
    loop {
        match api.beat(beat).await {
            Ok(answer) => return Ok(answer),
            Err(Error::Away(why)) if !shutdown.has_begun() => {
                tracing::warn!(why, "the platform does not answer yet");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Those that can take a case now.
fn fit(cards: &[Arc<Card>]) -> u16 {
    let fit = cards.iter().filter(|card| card.is_fit()).count();
    u16::try_from(fit).unwrap_or(u16::MAX)
}

async fn beats(
    api: Api,
    mut beat: Beat,
    cards: Vec<Arc<Card>>,
    doorbell: Doorbell,
    stop: CancellationToken,
) {
    while stop
        .run_until_cancelled(tokio::time::sleep(BEAT_EVERY))
        .await
        .is_some()
    {
        beat.gpus = fit(&cards);
        match api.beat(&beat).await {
            Ok(answer) => doorbell.set_draining(answer.is_draining),
            Err(error) => tracing::warn!(%error, "the platform does not answer"),
        }
    }
}

/// Removes what no run in hand has made: of one that was given up while the engine was away.
async fn reap(context: Arc<Context>, worker: String, stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(REAP_EVERY))
        .await
        .is_some()
    {
        let reaped = context.engine.reap(|labels| labels.worker != worker);
        if let Err(error) = reaped.await {
            tracing::warn!(%error, "the engine does not answer");
        }
    }
}

/// A folder that only the worker can enter, emptied of what an earlier life left.
fn empty_folder(work_dir: &Path) -> anyhow::Result<std::path::PathBuf> {
    let cases = work_dir.join("cases");
    molar_sandbox::clear(&cases).with_context(|| format!("cannot empty {}", cases.display()))?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&cases)?;
    // The engine wants absolute paths.
    Ok(cases.canonicalize()?)
}
