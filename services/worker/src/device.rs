//! What times are measured on: read once, sent with every result.

use molar_domain::worker_api::Device;
use molar_sandbox::{Engine, GpuDevice};

/// Memory left to the host and to the engine when nobody said how much a slot has.
const SLOTS_SHARE: f64 = 0.75;

/// The machine as a slot without a GPU sees it.
pub async fn find(engine: &Engine, slots: u16) -> Result<Device, molar_sandbox::Error> {
    let info = engine.info().await?;
    let cores = u32::try_from(info.ncpu).unwrap_or(1) / u32::from(slots.max(1));
    Ok(Device {
        cpu: cpu_name(&std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
        cores: cores.max(1),
        memory_bytes: info.memory_bytes,
        gpu: None,
        gpu_memory_mib: None,
        driver: None,
        cuda: None,
        engine: info.version,
        kernel: rustix::system::uname()
            .release()
            .to_string_lossy()
            .into_owned(),
    })
}

/// As the slot that owns this GPU sees it.
pub fn with_gpu(device: &Device, gpu: &GpuDevice) -> Device {
    Device {
        gpu: Some(gpu.name.clone()),
        gpu_memory_mib: Some(gpu.total_mib),
        driver: Some(gpu.driver.clone()),
        cuda: gpu.cuda.clone(),
        ..device.clone()
    }
}

/// What the slots together would take that the machine does not have.
pub fn oversubscribed(
    device: &Device,
    cores_of_machine: u32,
    slots: u16,
    slot_memory: u64,
) -> Option<String> {
    let slots = u64::from(slots.max(1));
    let memory = slots.saturating_mul(slot_memory);
    if slots > u64::from(cores_of_machine) {
        return Some(format!(
            "{slots} slots need a core each, the machine has {cores_of_machine}"
        ));
    }
    (memory > device.memory_bytes).then(|| {
        format!("{slots} slots of {slot_memory} bytes need {memory} bytes of memory, the machine has {}", device.memory_bytes)
    })
}

pub fn slot_memory_bytes(device: &Device, slots: u16, asked: Option<u64>) -> u64 {
    asked.unwrap_or((device.memory_bytes as f64 * SLOTS_SHARE) as u64 / u64::from(slots.max(1)))
}

fn cpu_name(cpuinfo: &str) -> String {
    let line = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    line.and_then(|rest| rest.split_once(':'))
        .map_or("unknown", |(_, name)| name.trim())
        .to_owned()
}

/// The cores of a slot: its own part of the host's, and of that no more than a case run may use.
pub fn cpuset(slot: u16, cores_of_slot: u32, cpus: u32) -> String {
    let first = u32::from(slot) * cores_of_slot;
    let last = first + cores_of_slot.min(cpus).max(1) - 1;
    if first == last {
        first.to_string()
    } else {
        format!("{first}-{last}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_share_no_core() {
        assert_eq!(cpuset(0, 4, 8), "0-3");
        assert_eq!(cpuset(1, 4, 8), "4-7");
        assert_eq!(cpuset(1, 4, 1), "4");
    }

    #[test]
    fn slots_take_no_more_than_the_machine_has() {
        let device = Device {
            memory_bytes: 8 << 30,
            ..Device::default()
        };
        assert_eq!(oversubscribed(&device, 2, 2, 4 << 30), None);
        assert!(
            oversubscribed(&device, 2, 3, 1 << 30)
                .unwrap()
                .contains("core")
        );
        assert!(
            oversubscribed(&device, 2, 2, 5 << 30)
                .unwrap()
                .contains("memory")
        );
    }

    #[test]
    fn the_processor_has_a_name() {
        assert_eq!(
            cpu_name("processor\t: 0\nmodel name\t: Fast One\n"),
            "Fast One"
        );
        assert_eq!(cpu_name(""), "unknown");
    }
}
