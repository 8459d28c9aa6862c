//! One case run, from its grant to its report.

use std::path::{Path, PathBuf};

use molar_domain::worker_api::{Grant, Release, ReleaseReason};
use molar_sandbox::Engine;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Api};
use crate::canary::Reader;
use crate::doorbell::Doorbell;
use crate::lease::{self, Held, Moment};
use crate::live_log::LiveLog;
use crate::load::Loader;
use crate::run::Slot;
use crate::{collect, fetch, load, report, run};

/// What all slots of a worker share.
pub struct Context {
    pub api: Api,
    pub engine: Engine,
    pub loader: Loader,
    pub doorbell: Doorbell,
    /// Of what an image wrote for its canary.
    pub reader: Reader,
    pub cases: PathBuf,
    /// Cancelled when the grace period is over: what runs is given back.
    pub abandon: CancellationToken,
}

/// Why a case run has no result from this worker.
#[derive(Debug, thiserror::Error)]
enum Broken {
    /// Times and scores of a run without its GPU would be our doing.
    #[error("the case run asks for a GPU and this slot has none")]
    NoGpu,
    #[error("the worker stops, or the lease is lost")]
    Interrupted,
    #[error(transparent)]
    Load(#[from] load::Error),
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    #[error(transparent)]
    Sandbox(#[from] molar_sandbox::Error),
    #[error(transparent)]
    Collect(#[from] collect::Error),
    #[error(transparent)]
    Api(#[from] api::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Context {
    #[tracing::instrument(name = "case_run", skip_all, fields(case_run.id = %grant.case_run_id, attempt.id = %grant.attempt_id))]
    pub async fn handle(&self, grant: Grant, asked_at: Moment, slot: &Slot) {
        let cancel = self.abandon.child_token();
        let held = Held::new(asked_at, grant.lease_s);
        self.doorbell
            .watch(grant.case_run_id, grant.lease_token, cancel.clone());
        let beating = tokio::spawn(lease::keep(
            self.api.clone(),
            grant.clone(),
            held.clone(),
            cancel.clone(),
        ));
        // A run that was lost here can be granted to another slot before this one has noticed.
        let folder = self.cases.join(grant.lease_token.to_string());
        let outcome = self
            .play(&grant, slot, &folder, &held, cancel.clone())
            .await;
        if let Err(broken) = outcome {
            self.give_up(&grant, &held, &cancel, broken).await;
        }
        beating.abort();
        self.doorbell.unwatch(grant.case_run_id, grant.lease_token);
        remove(&folder).await;
    }

    async fn play(
        &self,
        grant: &Grant,
        slot: &Slot,
        folder: &Path,
        held: &Held,
        cancel: CancellationToken,
    ) -> Result<(), Broken> {
        if grant.limits.gpus > 0 && slot.card.is_none() {
            return Err(Broken::NoGpu);
        }
        let inputs = folder.join("inputs");
        remove(folder).await;
        tokio::fs::create_dir_all(&inputs).await?;
        let prepared = async {
            let pin = self.loader.ensure(&self.engine, &self.api, grant).await?;
            fetch::to_file(
                self.api.http(),
                &grant.input,
                &inputs.join(&grant.input.name),
            )
            .await?;
            Ok::<_, Broken>(pin)
        };
        // Of the two only the first is cut short by a cancel.
        let (prepared, room) = tokio::join!(
            cancel.run_until_cancelled(prepared),
            run::open_room(&self.engine, grant, folder)
        );
        let _pin = prepared.ok_or(collect::Error::Cancelled)??;
        let spec = run::spec(grant, slot, &inputs, room?);
        let live = LiveLog::start(&self.api, grant);
        let finished = run::run(&self.engine, &spec, cancel, live).await?;
        let collected = collect::collect(grant, &finished, &spec.room.outputs()).await?;
        let image = inputs.join(&grant.input.name);
        let collected = collect::judge(grant, &self.reader, &image, collected).await?;
        let failure = collected.failure.as_ref().map(|(code, _)| code.as_str());
        tracing::info!(wall_ms = finished.wall_ms, failure, "case finished");
        let report = report::report(&self.api, grant, slot, &finished, collected);
        let told = self.abandon.run_until_cancelled(held.while_held(report));
        told.await.flatten().ok_or(Broken::Interrupted)??;
        Ok(())
    }

    /// Hands the case run back, unless it is not ours any more.
    async fn give_up(
        &self,
        grant: &Grant,
        held: &Held,
        cancel: &CancellationToken,
        broken: Broken,
    ) {
        if held.is_lost() || matches!(broken, Broken::Api(api::Error::Stale)) {
            tracing::info!("case run ended elsewhere");
            return;
        }
        if cancel.is_cancelled() && !self.abandon.is_cancelled() {
            // Cancelled by the worker's queue: execution has closed the case run already.
            return;
        }
        let reason = if self.abandon.is_cancelled() {
            ReleaseReason::Interrupted
        } else {
            ReleaseReason::Transient
        };
        tracing::warn!(error = &broken as &dyn std::error::Error, %reason, "case run given back");
        let body = Release {
            lease_token: grant.lease_token,
            reason,
            detail: broken.to_string(),
        };
        if let Err(error) = self.api.release(grant.case_run_id, &body).await {
            // Nothing to undo: the lease runs out and somebody claims it again.
            tracing::warn!(%error, "could not give the case run back");
        }
    }
}

/// Whatever a container left, also folders that it closed to their owner.
async fn remove(folder: &Path) {
    let folder = folder.to_owned();
    let removed = tokio::task::spawn_blocking(move || molar_sandbox::clear(&folder));
    match removed.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "case folder not removed"
        ),
        Err(error) => tracing::error!(%error, "case folder not removed"),
    }
}
