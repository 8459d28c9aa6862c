//! CPU time and memory of a container, read where the kernel keeps them. The engine's own stats come
//! once a second, too seldom.

use std::path::{Path, PathBuf};

/// Where one container's figures are; cgroup v1 keeps them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    memory: PathBuf,
    cpu: PathBuf,
    unified: bool,
}

impl Cgroup {
    /// Of a process on this host; none where the files are not to be seen.
    pub fn of_process(pid: u32) -> Option<Self> {
        let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
        let found = Self::locate(&groups, &mounts)?;
        found.memory_bytes().is_some().then_some(found)
    }

    fn locate(groups: &str, mounts: &str) -> Option<Self> {
        let v1 = |controller| {
            let path = group_path(groups, |controllers| {
                controllers.split(',').any(|name| name == controller)
            })?;
            folder(mounts, path, |kind, options| {
                kind == "cgroup" && options.split(',').any(|name| name == controller)
            })
        };
        if let (Some(memory), Some(cpu)) = (v1("memory"), v1("cpuacct")) {
            return Some(Self {
                memory,
                cpu,
                unified: false,
            });
        }
        let path = group_path(groups, str::is_empty)?;
        let both = folder(mounts, path, |kind, _| kind == "cgroup2")?;
        Some(Self {
            memory: both.clone(),
            cpu: both,
            unified: true,
        })
    }

    /// In use, without the page cache that the kernel would give back at once.
    pub fn memory_bytes(&self) -> Option<u64> {
        let (usage, inactive) = match self.unified {
            true => ("memory.current", "inactive_file"),
            false => ("memory.usage_in_bytes", "total_inactive_file"),
        };
        let usage: u64 = read(&self.memory, usage)?.trim().parse().ok()?;
        let cache = field(&read(&self.memory, "memory.stat")?, inactive).unwrap_or(0);
        Some(usage.saturating_sub(cache))
    }

    /// The most that was in use at any moment, page cache included. Version 2 has it from Linux 5.19 on.
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        let name = match self.unified {
            true => "memory.peak",
            false => "memory.max_usage_in_bytes",
        };
        read(&self.memory, name)?.trim().parse().ok()
    }

    /// CPU time spent so far, of all cores together.
    pub fn cpu_ns(&self) -> Option<u64> {
        if self.unified {
            return Some(field(&read(&self.cpu, "cpu.stat")?, "usage_usec")? * 1000);
        }
        read(&self.cpu, "cpuacct.usage")?.trim().parse().ok()
    }
}

fn read(folder: &Path, name: &str) -> Option<String> {
    std::fs::read_to_string(folder.join(name)).ok()
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        line.strip_prefix(name)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    })
}

/// Lines are `id:controllers:path`.
fn group_path(groups: &str, wanted: impl Fn(&str) -> bool) -> Option<&str> {
    groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let controllers = parts.next()?;
        parts.next().filter(|_| wanted(controllers))
    })
}

/// Lines are `id parent major:minor root mountpoint options … - kind source super-options`. The root
/// is not `/` where we ourselves run in a container.
fn folder(mounts: &str, group: &str, wanted: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, point) = (mount.next()?, mount.next()?);
        let mut system = system.split(' ');
        let (kind, options) = (system.next()?, system.nth(1)?);
        if !wanted(kind, options) {
            return None;
        }
        let below = Path::new(group).strip_prefix(root).ok()?;
        Some(Path::new(point).join(below))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_one_keeps_memory_and_cpu_apart() {
        let groups = "5:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/x\n";
        let mounts = "30 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
                      31 24 0:27 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n";
        let found = Cgroup::locate(groups, mounts).unwrap();
        assert_eq!(found.memory, Path::new("/sys/fs/cgroup/memory/docker/abc"));
        assert_eq!(found.cpu, Path::new("/sys/fs/cgroup/cpu/docker/abc"));
    }

    #[test]
    fn version_two_is_found_also_from_within_a_container() {
        let groups = "0::/docker/outer/docker/abc\n";
        let mounts = "30 24 0:26 /docker/outer /sys/fs/cgroup rw - cgroup2 cgroup rw,nsdelegate\n";
        let found = Cgroup::locate(groups, mounts).unwrap();
        assert_eq!(found.memory, Path::new("/sys/fs/cgroup/docker/abc"));
        assert!(found.unified);
    }

    #[test]
    fn figures_are_read_in_both_versions() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        put("memory.usage_in_bytes", "5000\n");
        put("memory.current", "7000\n");
        put("memory.max_usage_in_bytes", "6000\n");
        put("memory.peak", "9000\n");
        put(
            "memory.stat",
            "inactive_file 2000\ntotal_inactive_file 1000\n",
        );
        put("cpuacct.usage", "123456789\n");
        put("cpu.stat", "usage_usec 1234\nuser_usec 1\n");
        let group = |unified| Cgroup {
            memory: dir.path().into(),
            cpu: dir.path().into(),
            unified,
        };
        assert_eq!(group(false).memory_bytes(), Some(4000));
        assert_eq!(group(false).peak_memory_bytes(), Some(6000));
        assert_eq!(group(true).peak_memory_bytes(), Some(9000));
        assert_eq!(group(false).cpu_ns(), Some(123_456_789));
        assert_eq!(group(true).memory_bytes(), Some(5000));
        assert_eq!(group(true).cpu_ns(), Some(1_234_000));
    }
}
