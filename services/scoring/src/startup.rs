//! The process: its configuration and its loops.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use molar_contracts::keys;
use molar_objects::{S3Args, Store};
use molar_service::{Application, Role, RoleArgs};
use molar_web_kit::WebArgs;
use tokio::sync::Notify;

use crate::cases::{CaseScores, Decoded, Zips};
use crate::evaluations::{self, Reconciler};
use crate::fetch::Fetcher;
use crate::references::{self, Reading};
use crate::routes;
use crate::slots::Slots;
use crate::viewer::Viewer;

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub role: RoleArgs,

    #[command(flatten)]
    pub web: WebArgs,

    #[command(flatten)]
    pub objects: S3Args,

    /// How many cases are measured at once [default: one a core]
    #[arg(long, env = "MOLAR_SCORING_SLOTS")]
    pub slots: Option<NonZeroUsize>,

    /// Where files lie while they are measured
    #[arg(long, env = "MOLAR_WORK_DIR", default_value_os_t = std::env::temp_dir())]
    pub work_dir: PathBuf,
}

/// What may change the rows that evaluations follow. Whatever is missed is found by the next round.
const REASONS: [&str; 5] = [
    keys::SUBMISSION_ACCEPTED,
    keys::SUBMISSION_CANCELLED,
    keys::CANARY_PASSED,
    keys::CASE_RUN_FINISHED,
    keys::ATTEMPT_FINISHED,
];

const POLL: Duration = Duration::from_secs(5);

/// Serves until stopped.
pub async fn serve(config: Config) -> molar_service::Result<()> {
    let mut app = Application::build(Role::Scoring, config.role.clone(), &config).await?;
    let kit = web::Data::new(config.web.kit(&mut app));
    std::fs::create_dir_all(&config.work_dir)?;
    let store = Store::connect(&config.objects).map_err(std::io::Error::other)?;
    let links = web::Data::new(store.clone());
    let fetcher = Fetcher::new(store, config.work_dir.clone());
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let viewer = web::Data::new(Viewer::new(fetcher.clone()));
    let slots = Slots::new(config.slots.unwrap_or(cores).get());
    let to_score = Arc::new(Notify::new());

    read_references(&mut app, &fetcher, &slots, &to_score);
    let zips = Zips::new(fetcher.clone());
    reconcile(&mut app, &zips, &to_score);
    let job = CaseScores {
        db: app.db.clone(),
        references: Decoded::new(fetcher.clone(), slots.clone()),
        fetcher,
        zips,
        slots,
    };
    let settings = job.settings();
    app.spawn_job(job, settings, to_score);
    app.run_until_stopped(move |service| {
        service.app_data(links.clone()).app_data(viewer.clone());
        routes().configure(kit.clone())(service);
    })
    .await
}

fn read_references(
    app: &mut Application,
    fetcher: &Fetcher,
    slots: &Slots,
    to_score: &Arc<Notify>,
) {
    let reading = Reading {
        db: app.db.clone(),
        clock: app.clock.clone(),
        fetcher: fetcher.clone(),
        slots: slots.clone(),
        stop: app.shutdown.token(),
    };
    let bell = app.bells.subscribe(&[keys::REFERENCE_STORED]);
    let to_score = to_score.clone();
    app.spawn_every("references", POLL, bell, move || {
        let (reading, to_score) = (reading.clone(), to_score.clone());
        async move {
            if references::round(&reading).await? > 0 {
                to_score.notify_one();
            }
            Ok::<_, crate::error::Error>(())
        }
    });
}

fn reconcile(app: &mut Application, zips: &Zips, to_score: &Arc<Notify>) {
    let reconciler = Reconciler {
        db: app.db.clone(),
        clock: app.clock.clone(),
        zips: zips.clone(),
        bell: to_score.clone(),
        told: Arc::default(),
        looks: evaluations::Looks::default(),
    };
    let bell = app.bells.subscribe(&REASONS);
    app.spawn_every("evaluations", POLL, bell, move || {
        let reconciler = reconciler.clone();
        async move { evaluations::round(&reconciler).await }
    });
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    struct Process {
        #[command(flatten)]
        _config: super::Config,
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Process::command().debug_assert();
    }
}
