use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, DeviceRequest, HealthConfig, HostConfig, HostConfigLogConfig, Mount,
    MountType, MountVolumeOptions, MountVolumeOptionsDriverConfig, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};

use crate::Room;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Nothing runs where less is free.
pub const FREE_BYTES: u64 = 5 * GIB;

/// Whose run a container is; the reaper asks by these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    pub submission: String,
    pub attempt: String,
    pub case_run: String,
    /// Who started it: two workers on one engine must not reap each other's.
    pub worker: String,
}

/// One case of one image, with every limit on it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// `sha256:…` of the image's config.
    pub image: String,
    pub labels: Labels,
    /// Mounted read-only at `/inputs`.
    pub inputs: PathBuf,
    /// Holds `/outputs` and whatever else the container writes.
    pub room: Room,
    /// Without swap beside it; what lies in `/dev/shm` counts too.
    pub memory_bytes: u64,
    pub shm_bytes: u64,
    pub pids: u32,
    pub nofile: u32,
    /// None is without limit: CUDA pins memory, and the memory limit bounds it.
    pub memlock_bytes: Option<u64>,
    /// As in `0-3,8`; none is every core.
    pub cpuset: Option<String>,
    pub wall_limit: Duration,
    /// How long the container may write nothing to its log; none is for ever.
    pub silence_limit: Option<Duration>,
    /// Kept of the log, half of it from the start and half from the end.
    pub log_bytes: u64,
    pub output_bytes: u64,
    /// What the container may write outside `/outputs`: its own file system and its volumes.
    pub layer_bytes: u64,
    /// Free space and its own to be left on the disks of the engine and of the room.
    pub free_bytes: u64,
    /// UUID of the one GPU.
    pub gpu: Option<String>,
    /// Only what is mounted may be written then.
    pub is_root_read_only: bool,
    /// None is the engine's default.
    pub runtime: Option<String>,
}

impl Spec {
    /// The limits of the STS 2024 final phases (OPG's wall limit) and, where the challenge sets none,
    /// ours.
    pub fn sts2024_defaults(
        image: impl Into<String>,
        labels: Labels,
        inputs: impl Into<PathBuf>,
        room: Room,
    ) -> Self {
        Self {
            image: image.into(),
            labels,
            inputs: inputs.into(),
            room,
            memory_bytes: 28 * GIB,
            shm_bytes: 28 * GIB,
            pids: 4096,
            nofile: 65_536,
            memlock_bytes: None,
            cpuset: None,
            wall_limit: Duration::from_secs(300),
            silence_limit: None,
            log_bytes: 1 << 20,
            output_bytes: GIB,
            layer_bytes: 20 * GIB,
            free_bytes: FREE_BYTES,
            gpu: None,
            is_root_read_only: false,
            runtime: None,
        }
    }
}

pub(crate) const LABEL_SUBMISSION: &str = "molar.submission";
const LABEL_ATTEMPT: &str = "molar.attempt";
const LABEL_CASE_RUN: &str = "molar.case_run";
const LABEL_WORKER: &str = "molar.worker";

impl Labels {
    fn to_map(&self) -> HashMap<String, String> {
        [
            (LABEL_SUBMISSION, &self.submission),
            (LABEL_ATTEMPT, &self.attempt),
            (LABEL_CASE_RUN, &self.case_run),
            (LABEL_WORKER, &self.worker),
        ]
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .into()
    }

    pub(crate) fn from_map(map: &HashMap<String, String>) -> Self {
        let get = |key| map.get(key).cloned().unwrap_or_default();
        Self {
            submission: get(LABEL_SUBMISSION),
            attempt: get(LABEL_ATTEMPT),
            case_run: get(LABEL_CASE_RUN),
            worker: get(LABEL_WORKER),
        }
    }
}

const INPUTS: &str = "/inputs";
const OUTPUTS: &str = "/outputs";

/// ENTRYPOINT, user and working directory stay the image's. `volumes` are those it declares.
pub(crate) fn create_body(spec: &Spec, volumes: &[String]) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        cmd: Some(vec!["/bin/sh".into(), "/opt/algorithm/predict.sh".into()]),
        labels: Some(spec.labels.to_map()),
        hostname: Some("case".into()),
        env: env(spec),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        // A HEALTHCHECK would run beside the algorithm and be measured with it.
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".into()]),
            ..Default::default()
        }),
        host_config: Some(host_config(spec, volumes)),
        ..Default::default()
    }
}

/// Where NVIDIA's runtime is the engine's own, an image that asks for all GPUs would get them.
fn env(spec: &Spec) -> Option<Vec<String>> {
    let is_without = spec.gpu.is_none();
    is_without.then(|| vec!["NVIDIA_VISIBLE_DEVICES=void".into()])
}

