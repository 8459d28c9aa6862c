//! Who holds a case run, and what becomes of it when its worker or its engine does not go on.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use molar_tests::challenge::{LEASED, Track};
use molar_tests::engine::{self, Engine, containers};
use molar_tests::processes::Process;
use molar_tests::proxy::Proxy;
use molar_tests::rows::Run;
use molar_tests::skip;
use molar_tests::system::LEASE;
use molar_tests::until;
use molar_tests::worker::{Told, Worker};
use rustix::process::Signal;
use serde_json::json;

use crate::stage::{Handed, PATIENCE, Stage};

/// Longer than a lease, and by enough to tell who ended it.
const LONG_S: u32 = 18;

pub async fn a_worker_killed_cut_off_or_stopped_loses_its_run_to_another(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let target = told(stage, "of nobody")?.api;
    let target = target.trim_start_matches("http://").trim_end_matches('/');
    let proxy = Proxy::to(target.parse()?).await?;
    let mut killed = worker(stage, told(stage, "killed")?).await?;
    let (mut handed, mut lost) = (Vec::new(), Vec::new());
    hold(stage, &killed, (&mut handed, &mut lost)).await?;
    let behind = Told {
        api: format!("http://{}", proxy.address),
        ..told(stage, "cut-off")?
    };
    let mut cut_off = worker(stage, behind).await?;
    hold(stage, &cut_off, (&mut handed, &mut lost)).await?;
    let mut stopped = worker(stage, told(stage, "stopped")?).await?;
    hold(stage, &stopped, (&mut handed, &mut lost)).await?;

    killed.kill()?;
    stopped.signal(Signal::STOP)?;
    proxy.cut();
    // By itself, and before the case would have ended.
    gone(&cut_off, LEASE + Duration::from_secs(4)).await?;

    let mut rescue = Vec::new();
    for name in ["rescue-1", "rescue-2"] {
        let two = Told {
            slots: 2,
            ..told(stage, name)?
        };
        rescue.push(worker(stage, two).await?);
    }
    for (one, before) in handed.iter().zip(&lost) {
        held_by_another(stage, one, before).await?;
    }
    proxy.mend();
    stopped.signal(Signal::CONT)?;
    killed.again()?;

    for (one, before) in handed.iter().zip(&lost) {
        stage.ends_scored_once(&stage.ridge, one, PATIENCE).await?;
        let run = stage.rows.canary(&one.id).await?;
        ensure!((run.claims, run.lost_leases) == (2, 1), "{run:?}");
        let late = stage
            .system
            .objects_below(before.token.as_deref().unwrap_or("?"));
        ensure!(late.is_empty(), "written after the lease: {late:?}");
    }
    for one in [&mut killed, &mut cut_off, &mut stopped]
        .into_iter()
        .chain(&mut rescue)
    {
        end(one).await?;
    }
    Ok(())
}

pub async fn a_killed_engine_costs_its_runs_a_retry_and_leaves_nothing(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    if !engine::is_startable() {
        skip::skipped(
            "dockerd",
            "a_killed_engine_costs_its_runs_a_retry_and_leaves_nothing",
        );
        return Ok(());
    }
    let mut own = Engine::start().await?;
    let on_it = Told {
        engine: own.socket(),
        ..told(stage, "engineless")?
    };
    let mut worker = worker(stage, on_it).await?;
    let running = stage.hand_in_slow(&stage.ridge, 1, 6).await?;
    held(stage, &running, &worker).await?;
    let waiting = stage.hand_in_slow(&stage.arch, 2, 0).await?;
    is_in(stage, &waiting, "released").await?;

    own.kill()?;
    is_in(stage, &running, "waiting").await?;
    let word = "nothing claimed while the engine does not answer";
    until(word, PATIENCE, async || {
        Ok(worker.log().contains(word).then_some(()))
    })
    .await?;
    let run = stage.rows.canary(&waiting.id).await?;
    ensure!(run.claims == 0, "claimed without an engine: {run:?}");

    own.up().await?;
    stage
        .ends_scored_once(&stage.ridge, &running, PATIENCE)
        .await?;
    stage
        .ends_scored_once(&stage.arch, &waiting, PATIENCE)
        .await?;
    let run = stage.rows.canary(&running.id).await?;
    ensure!((run.claims, run.lost_leases) == (2, 0), "{run:?}");
    engine::stray(&own.socket(), &worker.id).await?;
    end(&mut worker).await?;
    let left: Vec<_> = own.contained().iter().map(Process::command_line).collect();
    ensure!(left.is_empty(), "left running: {left:?}");
    Ok(())
}

pub async fn a_worker_that_is_asked_to_end_hands_its_run_back_uncharged(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let hasty = Told {
        grace_s: 1,
        ..told(stage, "leaving")?
    };
    let mut leaving = worker(stage, hasty).await?;
    let handed = stage.hand_in_slow(&stage.ridge, 1, 5).await?;
    held(stage, &handed, &leaving).await?;
    leaving.signal(Signal::TERM)?;
    let status = leaving.ended(Duration::from_secs(5)).await?;
    ensure!(status.success(), "it ended with {status}");
    let run = stage.rows.canary(&handed.id).await?;
    ensure!((run.claims, run.lost_leases) == (0, 0), "{run:?}");
    gone(&leaving, Duration::ZERO).await?;

    let mut next = worker(stage, told(stage, "next")?).await?;
    stage
        .ends_scored_once(&stage.ridge, &handed, PATIENCE)
        .await?;
    let run = stage.rows.canary(&handed.id).await?;
    ensure!(
        run.claims == 1 && run.worker.as_deref() == Some(&next.id),
        "{run:?}"
    );
    end(&mut next).await
}

