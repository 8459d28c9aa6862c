//! Whether root in a container would be root of the host.

use std::path::Path;

use bollard::models::SystemInfo;

/// What an engine does about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Isolation {
    /// Users of its containers are others outside: userns-remap, or an engine that is not root itself.
    is_remapped: bool,
    default_runtime: String,
    /// Whoever started us built the images themselves.
    pub trusts_root: bool,
    /// Who root of a container is outside, where the engine says it.
    pub root: Option<(u32, u32)>,
}

impl Isolation {
    pub fn of(info: &SystemInfo) -> Self {
        let options = info.security_options.iter().flatten();
        let mut names = options.filter_map(|option| {
            let (_, name) = option
                .split(',')
                .find_map(|part| part.split_once("name="))?;
            Some(name)
        });
        let is_remapped = names.any(|name| matches!(name, "userns" | "rootless"));
        let data = info.docker_root_dir.as_deref().unwrap_or_default();
        Self {
            is_remapped,
            default_runtime: info.default_runtime.clone().unwrap_or_default(),
            trusts_root: false,
            root: is_remapped.then(|| owner_in(Path::new(data))).flatten(),
        }
    }

    pub fn keeps_root_out(&self, runtime: Option<&str>) -> bool {
        let runtime = runtime.unwrap_or(&self.default_runtime);
        self.is_remapped || runtime.rsplit('.').next() == Some("runsc")
    }
}

/// An engine that remaps users keeps its data in a folder `uid.gid`.
fn owner_in(data: &Path) -> Option<(u32, u32)> {
    let (uid, gid) = data.file_name()?.to_str()?.split_once('.')?;
    Some((uid.parse().ok()?, gid.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(options: &[&str], runtime: &str, data: &str) -> SystemInfo {
        SystemInfo {
            security_options: Some(options.iter().map(|&option| option.into()).collect()),
            default_runtime: Some(runtime.into()),
            docker_root_dir: Some(data.into()),
            ..Default::default()
        }
    }

    #[test]
    fn an_engine_that_remaps_users_keeps_root_out_and_says_who_it_is() {
        let options = ["name=seccomp,profile=default", "name=userns"];
        let remapped = Isolation::of(&info(&options, "runc", "/data/100000.100001"));
        assert!(remapped.keeps_root_out(None));
        assert_eq!(remapped.root, Some((100_000, 100_001)));
        let rootless = Isolation::of(&info(&["name=rootless"], "runc", "/home/me/docker"));
        assert!(rootless.keeps_root_out(Some("runc")));
        assert_eq!(rootless.root, None);
    }

    #[test]
    fn a_plain_engine_keeps_root_out_with_a_kernel_between_only() {
        let options = ["name=seccomp,profile=default"];
        let plain = Isolation::of(&info(&options, "runc", "/data/1.1"));
        assert!(!plain.keeps_root_out(None));
        assert!(!plain.keeps_root_out(Some("nvidia")));
        assert!(plain.keeps_root_out(Some("runsc")));
        assert_eq!(plain.root, None);
        let gvisor = Isolation::of(&info(&options, "io.containerd.runsc", "/data"));
        assert!(gvisor.keeps_root_out(None));
        assert!(!gvisor.keeps_root_out(Some("runc")));
    }
}
