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

    /// Whether a place has less than the floor once the engine has written `added_bytes` more.
    pub fn is_short(&self, added_bytes: u64) -> bool {
        let Some((engine, others)) = self.places.split_at_checked(1) else {
            return false;
        };
        let floor = self.floor_bytes.saturating_add(added_bytes);
        short_of_space(engine, floor).is_some()
            || short_of_space(others, self.floor_bytes).is_some()
    }

    pub fn floor_bytes(&self) -> u64 {
        self.floor_bytes
    }

    /// Of the engine's disk; more than can be asked for where it cannot be told.
    pub fn free_bytes(&self) -> u64 {
        let disk = self.engine_disk();
        disk.map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Half of the engine's disk: the other half is for what runs write, and for everybody else.
    pub fn default_budget_bytes(&self) -> u64 {
        let disk = self.engine_disk();
        disk.map_or(u64::MAX, |disk| {
            disk.f_blocks.saturating_mul(disk.f_frsize) / 2
        })
    }

    fn engine_disk(&self) -> Option<rustix::fs::StatVfs> {
        let place = self.places.first()?;
        rustix::fs::statvfs(place).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_image_adds_counts_against_the_floor() {
        let space = Space::new([std::env::temp_dir()], 0);
        assert!(!space.is_short(0));
        assert!(space.free_bytes() > 0 && space.is_short(u64::MAX));
    }

    #[test]
    fn a_disk_that_is_not_seen_is_not_short() {
        let space = Space::new(["/no/such/folder".into()], u64::MAX);
        assert!(!space.is_short(1));
        assert_eq!(space.free_bytes(), u64::MAX);
    }
}
