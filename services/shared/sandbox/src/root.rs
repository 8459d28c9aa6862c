//! Whether a container may run as root.

use std::time::Duration;

use bollard::query_parameters::DownloadFromContainerOptions;
use futures_util::StreamExt;

use crate::engine::{ANSWER, is_not_found};
use crate::image::{Passwd, Uid, first_file, resolve};
use crate::{Engine, Error};

/// Of `/etc/passwd`; an image with more users than that is taken for one that runs as root.
const PASSWD_BYTES: usize = 1 << 20;

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
