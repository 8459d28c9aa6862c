//! The GPU of a slot, and whether it can take a case now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use molar_sandbox::{Gpu, GpuDevice, GpuError, Inventory, Unsettled};

/// After a case its memory is back at once, or somebody holds it.
const PATIENCE: Duration = Duration::from_secs(10);

/// One card. A case owns it whole, so that what it shows used is the case's.
pub struct Card {
    pub device: GpuDevice,
    gpu: Gpu,
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The least that was ever used, which is nobody's; not known before the first look.
    idle_mib: Option<f64>,
    is_fit: bool,
}

/// Why a card takes no case for now.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error(transparent)]
    Held(#[from] Unsettled),
    #[error(transparent)]
    Unread(#[from] GpuError),
}

impl Card {
    pub fn new(gpu: Gpu, device: GpuDevice) -> Self {
        Self {
            device,
            gpu,
            patience: PATIENCE,
            state: Mutex::new(State {
                idle_mib: None,
                is_fit: true,
            }),
        }
    }

    /// Those of the host that a case can own; none where they cannot be asked.
    pub fn all(gpu: &Gpu) -> Vec<Arc<Self>> {
        let inventory = gpu.inventory().unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "GPUs not listed");
            Inventory::default()
        });
        for (index, why) in &inventory.left_out {
            tracing::warn!(index, why, "a GPU is left out");
        }
        let card = |device| Arc::new(Self::new(gpu.clone(), device));
        inventory.devices.into_iter().map(card).collect()
    }

    /// As of the last look.
    pub fn is_fit(&self) -> bool {
        self.state().is_fit
    }

    /// Looks before a case whether the last one, or somebody else, still has memory of it, and waits for
    /// that a while. Of a card that was found unfit only looks: it may have become free.
    pub async fn look(&self) -> bool {
        let was_fit = self.is_fit();
        let found = self.settle(if was_fit {
            self.patience
        } else {
            Duration::ZERO
        });
        let found = found.await;
        let gpu = self.device.uuid.as_str();
        match &found {
            Ok(()) if !was_fit => tracing::info!(gpu, "the GPU is free again"),
            Err(why) if was_fit => tracing::error!(gpu, %why, "no case is put on this GPU"),
            _ => {}
        }
        self.state().is_fit = found.is_ok();
        found.is_ok()
    }

    async fn settle(&self, patience: Duration) -> Result<(), Unfit> {
        let known = self.state().idle_mib;
        let idle_mib = match known {
            Some(idle_mib) => idle_mib,
            None => self.first_use()?,
        };
        let settled = self.gpu.settle(&self.device.uuid, idle_mib, patience);
        self.state().idle_mib = Some(settled.await??.min(idle_mib));
        Ok(())
    }

    /// Before the first case, when nothing of ours is left on it.
    fn first_use(&self) -> Result<f64, GpuError> {
        let idle_mib = self.gpu.used_mib(&self.device.uuid)?;
        let pids = self.gpu.pids(&self.device.uuid)?;
        if !pids.is_empty() {
            tracing::warn!(
                gpu = self.device.uuid,
                ?pids,
                idle_mib,
                "others use this GPU"
            );
        }
        Ok(idle_mib)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use molar_sandbox::Recording;

    use super::*;

    /// A made series, as the file of a recorded one is written.
    fn card(samples: &str) -> Card {
        let text = format!(
            r#"{{"origin": "made", "recorded_at": null, "load": "a test's",
                "device": {{"name": "made", "uuid": "GPU-made", "total_mib": 8192, "driver": "none", "cuda": null}},
                "samples": {samples}}}"#
        );
        let gpu = Gpu::replay(Recording::from_json(&text).unwrap());
        let device = gpu.inventory().unwrap().devices.remove(0);
        Card {
            patience: Duration::from_millis(800),
            ..Card::new(gpu, device)
        }
    }

    async fn at(begun: std::time::Instant, ms: u64) {
        let when = begun + Duration::from_millis(ms);
        tokio::time::sleep_until(when.into()).await;
    }

    #[tokio::test]
    async fn a_card_whose_memory_comes_back_takes_the_next_case() {
        let begun = std::time::Instant::now();
        let card = card("[[0, 12], [300, 2000], [800, 14]]");
        assert!(card.look().await);
        at(begun, 400).await;
        assert!(card.look().await);
        assert!(card.is_fit());
    }

    #[tokio::test]
    async fn a_card_that_somebody_holds_takes_none_until_it_is_free() {
        let begun = std::time::Instant::now();
        let card = card("[[0, 12], [300, 2000], [3000, 13]]");
        assert!(card.look().await);
        at(begun, 400).await;
        assert!(!card.look().await);
        assert!(!card.is_fit());
        // Now without any patience.
        let asked = std::time::Instant::now();
        assert!(!card.look().await);
        assert!(asked.elapsed() < Duration::from_millis(500));
        at(begun, 3_100).await;
        assert!(card.look().await);
    }
}
