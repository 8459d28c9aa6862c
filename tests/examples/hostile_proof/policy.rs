//! The sandbox's configuration with one thing left away.

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType,
};
use molar_sandbox::{Spec, host_config};
use molar_tests::hostile::{Case, Without};

use crate::host::{GROUP, Host};

pub fn words(without: Without) -> &'static str {
    match without {
        Without::NoNetwork => "NetworkMode none: the host's instead",
        Without::NobodyElsesNetwork => "NetworkMode none: a neighbour's instead",
        Without::PidsLimit => "PidsLimit",
        Without::MemoryLimit => "Memory and MemorySwap",
        Without::ShmSize => "ShmSize",
        Without::NoCapabilities => "CapDrop ALL: Docker's usual ones and SYS_ADMIN",
        Without::NoNewPrivileges => "no-new-privileges",
        Without::Seccomp => "the default seccomp profile",
        Without::ReadOnlyInput => "ReadOnly of /inputs",
        Without::InputOfItsOwn => "one case's folder: all cases' instead",
        Without::NoHostFolder => "a file system of its own: with a folder of the host's",
        Without::NoHealthCheck => "Healthcheck NONE",
        Without::NobodyElsesProcesses => "processes of its own: a neighbour's too",
        Without::MaskedPaths => "MaskedPaths and ReadonlyPaths",
        Without::LogDriver => "LogConfig none: json-file instead",
        Without::EtcInTheRoom => "files for /etc in the room",
        Without::VolumeInTheRoom => "volumes in the room",
        Without::OutputsInTheRoom => "/outputs in the room: on a disk of the host",
        Without::LayerInTheRoom => "its layer in the room",
        Without::WallLimit => "the wall limit",
        Without::SilenceLimit => "the silence limit",
        Without::Removal => "the removal at the end",
        Without::CarefulCollection => "the careful collection: opened as any file",
        Without::Check => "the check of the archive: loaded as it is",
    }
}

/// `neighbour` is the id of a container that is there already.
pub fn body(
    host: &Host,
    case: &Case,
    spec: &Spec,
    without: Option<Without>,
    neighbour: Option<&str>,
) -> ContainerCreateBody {
    let mut config = HostConfig {
        // Absolute: below the daemon's own group otherwise, where the outer caps are not.
        cgroup_parent: Some(format!("/{GROUP}")),
        ..host_config(spec, &case.image.volumes)
    };
    let mut health = Some(HealthConfig {
        test: Some(vec!["NONE".to_owned()]),
        ..HealthConfig::default()
    });
    let theirs = neighbour.map(|id| format!("container:{id}"));
    match without {
        Some(Without::NoNetwork) => {
            config.network_mode = Some("host".to_owned());
            // An engine that remaps users gives the host's network to nobody else.
            config.userns_mode = Some("host".to_owned());
        }
        Some(Without::NobodyElsesNetwork) => config.network_mode = theirs,
        Some(Without::NobodyElsesProcesses) => config.pid_mode = theirs,
        Some(Without::PidsLimit) => config.pids_limit = None,
        Some(Without::MemoryLimit) => (config.memory, config.memory_swap) = (None, None),
        Some(Without::ShmSize) => config.shm_size = Some(512 << 20),
        Some(Without::NoCapabilities) => {
            config.cap_drop = None;
            config.cap_add = Some(vec!["SYS_ADMIN".to_owned()]);
        }
        Some(Without::NoNewPrivileges) => config.security_opt = None,
        Some(Without::Seccomp) => {
            let options = ["no-new-privileges", "seccomp=unconfined"];
            config.security_opt = Some(options.map(str::to_owned).to_vec());
        }
        Some(Without::MaskedPaths) => {
            (config.masked_paths, config.readonly_paths) = (Some(Vec::new()), Some(Vec::new()));
        }
        Some(Without::NoHealthCheck) => health = None,
        Some(Without::LogDriver) => {
            config.log_config = Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: None,
            });
        }
        Some(without) => change_mounts(host, config.mounts.get_or_insert_default(), without),
        None => {}
    }
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        cmd: Some(vec![
            "/bin/sh".to_owned(),
            "/opt/algorithm/predict.sh".to_owned(),
        ]),
        hostname: Some("case".to_owned()).filter(|_| {
            without != Some(Without::NoNetwork) && without != Some(Without::NobodyElsesNetwork)
        }),
        healthcheck: health,
        host_config: Some(config),
        ..ContainerCreateBody::default()
    }
}

fn change_mounts(host: &Host, mounts: &mut Vec<Mount>, without: Without) {
    let at = |mounts: &mut Vec<Mount>, target: &str, change: &dyn Fn(&mut Mount)| {
        let found = mounts
            .iter_mut()
            .filter(|mount| mount.target.as_deref() == Some(target));
        found.for_each(change);
    };
    let path = |path: &std::path::Path| Some(path.to_string_lossy().into_owned());
    match without {
        Without::ReadOnlyInput => at(mounts, "/inputs", &|mount| mount.read_only = Some(false)),
        Without::InputOfItsOwn => at(mounts, "/inputs", &|mount| {
            mount.source = path(&host.place().join("cases/open"))
        }),
        Without::OutputsInTheRoom => {
            at(mounts, "/outputs", &|mount| mount.source = path(&host.disk))
        }
        Without::EtcInTheRoom => mounts.retain(|mount| {
            !mount
                .target
                .as_deref()
                .is_some_and(|target| target.starts_with("/etc/"))
        }),
        Without::VolumeInTheRoom => mounts
            .iter_mut()
            .for_each(|mount| mount.volume_options = None),
        Without::NoHostFolder => mounts.push(Mount {
            typ: Some(MountType::BIND),
            source: path(host.place()),
            target: path(host.place()),
            read_only: Some(true),
            ..Mount::default()
        }),
        _ => {}
    }
}
