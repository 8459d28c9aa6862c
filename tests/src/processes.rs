//! Processes of a running system, found by what the supervisor writes down and by what they carry.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A process, with its start time: numbers are reused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    started: u64,
}

impl Process {
    pub fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the name in parentheses and may hold anything.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        (state != "Z" && state != "X").then_some(Self { pid, started })
    }

    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        if let Some(pid) = Pid::from_raw(self.pid)
            && self.is_alive()
        {
            kill_process(pid, signal)?;
        }
        Ok(())
    }

    pub fn environment(&self) -> anyhow::Result<Vec<(String, String)>> {
        let all = fs::read(format!("/proc/{}/environ", self.pid))?;
        let pairs = all.split(|byte| *byte == 0).filter_map(|pair| {
            let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Ok(pairs.collect())
    }

    pub fn command_line(&self) -> String {
        let all = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&all)
            .replace('\0', " ")
            .trim()
            .to_owned()
    }

    /// `VmHWM`, `VmRSS` …, in bytes.
    pub fn memory(&self, field: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find(|line| line.starts_with(field))?;
        let kib: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    }
}

/// The child of this name as the supervisor last wrote it down, if it runs.
pub fn recorded(data: &Path, name: &str) -> Option<Process> {
    let text = fs::read_to_string(data.join("run").join(format!("{name}.json"))).ok()?;
    let record: Value = serde_json::from_str(&text).ok()?;
    Process::of(i32::try_from(record["pid"].as_i64()?).ok()?)
}

/// Names of all recorded children.
pub fn names(data: &Path) -> Vec<String> {
    let files = fs::read_dir(data.join("run"))
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<String> = files
        .filter_map(|file| file.path().file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// Everything that carries the mark of this instance, works below one of the folders, or names one of
/// them on its command line.
pub fn belonging(instance: &str, folders: &[PathBuf]) -> Vec<Process> {
    let mark = format!("MOLAR_UP_CHILD={instance}/");
    all()
        .filter(|process| {
            let proc = PathBuf::from(format!("/proc/{}", process.pid));
            let environment = fs::read(proc.join("environ")).unwrap_or_default();
            let is_marked = environment
                .split(|b| *b == 0)
                .any(|one| one.starts_with(mark.as_bytes()));
            let is_inside = fs::read_link(proc.join("cwd"))
                .is_ok_and(|cwd| folders.iter().any(|folder| cwd.starts_with(folder)));
            let line = process.command_line();
            let is_named = folders
                .iter()
                .any(|folder| line.contains(&folder.display().to_string()));
            is_marked || is_inside || is_named
        })
        .collect()
}

/// The process and everything that it started and that is still below it.
pub fn tree(root: i32) -> Vec<Process> {
    let parents: Vec<(Process, i32)> = all()
        .filter_map(|p| parent(p.pid).map(|of| (p, of)))
        .collect();
    let mut found: Vec<Process> = Process::of(root).into_iter().collect();
    let mut next = 0;
    while next < found.len() {
        let pid = found[next].pid;
        found.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == pid)
                .map(|(p, _)| p.clone()),
        );
        next += 1;
    }
    found
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

fn all() -> impl Iterator<Item = Process> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(move |pid| *pid != own)
        .filter_map(Process::of)
}
