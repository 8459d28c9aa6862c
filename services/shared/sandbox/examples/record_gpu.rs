//! Records what a GPU uses, as a file that a worker's tests can replay:
//!
//! ```text
//! record_gpu UUID SECONDS LOAD > series.json     the inventory, without arguments
//! ```

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use molar_sandbox::{Gpu, Origin, Recorded, Recording};

const INTERVAL: Duration = Duration::from_millis(100);

fn main() -> anyhow::Result<()> {
    let gpu = Gpu::detect().context("this host has no NVIDIA driver")?;
    let inventory = gpu.inventory()?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [uuid, seconds, load] = &args[..] else {
        println!("{inventory:#?}");
        return Ok(());
    };
    let known = inventory.devices.iter().find(|one| one.uuid == *uuid);
    let Some(device) = known else {
        bail!("there is no GPU {uuid}");
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "a program of its own, without a Clock"
    )]
    let now: DateTime<Utc> = Utc::now();
    let recording = Recording {
        origin: Origin::Recorded,
        recorded_at: Some(now.to_rfc3339_opts(SecondsFormat::Secs, true)),
        load: load.clone(),
        device: Recorded {
            name: device.name.clone(),
            uuid: device.uuid.clone(),
            total_mib: device.total_mib,
            driver: device.driver.clone(),
            cuda: device.cuda.clone(),
        },
        samples: record(&gpu, uuid, Duration::from_secs(seconds.parse()?))?,
    };
    println!("{}", serde_json::to_string(&recording)?);
    Ok(())
}

fn record(gpu: &Gpu, uuid: &str, length: Duration) -> anyhow::Result<Vec<(u64, f64)>> {
    let (begun, mut samples) = (Instant::now(), Vec::new());
    while begun.elapsed() < length {
        let t_ms = match samples.is_empty() {
            true => 0,
            false => u64::try_from(begun.elapsed().as_millis())?,
        };
        samples.push((t_ms, gpu.used_mib(uuid)?));
        std::thread::sleep(INTERVAL);
    }
    Ok(samples)
}