pub async fn a_cancelled_run_is_stopped_at_once_with_the_broker_and_within_a_beat_without(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    // The system's own worker hears the broker, those of a test do not.
    let image = stage
        .hand_in_image(&stage.ridge, Track::Opg, 1, LONG_S)
        .await?;
    let run = running(stage, &image).await?;
    let (socket, id) = (
        told(stage, "of nobody")?.engine,
        run.worker.context("no worker")?,
    );
    seen(&socket, &id).await?;
    let took = cancelled(stage, &image, &socket, &id).await?;
    ensure!(
        took < Duration::from_secs(2),
        "with the broker it took {took:?}"
    );

    let mut deaf = worker(stage, told(stage, "deaf")?).await?;
    let handed = stage.hand_in_slow(&stage.ridge, 1, LONG_S).await?;
    held(stage, &handed, &deaf).await?;
    let took = cancelled(stage, &handed, deaf.engine(), &deaf.id).await?;
    // A beat is a third of the lease; `execution` hears of the cancel by the broker.
    let most = LEASE / 3 + Duration::from_secs(2);
    ensure!(took < most, "without the broker it took {took:?}");
    end(&mut deaf).await
}

fn told(stage: &Stage, name: &str) -> anyhow::Result<Told> {
    Ok(Told {
        name: name.to_owned(),
        class: LEASED,
        slots: 1,
        api: stage.system.told_worker("MOLAR_WORKER_API")?,
        engine: PathBuf::from(stage.system.told_worker("MOLAR_DOCKER_SOCKET")?),
        grace_s: 20,
    })
}

async fn worker(stage: &Stage, told: Told) -> anyhow::Result<Worker> {
    Worker::start(&stage.organizer, &stage.rows, told).await
}

/// Hands in what the worker, alone with a free slot, then holds.
async fn hold(
    stage: &Stage,
    worker: &Worker,
    (handed, lost): (&mut Vec<Handed>, &mut Vec<Run>),
) -> anyhow::Result<()> {
    let one = stage
        .hand_in_slow(&stage.ridge, 1 + handed.len(), LONG_S)
        .await?;
    lost.push(held(stage, &one, worker).await?);
    handed.push(one);
    Ok(())
}

async fn held(stage: &Stage, handed: &Handed, by: &Worker) -> anyhow::Result<Run> {
    let run = running(stage, handed).await?;
    ensure!(run.worker.as_deref() == Some(&by.id), "{run:?}");
    seen(by.engine(), &by.id).await?;
    Ok(run)
}

async fn running(stage: &Stage, handed: &Handed) -> anyhow::Result<Run> {
    until("a case that runs", PATIENCE, async || {
        let run = stage.rows.canary(&handed.id).await?;
        Ok((run.state == "running").then_some(run))
    })
    .await
}

async fn held_by_another(stage: &Stage, handed: &Handed, before: &Run) -> anyhow::Result<()> {
    until("a run to be redone elsewhere", PATIENCE, async || {
        let run = stage.rows.canary(&handed.id).await?;
        Ok((run.state == "running" && run.worker != before.worker).then_some(()))
    })
    .await
}

async fn is_in(stage: &Stage, handed: &Handed, state: &str) -> anyhow::Result<()> {
    until(&format!("a run {state}"), PATIENCE, async || {
        let run = stage.rows.canary(&handed.id).await?;
        Ok((run.state == state).then_some(()))
    })
    .await
}

/// A container of the worker is there.
async fn seen(socket: &std::path::Path, worker: &str) -> anyhow::Result<()> {
    until("a container", PATIENCE, async || {
        Ok((containers(socket, worker).await? > 0).then_some(()))
    })
    .await
}

async fn gone(worker: &Worker, patience: Duration) -> anyhow::Result<()> {
    until("the end of a container", patience, async || {
        Ok((containers(worker.engine(), &worker.id).await? == 0).then_some(()))
    })
    .await
}

/// From the cancel to the end of the container.
async fn cancelled(
    stage: &Stage,
    handed: &Handed,
    socket: &std::path::Path,
    worker: &str,
) -> anyhow::Result<Duration> {
    let path = format!("/api/v1/submissions/{}/cancel", handed.id);
    let begun = Instant::now();
    stage.ridge.api.post(&path, &json!({})).await?.ok()?;
    until("the end of a container", PATIENCE, async || {
        Ok((containers(socket, worker).await? == 0).then_some(()))
    })
    .await?;
    Ok(begun.elapsed())
}

/// Nothing of the worker is left, and it ends in order.
async fn end(worker: &mut Worker) -> anyhow::Result<()> {
    gone(worker, Duration::from_secs(15)).await?;
    worker.signal(Signal::TERM)?;
    let status = worker.ended(Duration::from_secs(10)).await?;
    ensure!(status.success(), "{} ended with {status}", worker.id);
    Ok(())
}
