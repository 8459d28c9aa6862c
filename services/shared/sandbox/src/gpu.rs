use std::sync::Arc;

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

/// This host's NVIDIA GPUs, through the driver's own library.
#[derive(Clone)]
pub struct Gpu {
    nvml: Arc<Nvml>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuDevice {
    pub index: u32,
    pub uuid: String,
    pub name: String,
    pub total_mib: u64,
    pub driver: String,
}

const MIB: u64 = 1 << 20;

impl Gpu {
    /// None where there is no driver.
    pub fn detect() -> Option<Self> {
        // Without the development package only the numbered name exists.
        let nvml = Nvml::init().or_else(|_| {
            Nvml::builder()
                .lib_path(std::ffi::OsStr::new("libnvidia-ml.so.1"))
                .init()
        });
        match nvml {
            Ok(nvml) => Some(Self {
                nvml: Arc::new(nvml),
            }),
            Err(error) => {
                tracing::info!(%error, "no GPU is measured on this host");
                None
            }
        }
    }

    pub fn devices(&self) -> Result<Vec<GpuDevice>, NvmlError> {
        let driver = self.nvml.sys_driver_version()?;
        (0..self.nvml.device_count()?)
            .map(|index| {
                let device = self.nvml.device_by_index(index)?;
                Ok(GpuDevice {
                    index,
                    uuid: device.uuid()?,
                    name: device.name()?,
                    total_mib: device.memory_info()?.total / MIB,
                    driver: driver.clone(),
                })
            })
            .collect()
    }

    /// Used memory as the challenge measures it: total − free, of the whole device, which the one
    /// case owns. `id` is an index or a UUID.
    pub fn used_mib(&self, id: &str) -> Result<f64, NvmlError> {
        let device = match id.parse() {
            Ok(index) => self.nvml.device_by_index(index)?,
            Err(_) => self.nvml.device_by_uuid(id)?,
        };
        let memory = device.memory_info()?;
        Ok(memory.total.saturating_sub(memory.free) as f64 / MIB as f64)
    }
}
