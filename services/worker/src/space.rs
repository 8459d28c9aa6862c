//! Whether the disks that a case run needs have room.

use std::path::PathBuf;

use molar_sandbox::short_of_space;

/// The engine's disk and the worker's own, and what has to be left free on each.
pub struct Space {
    places: Vec<PathBuf>,
    floor_bytes: u64,
}

impl Space {
    /// A worker in a container of its own may not see the engine's folder.
    pub fn new(places: impl IntoIterator<Item = PathBuf>, floor_bytes: u64) -> Self {
        let seen = places.into_iter().filter(|place| place.exists());
        Self {
            places: seen.collect(),
            floor_bytes,
        }
    }

    /// Whether a place has less than the floor once `added_bytes` more are written.
    pub fn is_short(&self, added_bytes: u64) -> bool {
        let floor = self.floor_bytes.saturating_add(added_bytes);
        short_of_space(&self.places, floor).is_some()
    }

    /// Half of the engine's disk: the other half is for what runs write, and for everybody else.
    pub fn default_budget_bytes(&self) -> u64 {
        let disk = self
            .places
            .first()
            .and_then(|place| rustix::fs::statvfs(place).ok());
        disk.map_or(u64::MAX, |disk| {
            disk.f_blocks.saturating_mul(disk.f_frsize) / 2
        })
    }
}
