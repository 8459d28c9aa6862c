//! What the machines of a device class are, in the organizers' words.
//!
//! Participants build their images for it, and each worker's own account is held against it. A worker that
//! differs goes on working: what its cases were timed on is on record with each of them.

use serde::{Deserialize, Serialize};

use crate::device::Device;

/// What is absent is not promised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceClass {
    pub slug: String,
    /// As its driver names it: "NVIDIA A100-SXM4-40GB".
    pub gpu: Option<String>,
    pub gpu_memory_mib: Option<u64>,
    pub driver: Option<String>,
    /// The newest that the driver runs.
    pub cuda: Option<String>,
    pub cpu: Option<String>,
    /// That a slot has.
    pub cores: Option<u32>,
    /// That a slot has.
    pub memory_bytes: Option<u64>,
}

impl DeviceClass {
    /// In which a worker of this class is not what was promised, each as a sentence's part. More cores or
    /// memory than promised differ too: times are compared on equal machines only.
    pub fn differences(&self, device: &Device, slot_memory_bytes: u64) -> Vec<String> {
        let number = |number: u64| number.to_string();
        let rows = [
            ("GPU", self.gpu.clone(), device.gpu.clone()),
            (
                "GPU memory (MiB)",
                self.gpu_memory_mib.map(number),
                device.gpu_memory_mib.map(number),
            ),
            ("driver", self.driver.clone(), device.driver.clone()),
            ("CUDA", self.cuda.clone(), device.cuda.clone()),
            ("CPU", self.cpu.clone(), Some(device.cpu.clone())),
            (
                "cores of a slot",
                self.cores.map(|cores| cores.to_string()),
                Some(device.cores.to_string()),
            ),
        ];
        let mut found: Vec<String> = rows
            .into_iter()
            .filter_map(|(what, promised, found)| {
                let promised = promised?;
                let found = found.unwrap_or_else(|| "none".to_owned());
                let is_same = promised.trim().eq_ignore_ascii_case(found.trim());
                (!is_same).then(|| format!("{what} is {found}, not {promised}"))
            })
            .collect();
        // A machine's memory is never a round number: it must suffice.
        if let Some(least) = self.memory_bytes.filter(|&least| slot_memory_bytes < least) {
            let mib = |bytes: u64| bytes >> 20;
            let (has, least) = (mib(slot_memory_bytes), mib(least));
            found.push(format!("memory of a slot is {has} MiB, not {least} MiB"));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_promised_is_held_against_the_machine_and_nothing_else_is() {
        let device = Device {
            cpu: "AMD EPYC 7543".to_owned(),
            cores: 8,
            gpu: Some("NVIDIA A100-SXM4-40GB".to_owned()),
            gpu_memory_mib: Some(40_960),
            driver: Some("550.54.14".to_owned()),
            ..Device::default()
        };
        let mut class = DeviceClass {
            gpu: Some("nvidia a100-SXM4-40GB ".to_owned()),
            cpu: Some("AMD EPYC 7543".to_owned()),
            cores: Some(8),
            memory_bytes: Some(28 << 30),
            ..DeviceClass::default()
        };
        assert_eq!(class.differences(&device, 28 << 30), Vec::<String>::new());
        class.driver = Some("535.104.05".to_owned());
        class.cuda = Some("12.2".to_owned());
        class.cores = Some(4);
        assert_eq!(
            class.differences(&device, 27 << 30),
            [
                "driver is 550.54.14, not 535.104.05",
                "CUDA is none, not 12.2",
                "cores of a slot is 8, not 4",
                "memory of a slot is 27648 MiB, not 28672 MiB",
            ]
        );
    }
}