/// Everything that stands between the container and the host. Pinned by a test.
pub fn host_config(spec: &Spec, volumes: &[String]) -> HostConfig {
    HostConfig {
        network_mode: Some("none".into()),
        ipc_mode: Some("private".into()),
        cap_drop: Some(vec!["ALL".into()]),
        security_opt: Some(vec!["no-new-privileges".into()]),
        privileged: Some(false),
        readonly_rootfs: Some(spec.is_root_read_only),
        memory: Some(signed(spec.memory_bytes)),
        // Memory and swap together: equal is no swap.
        memory_swap: Some(signed(spec.memory_bytes)),
        oom_kill_disable: Some(false),
        shm_size: Some(signed(spec.shm_bytes)),
        pids_limit: Some(i64::from(spec.pids)),
        cpuset_cpus: spec.cpuset.clone(),
        ulimits: Some(ulimits(spec)),
        mounts: Some(mounts(spec, volumes)),
        device_requests: spec.gpu.as_ref().map(|gpu| vec![one_gpu(gpu)]),
        runtime: spec.runtime.clone(),
        // The log is read while it is written and never lies on the engine's disk.
        log_config: Some(HostConfigLogConfig {
            typ: Some("none".into()),
            config: None,
        }),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        auto_remove: Some(false),
        ..Default::default()
    }
}

fn ulimits(spec: &Spec) -> Vec<ResourcesUlimits> {
    let mut ulimits = vec![
        ulimit("nofile", i64::from(spec.nofile)),
        ulimit("memlock", spec.memlock_bytes.map_or(-1, signed)),
        ulimit("core", 0),
    ];
    if !spec.room.is_bounded() {
        // One file at a time, at least; more than the budget, or nobody would notice. Not where the
        // room is bounded: it would refuse sparse files, and those in /dev/shm.
        let most = spec.layer_bytes.max(spec.output_bytes).max(spec.shm_bytes);
        ulimits.push(ulimit("fsize", signed(most.saturating_add(MIB))));
    }
    ulimits
}

fn mounts(spec: &Spec, volumes: &[String]) -> Vec<Mount> {
    let mut mounts = vec![
        bind(&spec.inputs, INPUTS, true),
        bind(&spec.room.outputs(), OUTPUTS, false),
    ];
    let etc = spec.room.etc();
    mounts.extend(etc.map(|(source, target)| bind(&source, &target, false)));
    let volumes = volumes.iter().enumerate();
    mounts.extend(volumes.map(|(index, target)| volume(&spec.room.volume(index), target)));
    mounts
}

/// Anonymous, so that it goes with the container; by the engine's own driver, so that it brings what
/// the image has at that path.
fn volume(folder: &std::path::Path, target: &str) -> Mount {
    let options = [
        ("type", "none".to_owned()),
        ("o", "bind".to_owned()),
        ("device", folder.to_string_lossy().into_owned()),
    ];
    Mount {
        typ: Some(MountType::VOLUME),
        target: Some(target.into()),
        volume_options: Some(MountVolumeOptions {
            driver_config: Some(MountVolumeOptionsDriverConfig {
                name: Some("local".into()),
                options: Some(options.map(|(key, value)| (key.to_owned(), value)).into()),
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Paths that an image declares as volumes, each once and as the engine reads them, without those
/// where we mount something ourselves. The first that is no path for a volume is an error.
pub(crate) fn volume_targets(spec: &Spec, declared: &[String]) -> Result<Vec<String>, String> {
    let mut targets = BTreeSet::new();
    for path in declared {
        let target = cleaned(path);
        if !path.starts_with('/') || target == "/" {
            return Err(path.clone());
        }
        targets.insert(target);
    }
    let ours: Vec<_> = mounts(spec, &[])
        .into_iter()
        .map(|mount| mount.target)
        .collect();
    targets.retain(|target| !ours.contains(&Some(target.clone())));
    Ok(targets.into_iter().collect())
}

/// By its letters, as Go's `path.Clean` does.
fn cleaned(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn ulimit(name: &str, value: i64) -> ResourcesUlimits {
    ResourcesUlimits {
        name: Some(name.into()),
        soft: Some(value),
        hard: Some(value),
    }
}

fn bind(source: &std::path::Path, target: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.to_string_lossy().into_owned()),
        target: Some(target.into()),
        read_only: Some(read_only),
        ..Default::default()
    }
}

fn one_gpu(id: &str) -> DeviceRequest {
    DeviceRequest {
        driver: Some("nvidia".into()),
        device_ids: Some(vec![id.into()]),
        capabilities: Some(vec![vec!["gpu".into()]]),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests;
