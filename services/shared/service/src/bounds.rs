//! Limits of a process that reads what strangers wrote.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Limits this process to so much more memory than it has, and to so much processor time: a process that wants
/// more ends by SIGABRT or SIGXCPU. Call it before the file is opened.
pub fn bound(memory_bytes: u64, cpu_s: u64) -> io::Result<()> {
    // The limit is on address space, of which a process that runs has some already.
    let most = address_space_bytes()?.saturating_add(memory_bytes);
    let limit = |current: u64, maximum: u64| Rlimit {
        current: Some(current),
        maximum: Some(maximum),
    };
    setrlimit(Resource::As, limit(most, most))?;
    // SIGXCPU at the first, SIGKILL at the second.
    setrlimit(Resource::Cpu, limit(cpu_s, cpu_s + 5))?;
    setrlimit(Resource::Core, limit(0, 0))?;
    Ok(())
}

fn address_space_bytes() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| io::Error::other("no VmSize in /proc/self/status"))
}
