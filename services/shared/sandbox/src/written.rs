//! Whether a run has written too much.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::models::ContainerInspectResponse;

use crate::disk;
use crate::outcome::Outcome;
use crate::{Room, Spec};

/// How often the host's free space is looked at.
pub(crate) const SPACE_EVERY: Duration = Duration::from_millis(100);
/// How many of those looks for one at what the run itself has written, which can mean a walk.
pub(crate) const WALK_EVERY: u32 = 5;

/// Where the bytes of one run are.
pub(crate) struct Written<'a> {
    spec: &'a Spec,
    /// Walked: what is not in a bounded room.
    folders: Vec<PathBuf>,
    /// Not even to be walked: the engine has to be asked.
    pub is_layer_hidden: bool,
}

impl<'a> Written<'a> {
    /// `is_moved_in`: the container's own file system lies in the room.
    pub fn of(spec: &'a Spec, container: &ContainerInspectResponse, is_moved_in: bool) -> Self {
        let mut folders = Vec::new();
        let mut is_layer_hidden = false;
        if !is_moved_in {
            match graph_folder(container, "UpperDir") {
                Some(upper) => folders.push(upper),
                None => is_layer_hidden = true,
            }
        }
        if !spec.room.is_bounded() {
            folders.push(spec.room.folder.clone());
            folders.extend(volumes(container));
        }
        Self {
            spec,
            folders,
            is_layer_hidden,
        }
    }

    pub async fn bytes(&self) -> u64 {
        let Spec {
            layer_bytes,
            output_bytes,
            ..
        } = self.spec;
        let mut bytes = match self.spec.room.is_bounded() {
            true => in_room(&self.spec.room),
            false => 0,
        };
        for folder in &self.folders {
            bytes = bytes.saturating_add(used(folder, layer_bytes + output_bytes).await);
        }
        bytes
    }

    /// `bytes` are all that it wrote. What lies in `/outputs` is told apart only where it matters.
    pub async fn breach(&self, bytes: u64) -> Option<Outcome> {
        let (layer, output) = (self.spec.layer_bytes, self.spec.output_bytes);
        let in_outputs = match bytes > layer.min(output) {
            true => used(&self.spec.room.outputs(), output).await,
            false => 0,
        };
        if in_outputs > output {
            return Some(Outcome::OutputTooLarge);
        }
        let is_beyond = bytes.saturating_sub(in_outputs) > layer || self.spec.room.is_full();
        is_beyond.then_some(Outcome::DiskFull)
    }
}

fn in_room(room: &Room) -> u64 {
    room.used_bytes().unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot tell what a run has written");
        0
    })
}

async fn used(root: &Path, enough: u64) -> u64 {
    let root = root.to_owned();
    let walk = tokio::task::spawn_blocking(move || disk::used_bytes(&root, enough));
    walk.await.unwrap_or(0)
}

/// `UpperDir` or `WorkDir` of an overlay, where it is ours to read.
pub(crate) fn graph_folder(container: &ContainerInspectResponse, name: &str) -> Option<PathBuf> {
    use rustix::fs::Access;
    let data = &container.graph_driver.as_ref()?.data;
    let folder = data.get(name).map(PathBuf::from)?;
    let is_readable = rustix::fs::access(&folder, Access::READ_OK | Access::EXEC_OK).is_ok();
    is_readable.then_some(folder)
}

/// An image may declare volumes, which the engine keeps outside its layers.
fn volumes(container: &ContainerInspectResponse) -> impl Iterator<Item = PathBuf> {
    (container.mounts.iter().flatten())
        .filter(|mount| mount.typ.as_deref() == Some("volume"))
        .filter_map(|mount| mount.source.as_ref().map(PathBuf::from))
}
