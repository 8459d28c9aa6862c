//! Who a process is, beyond its number: numbers are reused, and `up` must never end a stranger.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// Every child carries this variable; what it starts in turn inherits it.
pub const MARK: &str = "MOLAR_UP_CHILD";

/// One process on one boot of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub pid: i32,
    /// Clock ticks between boot and the start of the process.
    pub started: u64,
    pub boot: String,
}

impl Identity {
    /// The running process with this number. A zombie is no longer running.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, started) = state_and_start(&stat)?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        (state != 'Z' && state != 'X').then(|| Self {
            pid,
            started,
            boot: boot.trim().to_owned(),
        })
    }

    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Sends a signal to this very process; `false` if it is gone.
    pub fn signal(&self, signal: Signal) -> io::Result<bool> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(false);
        };
        // The descriptor pins the process before its identity is compared, so that the number
        // cannot change hands in between.
        let pinned = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pinned) => pinned,
            Err(rustix::io::Errno::SRCH) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if !self.is_alive() {
            return Ok(false);
        }
        match pidfd_send_signal(&pinned, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn ended_within(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        while self.is_alive() {
            if begun.elapsed() >= limit {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// Asks first, then kills; the process is gone afterwards unless the kernel holds on to it.
    pub async fn end(&self, ask: Signal, grace: Duration) -> io::Result<()> {
        if !self.signal(ask)? || self.ended_within(grace).await {
            return Ok(());
        }
        self.signal(Signal::KILL)?;
        self.ended_within(Duration::from_secs(5)).await;
        Ok(())
    }
}

fn state_and_start(stat: &str) -> Option<(char, u64)> {
    // The second field is the program's name in parentheses and may hold anything, also `)`.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
}

/// How the processes of a program that overwrites its environment are known: by working folder
/// and executable. A shell that somebody left in that folder is not one of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trace {
    pub folder: PathBuf,
    pub executable: String,
}

impl Trace {
    pub fn fits(&self, proc: &Path) -> bool {
        let in_folder = fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd == self.folder);
        in_folder
            && fs::read_link(proc.join("exe")).is_ok_and(|exe| {
                exe.file_name().is_some_and(|name| {
                    name.as_bytes()
                        .strip_prefix(self.executable.as_bytes())
                        .is_some_and(|rest| rest.is_empty() || rest == b" (deleted)")
                })
            })
    }
}

/// All running processes whose mark starts with `mark`, or that `trace` fits.
pub fn find_marked(mark: &str, trace: Option<&Trace>) -> Vec<Identity> {
    let wanted = format!("{MARK}={mark}").into_bytes();
    find(|proc| {
        let marked = fs::read(proc.join("environ")).is_ok_and(|all| {
            all.split(|byte| *byte == 0)
                .any(|one| one.starts_with(&wanted))
        });
        marked || trace.is_some_and(|trace| trace.fits(proc))
    })
}

/// All running processes but this one whose folder in `/proc` passes the test.
pub fn find(is_wanted: impl Fn(&Path) -> bool) -> Vec<Identity> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let own = std::process::id().to_string();
    entries
        .flatten()
        .filter(|entry| entry.file_name() != OsStr::new(&own))
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            // Looked at in between: a number that changes hands meanwhile is another process.
            let before = Identity::of(pid)?;
            (is_wanted(&entry.path()) && before.is_alive()).then_some(before)
        })
        .collect()
}

/// Ends all of them: a word of warning, then the kill.
pub async fn end_all(found: Vec<Identity>, grace: Duration) -> io::Result<()> {
    for one in &found {
        one.signal(Signal::TERM)?;
    }
    let begun = Instant::now();
    for one in &found {
        if !one
            .ended_within(grace.saturating_sub(begun.elapsed()))
            .await
        {
            one.signal(Signal::KILL)?;
            one.ended_within(Duration::from_secs(5)).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_program_may_have_parentheses_in_its_name() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 1 2";
        assert_eq!(state_and_start(stat), Some(('S', 777)));
    }

    #[tokio::test]
    async fn a_process_with_another_start_time_is_left_alone() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let real = Identity::of(child.id() as i32).unwrap();
        let stranger = Identity {
            started: real.started + 1,
            ..real.clone()
        };

        assert!(!stranger.signal(Signal::KILL).unwrap());
        stranger.end(Signal::TERM, Duration::ZERO).await.unwrap();
        assert!(real.is_alive());

        assert!(real.signal(Signal::KILL).unwrap());
        child.wait().unwrap();
        assert!(!real.is_alive());
    }

    #[test]
    fn a_marked_process_is_found_by_what_it_inherited() {
        let mark = format!("test-{}/x", std::process::id());
        let mut child = Command::new("sh")
            .args(["-c", "sleep 60; true"])
            .env(MARK, &mark)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let found = loop {
            let found = find_marked(&mark, None);
            if found.len() == 2 || begun.elapsed() > Duration::from_secs(5) {
                break found;
            }
        };
        for one in &found {
            one.signal(Signal::KILL).unwrap();
        }
        child.wait().unwrap();
        assert_eq!(found.len(), 2, "the shell and its sleep");
    }
}
