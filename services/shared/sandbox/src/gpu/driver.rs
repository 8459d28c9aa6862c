//! NVIDIA's own library.

use std::ffi::OsStr;

use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml, cuda_driver_version_major, cuda_driver_version_minor};

use super::{GpuDevice, GpuError, Inventory};

const MIB: u64 = 1 << 20;

impl From<NvmlError> for GpuError {
    fn from(error: NvmlError) -> Self {
        Self(error.to_string())
    }
}

pub struct Driver(Nvml);

/// What was read of a device, each part or why it could not be.
struct Read {
    uuid: Result<String, NvmlError>,
    name: Result<String, NvmlError>,
    total_bytes: Result<u64, NvmlError>,
    /// A card of a kind that knows no MIG says so by an error.
    is_mig: Result<bool, NvmlError>,
}

impl Driver {
    pub fn open() -> Result<Self, NvmlError> {
        // Without the development package only the numbered name exists.
        let nvml = Nvml::init().or_else(|_| {
            Nvml::builder()
                .lib_path(OsStr::new("libnvidia-ml.so.1"))
                .init()
        });
        nvml.map(Self)
    }

    pub fn inventory(&self) -> Result<Inventory, GpuError> {
        let driver = self.0.sys_driver_version()?;
        let cuda = self.0.sys_cuda_driver_version().ok().map(|version| {
            let major = cuda_driver_version_major(version);
            format!("{major}.{}", cuda_driver_version_minor(version))
        });
        let mut found = Inventory::default();
        for index in 0..self.0.device_count()? {
            match self.0.device_by_index(index).map(|device| read(&device)) {
                Ok(read) => found.add(index, read, (&driver, cuda.as_deref())),
                Err(error) => found.left_out.push((index, error.to_string())),
            }
        }
        Ok(found)
    }

    pub fn used_mib(&self, id: &str) -> Result<f64, GpuError> {
        let memory = self.0.device_by_uuid(id)?.memory_info()?;
        Ok(memory.total.saturating_sub(memory.free) as f64 / MIB as f64)
    }

    pub fn pids(&self, id: &str) -> Result<Vec<u32>, GpuError> {
        let device = self.0.device_by_uuid(id)?;
        let mut all = device.running_compute_processes()?;
        all.extend(device.running_graphics_processes()?);
        all.retain(|process| !matches!(process.used_gpu_memory, UsedGpuMemory::Used(0)));
        let mut pids: Vec<_> = all.into_iter().map(|process| process.pid).collect();
        pids.sort_unstable();
        pids.dedup();
        Ok(pids)
    }
}

fn read(device: &Device<'_>) -> Read {
    Read {
        uuid: device.uuid(),
        name: device.name(),
        total_bytes: device.memory_info().map(|memory| memory.total),
        is_mig: device.mig_mode().map(|mode| mode.current != 0),
    }
}

impl Inventory {
    fn add(&mut self, index: u32, read: Read, (driver, cuda): (&str, Option<&str>)) {
        // In parts each has memory of its own, and what one case takes of the whole says nothing.
        if read.is_mig.unwrap_or(false) {
            let why = "is split into MIG devices; a case owns a whole GPU".to_owned();
            return self.left_out.push((index, why));
        }
        match (read.uuid, read.name, read.total_bytes) {
            (Ok(uuid), Ok(name), Ok(total)) => self.devices.push(GpuDevice {
                index,
                uuid,
                name,
                total_mib: total / MIB,
                driver: driver.to_owned(),
                cuda: cuda.map(str::to_owned),
            }),
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                self.left_out.push((index, error.to_string()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Read {
        Read {
            uuid: Ok("GPU-1".to_owned()),
            name: Ok("A card".to_owned()),
            total_bytes: Ok(80 << 30),
            is_mig: Err(NvmlError::NotSupported),
        }
    }

    #[test]
    fn a_card_in_parts_and_one_that_cannot_be_read_are_left_out_with_the_reason() {
        let mut found = Inventory::default();
        let versions = ("555.1", Some("12.5"));
        found.add(0, whole(), versions);
        let split = Read {
            is_mig: Ok(true),
            ..whole()
        };
        found.add(1, split, versions);
        let lost = Read {
            total_bytes: Err(NvmlError::GpuLost),
            ..whole()
        };
        found.add(2, lost, versions);
        let left_out: Vec<_> = found.left_out.iter().map(|(index, _)| *index).collect();
        assert_eq!(left_out, [1, 2]);
        assert!(found.left_out[0].1.contains("MIG"));
        assert!(!found.left_out[1].1.is_empty());
        let [card] = &found.devices[..] else {
            panic!("{found:?}")
        };
        assert_eq!((card.index, card.total_mib), (0, 81_920));
        assert_eq!(card.cuda.as_deref(), Some("12.5"));
    }
}
