//! Whether root in a container would be root of the host.

use std::path::Path;
use std::time::Duration;

use bollard::models::SystemInfo;
use bollard::query_parameters::DownloadFromContainerOptions;
use futures_util::StreamExt;

use crate::engine::{ANSWER, is_not_found};
use crate::image::{Passwd, Uid, first_file, resolve};
use crate::{Engine, Error};

/// Of `/etc/passwd`; an image with more users than that is taken for one that runs as root.
const PASSWD_BYTES: usize = 1 << 20;

/// What an engine does about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Isolation {
    /// Users of its containers are others outside: userns-remap, or an engine that is not root itself.
    is_remapped: bool,
    default_runtime: String,
    /// Whoever started us built the images themselves.
    trusts_root: bool,
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

impl Engine {
    /// Whether root in a container that this runtime starts (none: the engine's own) is somebody
    /// without rights outside, or behind a kernel of its own. Elsewhere [`run`](Self::run) refuses
    /// images that run as root.
    pub fn keeps_root_out(&self, runtime: Option<&str>) -> bool {
        self.isolation.keeps_root_out(runtime)
    }

    /// For images that whoever runs this has built: on their own machine they may be root of it. Never for
    /// a worker.
    pub fn trusting_root(mut self) -> Self {
        self.isolation.trusts_root = true;
        self
    }

    pub(crate) fn may_run_root(&self, runtime: Option<&str>) -> bool {
        self.isolation.trusts_root || self.isolation.keeps_root_out(runtime)
    }

    /// Whether a container that was created of an image with this `USER` may start as root.
    pub(crate) async fn may_be_root(&self, container: &str, user: &str) -> Result<bool, Error> {
        // Of a number the file says nothing.
        let without = resolve(user, &Passwd::Unclear);
        if without != Uid::Unclear {
            return Ok(without.may_be_root());
        }
        let passwd = self.passwd(container).await?;
        let passwd = match &passwd {
            Some(text) if text.is_empty() => Passwd::Absent,
            Some(text) => Passwd::Is(text),
            None => Passwd::Unclear,
        };
        Ok(resolve(user, &passwd).may_be_root())
    }

    /// None where it is more than we read, or no file. Empty where there is none.
    async fn passwd(&self, container: &str) -> Result<Option<Vec<u8>>, Error> {
        let options = DownloadFromContainerOptions {
            path: "/etc/passwd".into(),
        };
        let mut parts = self
            .docker
            .download_from_container(container, Some(options));
        let mut tar = Vec::new();
        let deadline = tokio::time::Instant::now() + ANSWER + Duration::from_secs(10);
        while let Some(part) = tokio::time::timeout_at(deadline, parts.next())
            .await
            .map_err(|_| Error::Deadline("read /etc/passwd"))?
        {
            match part.map_err(Error::from) {
                Err(error) if is_not_found(&error) => return Ok(Some(Vec::new())),
                part => tar.extend_from_slice(&part?),
            }
            if tar.len() > PASSWD_BYTES {
                return Ok(None);
            }
        }
        Ok(first_file(&tar))
    }
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
