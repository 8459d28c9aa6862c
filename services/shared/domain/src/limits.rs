//! What one case run may use. Defaults are the STS 2024 protocol's.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Wall clock per case; also the worst running time.
    pub wall_s: u32,
    /// Host memory, swap excluded; tmpfs pages count.
    pub memory_bytes: u64,
    pub shm_bytes: u64,
    pub pids: u32,
    pub nofile: u32,
    /// CPU cores of a slot.
    pub cpus: u32,
    pub gpus: u32,
    /// Silence on stdout and stderr after which a run is stopped; none by default.
    pub silence_s: Option<u32>,
    /// Beyond it the log is dropped and the run goes on.
    pub log_bytes: u64,
    pub output_bytes: u64,
    /// What the container may write into its own file system.
    pub disk_bytes: u64,
    /// The uploaded archive.
    pub upload_bytes: u64,
    /// The image unpacked.
    pub image_bytes: u64,
    /// Whether only `/outputs`, `/dev/shm` and declared volumes can be written.
    pub read_only_root: bool,
    /// What starts the containers; by default what each worker is set up with.
    pub runtime: Option<Runtime>,
}

crate::spelled_enum! {
    /// An OCI runtime.
    pub enum Runtime as "runtime" {
        /// On the kernel of the host.
        Runc = "runc",
        /// gVisor: with a kernel of its own between.
        Runsc = "runsc",
    }
}

/// The most that the operator lets a phase ask for. What is absent is not capped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Caps {
    pub wall_s: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub shm_bytes: Option<u64>,
    pub pids: Option<u64>,
    pub nofile: Option<u64>,
    pub cpus: Option<u64>,
    pub gpus: Option<u64>,
    pub log_bytes: Option<u64>,
    pub output_bytes: Option<u64>,
    pub disk_bytes: Option<u64>,
    pub upload_bytes: Option<u64>,
    pub image_bytes: Option<u64>,
}

impl Caps {
    /// Reads a TOML file of the names above. The error says which line is wrong and why.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Which of these limits are beyond the caps, each with the field's name.
    pub fn complaints(&self, limits: &Limits) -> Vec<(&'static str, String)> {
        let pairs = [
            ("wall_s", limits.wall_s.into(), self.wall_s),
            ("memory_bytes", limits.memory_bytes, self.memory_bytes),
            ("shm_bytes", limits.shm_bytes, self.shm_bytes),
            ("pids", limits.pids.into(), self.pids),
            ("nofile", limits.nofile.into(), self.nofile),
            ("cpus", limits.cpus.into(), self.cpus),
            ("gpus", limits.gpus.into(), self.gpus),
            ("log_bytes", limits.log_bytes, self.log_bytes),
            ("output_bytes", limits.output_bytes, self.output_bytes),
            ("disk_bytes", limits.disk_bytes, self.disk_bytes),
            ("upload_bytes", limits.upload_bytes, self.upload_bytes),
            ("image_bytes", limits.image_bytes, self.image_bytes),
        ];
        let beyond = pairs.into_iter().filter_map(|(field, asked, cap)| {
            let cap = cap.filter(|&cap| asked > cap)?;
            let detail = format!("is {asked}; the operator of this platform allows {cap} at most");
            Some((field, detail))
        });
        beyond.collect()
    }
}

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_s: 300,
            memory_bytes: 28 * GIB,
            shm_bytes: 28 * GIB,
            pids: 4096,
            nofile: 65_536,
            cpus: 1,
            gpus: 0,
            silence_s: None,
            log_bytes: MIB,
            output_bytes: GIB,
            disk_bytes: 20 * GIB,
            upload_bytes: 30 * GIB,
            image_bytes: 60 * GIB,
            read_only_root: false,
            runtime: None,
        }
    }
}

impl Limits {
    /// What is wrong with these limits, each with the field's name.
    pub fn complaints(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut at_least = |field, value: u64, least: u64| {
            if value < least {
                found.push((
                    field,
                    format!("is {value}; the least that makes sense is {least}"),
                ));
            }
        };
        at_least("wall_s", self.wall_s.into(), 1);
        // Docker itself refuses less than 6 MiB.
        at_least("memory_bytes", self.memory_bytes, 6 * MIB);
        at_least("shm_bytes", self.shm_bytes, MIB);
        at_least("pids", self.pids.into(), 1);
        at_least("nofile", self.nofile.into(), 64);
        at_least("cpus", self.cpus.into(), 1);
        at_least("output_bytes", self.output_bytes, 1024);
        at_least("upload_bytes", self.upload_bytes, 1024);
        if self.gpus > 1 {
            let why = format!("is {}; a case has one GPU or none", self.gpus);
            found.push(("gpus", why));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_stays_within_the_operators_caps_and_hears_of_each() {
        let caps = Caps::parse("wall_s = 600\ngpus = 0\nmemory_bytes = 1000").unwrap();
        let asked = Limits {
            wall_s: 601,
            gpus: 1,
            memory_bytes: 1000,
            ..Limits::default()
        };
        let found = caps.complaints(&asked);
        let fields: Vec<_> = found.iter().map(|(field, _)| *field).collect();
        assert_eq!(fields, ["wall_s", "gpus"]);
        assert!(found[0].1.contains("601") && found[0].1.contains("600"));
        assert_eq!(Caps::default().complaints(&asked), []);
    }

    #[test]
    fn a_cap_that_does_not_exist_is_an_error_that_names_it() {
        let error = Caps::parse("wall = 600").unwrap_err();
        assert!(error.to_string().contains("wall"), "{error}");
    }

    #[test]
    fn limits_that_were_stored_before_a_field_was_there_are_read() {
        let stored = serde_json::json!({"wall_s": 7});
        let limits: Limits = serde_json::from_value(stored).unwrap();
        assert_eq!((limits.wall_s, limits.read_only_root), (7, false));
        let phase = serde_json::json!({"runtime": "runsc", "read_only_root": true});
        let limits: Limits = serde_json::from_value(phase).unwrap();
        assert_eq!(limits.runtime, Some(Runtime::Runsc));
    }
}
