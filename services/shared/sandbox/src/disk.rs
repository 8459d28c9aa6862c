//! How much a container has written, and how much room is left.

use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// Each open folder costs a file descriptor; no honest tree is this deep.
const DEPTH: usize = 128;
/// A tree of so many files costs the host's inodes and the watcher's time.
const FILES: u64 = 2_000_000;
const FREE_INODES: u64 = 50_000;

/// Bytes that a tree takes on the disk, and more than `u64::MAX / 2` for a tree made so that it
/// cannot be measured. Stops counting soon after `enough`.
///
/// The container changes the tree meanwhile: every step goes by file descriptor and never through a
/// link, so the walk cannot be led out of it.
pub(crate) fn used_bytes(root: &Path, enough: u64) -> u64 {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(folder) = rustix::fs::open(root, flags, Mode::empty()) else {
        return 0;
    };
    let mut walk = Walk {
        bytes: 0,
        files: 0,
        enough,
    };
    walk.folder(folder, 0);
    walk.bytes
}

struct Walk {
    bytes: u64,
    files: u64,
    enough: u64,
}

const UNMEASURABLE: u64 = u64::MAX / 2;

impl Walk {
    fn folder(&mut self, folder: OwnedFd, depth: usize) {
        if depth > DEPTH || self.files > FILES {
            self.bytes = self.bytes.max(UNMEASURABLE);
        }
        let Ok(mut entries) = Dir::read_from(&folder) else {
            return;
        };
        while let Some(Ok(entry)) = entries.read() {
            if self.bytes > self.enough {
                return;
            }
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                self.entry(&folder, entry.file_name(), depth);
            }
        }
    }

    fn entry(&mut self, folder: &OwnedFd, name: &CStr, depth: usize) {
        // Gone again since the folder was read.
        let Ok(stat) = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else {
            return;
        };
        self.files += 1;
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(stat.st_blocks).unwrap_or(0) * 512);
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            if let Ok(inner) = rustix::fs::openat(folder, name, flags, Mode::empty()) {
                self.folder(inner, depth + 1);
            }
        }
    }
}

/// The first of the places with less room than the floor.
pub fn short_of_space(places: &[PathBuf], free_bytes: u64) -> Option<PathBuf> {
    places
        .iter()
        .find(|place| is_short(place, free_bytes))
        .cloned()
}

fn is_short(place: &Path, free_bytes: u64) -> bool {
    match rustix::fs::statvfs(place) {
        Ok(stat) => {
            // Some file systems make inodes as needed and say zero.
            let inodes_short =
                stat.f_files > 0 && stat.f_favail < FREE_INODES.min(stat.f_files / 50);
            stat.f_bavail.saturating_mul(stat.f_frsize) < free_bytes || inodes_short
        }
        Err(Errno::INTR) => false,
        Err(error) => {
            tracing::warn!(%error, place = %place.display(), "cannot tell the free space");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_measured_by_what_it_takes_not_by_what_it_says() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        std::fs::write(dir.path().join("a/b"), vec![1; 300_000]).unwrap();
        let sparse = std::fs::File::create(dir.path().join("sparse")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        std::os::unix::fs::symlink("/", dir.path().join("a/everything")).unwrap();
        let bytes = used_bytes(dir.path(), u64::MAX);
        assert!((300_000..400_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn a_tree_too_deep_to_measure_counts_as_too_large() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("d/".repeat(DEPTH + 10))).unwrap();
        assert!(used_bytes(dir.path(), 1 << 40) >= UNMEASURABLE);
    }

    #[test]
    fn a_floor_above_the_disk_is_a_shortage() {
        let place = vec![std::env::temp_dir()];
        assert_eq!(short_of_space(&place, u64::MAX), Some(place[0].clone()));
        assert_eq!(short_of_space(&place, 0), None);
    }
}
