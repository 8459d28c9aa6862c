//! The process of a worker.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use molar_domain::worker_api::{Beat, Device, Enrol};
use molar_queue::AmqpArgs;
use molar_sandbox::{Engine, Gpu};
use molar_service::process::Tasks;
use molar_service::{Shutdown, telemetry};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use crate::api::{Api, Error};
use crate::canary::Reader;
use crate::case::Context;
use crate::config::Config;
use crate::doorbell::{self, Doorbell};
use crate::load::Loader;
use crate::run::Slot;
use crate::{claim, credentials, device};

const BEAT_EVERY: Duration = Duration::from_secs(10);

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
    let engine = Engine::connect(&config.docker_socket)
        .await
        .with_context(|| {
            format!(
                "no Docker Engine answers at {}",
                config.docker_socket.display()
            )
        })?
        .with_gpu(gpu.clone());
    let device = device::find(&engine, gpu.as_ref(), config.slots).await?;
    let memory = device::slot_memory_bytes(&device, config.slots, config.slot_memory_bytes);
    let cores = u32::try_from(engine.info().await?.ncpu).unwrap_or(1);
    if let Some(why) = device::oversubscribed(&device, cores, config.slots, memory) {
        bail!("times on slots that share a machine's parts mean nothing: {why}");
    }
    let api = identify(&config, &device, memory).await?;
    let beat = Beat {
        device: device.clone(),
        slots: config.slots,
        slot_memory_bytes: memory,
    };
    let known = first_beat(&api, &beat, &shutdown).await?;
    tracing::info!(worker.id = %known.worker_id, class = known.device_class, slots = config.slots, "ready");

    let worker = known.worker_id.to_string();
    // A container of ours that still runs belongs to a life of this worker that has ended.
    let reaped = engine.reap(|labels| labels.worker != worker).await?;
    if reaped > 0 {
        tracing::info!(reaped, "containers left by an earlier life removed");
    }
    let context = Arc::new(Context {
        api: api.clone(),
        engine,
        device: device.clone(),
        loader: Loader::default(),
        doorbell: Doorbell::default(),
        reader: Reader::default(),
        cases: empty_folder(&config.work_dir)?,
        abandon: CancellationToken::new(),
    });

    let mut tasks = Tasks::default();
    let stop = shutdown.token();
    let cards = gpu.as_ref().map(device::cards).unwrap_or_default();
    for index in 0..config.slots {
        let card = cards.get(usize::from(index)).map(|card| card.uuid.clone());
        let slot = Slot {
            index,
            cores: device.cores,
            gpu: card,
            runtime: config.runtime.clone(),
            worker: worker.clone(),
        };
        tasks.spawn("slot", claim::work(context.clone(), slot, stop.clone()));
    }
    tasks.spawn(
        "beat",
        beats(api, beat, context.doorbell.clone(), stop.clone()),
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

/// Ends with the shutdown; a run that outlasts the grace period is abandoned meanwhile.
async fn abandon_after(stop: CancellationToken, grace: Duration, abandon: CancellationToken) {
    stop.cancelled().await;
    tokio::spawn(async move {
        tokio::time::sleep(grace).await;
        abandon.cancel();
    });
}

/// The API with the worker's key: the one it has, or a new one for its enrolment token.
async fn identify(config: &Config, device: &Device, memory: u64) -> anyhow::Result<Api> {
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
        slots: config.slots,
        slot_memory_bytes: memory,
        device_class: config.class.clone(),
        device: device.clone(),
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

async fn beats(api: Api, beat: Beat, doorbell: Doorbell, stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(BEAT_EVERY))
        .await
        .is_some()
    {
        match api.beat(&beat).await {
            Ok(answer) => doorbell.set_draining(answer.is_draining),
            Err(error) => tracing::warn!(%error, "the platform does not answer"),
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
