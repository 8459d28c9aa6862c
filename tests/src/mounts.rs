//! What a process that was killed has left mounted.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Takes down all mounts below the folder, the newest first, so that it can be removed.
pub fn take_down(folder: &Path) {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let below = points.filter(|point| Path::new(point).starts_with(folder));
    for point in below.collect::<Vec<_>>().into_iter().rev() {
        let _ = Command::new("umount").arg("--lazy").arg(point).status();
    }
}
