//! What a proof may hurt: folders and a small disk of its own, and a control group around it.

use std::path::{Path, PathBuf};

use bollard::Docker;
use molar_sandbox::{Engine, Labels, Room, Spec, clear};
use molar_tests::hostile::{Bait, Case, INPUT};

const MIB: u64 = 1 << 20;
/// Of a bomb: seen, and no harm done.
pub const BOMB: u64 = 256 * MIB;
pub const DISK: u64 = 192 * MIB;
const PIDS: u64 = 4000;
const MEMORY: u64 = 1 << 30;
pub const GROUP: &str = "molar-proof";

pub struct Host {
    pub engine: Engine,
    pub docker: Docker,
    pub bait: Bait,
    /// Of the engine.
    pub root: PathBuf,
    /// A disk of a host, so small that it may be filled.
    pub disk: PathBuf,
    place: tempfile::TempDir,
}

impl Host {
    pub async fn open(socket: &str, docker: &Docker) -> anyhow::Result<Self> {
        let engine = Engine::connect(socket).await?;
        let place = tempfile::Builder::new().prefix("molar-proof").tempdir()?;
        let disk = engine.open_room(&place.path().join("disk"), DISK).await?;
        anyhow::ensure!(
            disk.is_bounded(),
            "only root can prove this, on the engine's own host"
        );
        cap()?;
        Ok(Self {
            docker: docker.clone(),
            bait: Bait::set(place.path(), &place.path().join("cases/other"))?,
            root: engine.info().await?.root_dir.into(),
            engine,
            disk: disk.outputs(),
            place,
        })
    }

    pub fn place(&self) -> &Path {
        self.place.path()
    }

    pub fn inputs(&self) -> PathBuf {
        self.place().join("cases/this/inputs")
    }

    /// As the suite runs it.
    pub async fn spec(&self, case: &Case, image: &str) -> anyhow::Result<Spec> {
        std::fs::create_dir_all(self.inputs())?;
        std::fs::write(self.inputs().join(INPUT), self.bait.to_text(BOMB))?;
        let folder = self.place().join("cases/this/room");
        let room: Room = self
            .engine
            .open_room(&folder, case.limits.room_bytes())
            .await?;
        let labels = Labels {
            submission: "hostile".to_owned(),
            worker: "hostile-proof".to_owned(),
            ..Labels::default()
        };
        for index in 0..case.image.volumes.len() {
            std::fs::create_dir_all(folder.join("volumes").join(index.to_string()))?;
        }
        let spec = case.limits.spec(image, labels, &self.inputs(), room);
        Ok(self.engine.fit(&spec))
    }

    pub async fn close(self) -> anyhow::Result<()> {
        clear(self.place())?;
        Ok(())
    }
}

/// Written where either version of control groups has it.
fn cap() -> std::io::Result<()> {
    let root = Path::new("/sys/fs/cgroup");
    let settings = [
        ("pids", "pids.max", PIDS),
        ("memory", "memory.limit_in_bytes", MEMORY),
        ("", "pids.max", PIDS),
        ("", "memory.max", MEMORY),
    ];
    let is_unified = root.join("cgroup.controllers").exists();
    for (controller, file, value) in settings {
        if is_unified == controller.is_empty() {
            let group = root.join(controller).join(GROUP);
            std::fs::create_dir_all(&group)?;
            std::fs::write(group.join(file), value.to_string())?;
        }
    }
    Ok(())
}

/// A figure of one container's control group.
pub fn figure(container: &str, controller: &str, old: &str, new: &str) -> Option<u64> {
    let root = Path::new("/sys/fs/cgroup");
    let file = match root.join("cgroup.controllers").exists() {
        true => root.join(GROUP).join(container).join(new),
        false => root.join(controller).join(GROUP).join(container).join(old),
    };
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}
