//! Within what a case is run.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use molar_domain::challenge::Format;
use molar_domain::limits::Limits;

#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Limits of a phase, as in a challenge file; the rest as in STS 2024.
    #[arg(long, value_name = "FILE.toml")]
    limits: Option<PathBuf>,
    /// Seconds that a case may take.
    #[arg(long, value_name = "SECONDS")]
    wall: Option<u32>,
    /// Memory that a case may use, shared memory included.
    #[arg(long, value_name = "MIB")]
    memory: Option<u64>,
    /// Run without a GPU, also where this machine has one.
    #[arg(long)]
    no_gpu: bool,
}

impl Flags {
    /// A flag counts more than the file, and the file more than the track.
    pub fn of(&self, format: Format) -> anyhow::Result<Limits> {
        let mut limits = of_track(format);
        if let Some(path) = &self.limits {
            let shown = || path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(shown)?;
            limits = with_file(&limits, &text).with_context(shown)?;
        }
        if let Some(wall) = self.wall {
            limits.wall_s = wall;
        }
        if let Some(mib) = self.memory {
            limits.memory_bytes = mib << 20;
            limits.shm_bytes = limits.shm_bytes.min(limits.memory_bytes);
        }
        if self.no_gpu {
            limits.gpus = 0;
        }
        match limits.complaints().first() {
            Some((field, wrong)) => bail!("{field} {wrong}"),
            None => Ok(limits),
        }
    }
}

/// Of the final phase of STS 2024.
fn of_track(format: Format) -> Limits {
    Limits {
        wall_s: match format {
            Format::Labelme => 300,
            Format::Nifti => 900,
        },
        cpus: 8,
        gpus: 1,
        ..Limits::default()
    }
}

fn with_file(limits: &Limits, text: &str) -> anyhow::Result<Limits> {
    let mut table = toml::Table::try_from(limits)?;
    table.extend(text.parse::<toml::Table>()?);
    Ok(table.try_into()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let limits = with_file(&of_track(Format::Nifti), "memory_bytes = 1073741824").unwrap();
        assert_eq!((limits.wall_s, limits.memory_bytes), (900, 1 << 30));
        let silent = with_file(&limits, "silence_s = 60").unwrap();
        assert_eq!(silent.silence_s, Some(60));
        assert!(with_file(&limits, "wall_seconds = 1").is_err());
    }

    #[test]
    fn a_flag_counts_more_and_nonsense_is_refused() {
        let flags = Flags {
            limits: None,
            wall: Some(7),
            memory: Some(512),
            no_gpu: true,
        };
        let limits = flags.of(Format::Labelme).unwrap();
        assert_eq!((limits.wall_s, limits.gpus), (7, 0));
        assert_eq!(
            (limits.memory_bytes, limits.shm_bytes),
            (512 << 20, 512 << 20)
        );
        let none = Flags {
            memory: Some(1),
            ..flags
        };
        assert!(none.of(Format::Labelme).is_err());
    }
}
