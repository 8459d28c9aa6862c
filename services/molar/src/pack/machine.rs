//! Limits and machines in words, each from the phase's own values.

use molar_domain::device_class::DeviceClass;
use molar_domain::limits::{Limits, Runtime};

/// A phase's limits, each with what it is of. A field that is new in [`Limits`] has to be told here.
pub fn limits(limits: &Limits) -> Vec<(&'static str, String)> {
    let Limits {
        wall_s,
        memory_bytes,
        shm_bytes,
        pids,
        nofile,
        cpus,
        gpus,
        silence_s,
        log_bytes,
        output_bytes,
        disk_bytes,
        upload_bytes,
        image_bytes,
        read_only_root,
        runtime,
    } = limits;
    let silence = match silence_s {
        Some(seconds) => format!("stopped after {seconds} s without a word on stdout or stderr"),
        None => "as long as you like".to_owned(),
    };
    let root = match read_only_root {
        true => "read-only but for `/outputs`, `/dev/shm` and the volumes that your image declares",
        false => "writable, new for every case",
    };
    vec![
        ("network", "none".to_owned()),
        (
            "time of a case",
            format!("{wall_s} s, from the container's start to its end"),
        ),
        (
            "memory",
            format!(
                "{}, without swap; shared memory counts",
                size(*memory_bytes)
            ),
        ),
        ("shared memory (`/dev/shm`)", size(*shm_bytes)),
        ("CPU cores", cpus.to_string()),
        ("GPUs", gpus.to_string()),
        ("processes and threads", pids.to_string()),
        ("open files", nofile.to_string()),
        ("silence", silence),
        ("file system", root.to_owned()),
        ("written to it", size(*disk_bytes)),
        ("written to `/outputs`", size(*output_bytes)),
        (
            "log",
            format!(
                "{}; what is beyond is dropped and the run goes on",
                size(*log_bytes)
            ),
        ),
        ("the archive that you hand in", size(*upload_bytes)),
        ("the image, unpacked", size(*image_bytes)),
        ("runtime", runtime_of(*runtime).to_owned()),
    ]
}

fn runtime_of(runtime: Option<Runtime>) -> &'static str {
    match runtime {
        None => "as each machine is set up",
        Some(Runtime::Runc) => "runc",
        Some(Runtime::Runsc) => {
            "gVisor (runsc): a kernel of its own between the container and the machine"
        }
    }
}

/// What the organizers promise of the machines of a class.
pub fn device(class: &DeviceClass) -> Vec<(&'static str, String)> {
    let DeviceClass {
        slug: _,
        gpu,
        gpu_memory_mib,
        driver,
        cuda,
        cpu,
        cores,
        memory_bytes,
    } = class;
    let rows = [
        ("GPU", gpu.clone()),
        ("GPU memory", gpu_memory_mib.map(|mib| format!("{mib} MiB"))),
        ("driver", driver.clone()),
        ("newest CUDA that it runs", cuda.clone()),
        ("CPU", cpu.clone()),
        ("cores of a slot", cores.map(|cores| cores.to_string())),
        ("memory of a slot", memory_bytes.map(size)),
    ];
    rows.into_iter()
        .filter_map(|(what, value)| Some((what, value?)))
        .collect()
}

/// In the largest unit of which it is a whole number, and in bytes.
pub fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let whole = units
        .iter()
        .find(|(shift, _)| bytes >> shift > 0 && bytes.trailing_zeros() >= *shift);
    match whole {
        Some((shift, unit)) => format!("{} {unit} ({bytes} bytes)", bytes >> shift),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_told_in_whole_units_and_to_the_byte() {
        assert_eq!(size(28 << 30), "28 GiB (30064771072 bytes)");
        assert_eq!(size((1 << 30) + (1 << 20)), "1025 MiB (1074790400 bytes)");
        assert_eq!(size(1000), "1000 bytes");
    }
}
