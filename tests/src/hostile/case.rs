//! `case.toml`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use molar_domain::FailureCode;
use molar_sandbox::{Labels, Room, Spec};
use serde::Deserialize;

use super::flaw::Flaw;
use crate::image::Saver;

const MIB: u64 = 1 << 20;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The folder's.
    #[serde(skip)]
    pub name: String,
    #[serde(skip)]
    pub script: String,
    pub about: String,
    pub suite: Suite,
    #[serde(default)]
    pub image: Parts,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub expect: Expected,
    /// Instead of `expect`, where gVisor has it another way: it keeps what is written in its own memory,
    /// and pipes, sockets and devices to itself.
    pub with_runsc: Option<Expected>,
    /// What holds it; the proof leaves exactly this away.
    pub held_by: Option<Without>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suite {
    Hostile,
    Honest,
}

/// What the image is made of, beside a busybox and the script.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parts {
    pub has_shell: bool,
    pub script: Script,
    pub user: String,
    pub working_dir: String,
    pub entrypoint: Vec<String>,
    pub volumes: Vec<String>,
    /// So many more variables of its environment.
    pub variables: usize,
    pub stop_signal: Option<String>,
    pub on_build: Vec<String>,
    /// A shell command, each second.
    pub health_check: Option<String>,
    pub architecture: String,
    pub files: Vec<Content>,
    pub saved_by: Saver,
    pub packing: Packing,
    pub flaw: Option<Flaw>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            has_shell: true,
            script: Script::File,
            user: String::new(),
            working_dir: String::new(),
            entrypoint: Vec::new(),
            volumes: Vec::new(),
            variables: 0,
            stop_signal: None,
            on_build: Vec::new(),
            health_check: None,
            architecture: "amd64".to_owned(),
            files: Vec::new(),
            saved_by: Saver::Docker20,
            packing: Packing::Gzip,
            flaw: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Script {
    File,
    Missing,
    Folder,
    DanglingLink,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packing {
    None,
    Gzip,
    /// Several gzip streams, one behind the other, as parallel packers write them.
    Members,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    pub path: String,
    #[serde(default)]
    pub text: String,
    /// Instead of `text`: the program that tells whether it is root.
    #[serde(default)]
    pub is_program: bool,
    /// Instead of `text`: nothing; a folder.
    #[serde(default)]
    pub is_folder: bool,
    #[serde(default)]
    pub owner: u64,
    /// In octal.
    #[serde(default)]
    pub mode: Option<String>,
}

/// Small, so that a bomb is soon at the end of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub memory_mib: u64,
    pub shm_mib: u64,
    pub pids: u32,
    pub wall_ms: u64,
    pub silence_ms: Option<u64>,
    pub log_kib: u64,
    pub output_mib: u64,
    pub disk_mib: u64,
    pub image_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mib: 64,
            shm_mib: 16,
            pids: 128,
            wall_ms: 20_000,
            silence_ms: None,
            log_kib: 64,
            output_mib: 8,
            disk_mib: 8,
            image_mib: 32,
        }
    }
}

impl Limits {
    pub fn room_bytes(&self) -> u64 {
        (self.output_mib + self.disk_mib) * MIB
    }

    pub fn of_image(&self) -> molar_sandbox::image::Limits {
        molar_sandbox::image::Limits {
            uncompressed_bytes: self.image_mib * MIB,
            ..molar_sandbox::image::Limits::default()
        }
    }

    pub fn spec(&self, image: &str, labels: Labels, inputs: &Path, room: Room) -> Spec {
        Spec {
            memory_bytes: self.memory_mib * MIB,
            shm_bytes: self.shm_mib * MIB,
            pids: self.pids,
            wall_limit: Duration::from_millis(self.wall_ms),
            silence_limit: self.silence_ms.map(Duration::from_millis),
            log_bytes: self.log_kib << 10,
            output_bytes: self.output_mib * MIB,
            layer_bytes: self.disk_mib * MIB,
            free_bytes: 100 * MIB,
            ..Spec::sts2024_defaults(image, labels, inputs, room)
        }
    }
}

/// Neither code is a prediction that is taken.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// Of the check: it never runs.
    pub refused: Option<String>,
    /// Of the run or of its output.
    pub code: Option<String>,
    pub exit_code: Option<i64>,
    /// Of the prediction.
    pub text: Option<String>,
    /// In the log, the reason or the notes.
    pub says: Vec<String>,
    pub never_says: Vec<String>,
    pub within_ms: Option<u64>,
    pub still: Vec<Still>,
}

/// What must be true after this one, beside what must be after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Still {
    /// Nobody came to the host's listeners.
    NothingWasReached,
    /// Neither the host's file nor the other case's input is in the log or the prediction.
    SecretsAreKept,
    InputIsUntouched,
    LogIsBounded,
    /// The tag that another image has.
    TagIsAnothers,
    /// No file beside the prediction.
    OutputIsAlone,
}

/// What the proof leaves away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Without {
    // one field of the container's configuration
    NoNetwork,
    NobodyElsesNetwork,
    PidsLimit,
    MemoryLimit,
    ShmSize,
    NoCapabilities,
    NoNewPrivileges,
    Seccomp,
    ReadOnlyInput,
    InputOfItsOwn,
    NoHostFolder,
    NoHealthCheck,
    NobodyElsesProcesses,
    MaskedPaths,
    LogDriver,
    EtcInTheRoom,
    VolumeInTheRoom,
    OutputsInTheRoom,
    // what the engine's client does
    LayerInTheRoom,
    WallLimit,
    SilenceLimit,
    Removal,
    CarefulCollection,
    Check,
}

impl Case {
    /// What the check refuses meets no runtime.
    pub fn runs_with(&self, runtime: &str) -> bool {
        runtime == "runc" || self.expect.refused.is_none()
    }

    pub fn with_runtime(mut self, runtime: &str) -> Self {
        if runtime == "runsc"
            && let Some(expected) = self.with_runsc.take()
        {
            self.expect = expected;
        }
        self
    }
}

/// All of `tests/images/`, by name.
pub fn all() -> anyhow::Result<Vec<Case>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("images");
    let mut folders = std::fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_key(std::fs::DirEntry::file_name);
    folders.iter().map(|entry| read(&entry.path())).collect()
}

fn read(folder: &Path) -> anyhow::Result<Case> {
    let text = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let mut case: Case =
        toml::from_str(&text("case.toml")?).with_context(|| folder.display().to_string())?;
    case.script = text("predict.sh")?;
    let name = folder.file_name().unwrap_or_default();
    case.name = name.to_string_lossy().into_owned();
    for code in case.expect.refused.iter().chain(&case.expect.code) {
        ensure!(
            code.parse::<FailureCode>().is_ok(),
            "{}: {code} is no code",
            case.name
        );
    }
    Ok(case)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let cases = all().unwrap();
        let hostile: Vec<_> = cases
            .iter()
            .filter(|case| case.suite == Suite::Hostile)
            .collect();
        assert!(hostile.len() >= 35, "{}", hostile.len());
        for case in &cases {
            let expected = &case.expect;
            assert!(case.about.len() > 10, "{}", case.name);
            assert!(
                expected.refused.is_none() || expected.code.is_none(),
                "{}",
                case.name
            );
            assert_eq!(
                case.suite == Suite::Hostile,
                case.held_by.is_some(),
                "{}",
                case.name
            );
            if case.suite == Suite::Honest {
                assert!(
                    expected.refused.is_none() && expected.code.is_none(),
                    "{}",
                    case.name
                );
            }
        }
    }
}
