//! Putting the output and the log, and telling how it ended.

use std::time::Duration;

use molar_domain::worker_api::{Finish, Grant, Put, Stored};
use molar_sandbox::Finished;
use molar_sandbox::collect::CollectedFile;
use sha2::{Digest as _, Sha256};
use tokio_util::io::ReaderStream;

use crate::api::{Api, Error};
use crate::collect::Collected;
use crate::run::Slot;
use crate::send::send;
use crate::series;

/// How often and how long a report is tried while the platform is away. The lease is kept meanwhile,
/// so nobody else runs the case; if it is lost, the answer is Stale.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_secs(2);

pub async fn report(
    api: &Api,
    grant: &Grant,
    slot: &Slot,
    finished: &Finished,
    collected: Collected,
) -> Result<(), Error> {
    let output = match &collected.file {
        Some(file) => Some(put_output(api, grant, file).await?),
        None => None,
    };
    let log = put_log(api, grant, finished.log.to_text().into_bytes()).await?;
    let gpu = slot.gpu_of(&grant.limits);
    let series = series::put(api, grant, finished).await;
    let usage = &finished.usage;
    let (failure, failure_detail) = collected.failure.unzip();
    let body = Finish {
        lease_token: grant.lease_token,
        failure,
        failure_detail,
        exit_code: finished.exit_code,
        wall_ms: Some(finished.wall_ms),
        gpu_area_mib_s: usage.gpu_area_mib_s,
        gpu_baseline_mib: usage.gpu_baseline_mib,
        gpu_total_mib: gpu.map(|card| card.device.total_mib as f64),
        gpu_peak_mib: usage.gpu_peak_mib,
        peak_memory_bytes: Some(usage.peak_memory_bytes),
        kernel_peak_memory_bytes: usage.kernel_peak_memory_bytes,
        memory_area_mib_s: usage.memory_area_mib_s,
        cpu_core_s: usage.cpu_core_s,
        device: slot.device.clone(),
        output,
        log,
        series,
        notes: collected.notes,
    };
    retried(|| api.finish(grant.case_run_id, &body)).await
}

async fn put_output(api: &Api, grant: &Grant, file: &CollectedFile) -> Result<Stored, Error> {
    let put = Put {
        lease_token: grant.lease_token,
        size_bytes: file.size,
        sha256: file.sha256.clone(),
    };
    retried(|| async {
        let to = api.output(grant.case_run_id, &put).await?;
        // Read from its start again at each try, through the handle that was checked.
        let again = file
            .file
            .try_clone()
            .map_err(|error| Error::Away(error.to_string()))?;
        let mut again = tokio::fs::File::from_std(again);
        tokio::io::AsyncSeekExt::rewind(&mut again)
            .await
            .map_err(|error| Error::Away(error.to_string()))?;
        send(
            api,
            to,
            file.size,
            reqwest::Body::wrap_stream(ReaderStream::new(again)),
        )
        .await
    })
    .await?;
    Ok(Stored {
        size_bytes: put.size_bytes,
        sha256: put.sha256,
    })
}

async fn put_log(api: &Api, grant: &Grant, text: Vec<u8>) -> Result<Option<Stored>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let stored = Stored {
        size_bytes: text.len() as u64,
        sha256: hex::encode(Sha256::digest(&text)),
    };
    let put = Put {
        lease_token: grant.lease_token,
        size_bytes: stored.size_bytes,
        sha256: stored.sha256.clone(),
    };
    retried(|| async {
        let to = api.log(grant.case_run_id, &put).await?;
        send(api, to, put.size_bytes, text.clone().into()).await
    })
    .await?;
    Ok(Some(stored))
}

async fn retried<T, F: Future<Output = Result<T, Error>>>(
    mut call: impl FnMut() -> F,
) -> Result<T, Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        match call().await {
            Err(Error::Away(why)) if tries < TRIES => {
                tracing::warn!(why, tries, "report not taken yet");
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}
