//! The process: its configuration and its loops.

use std::path::PathBuf;
use std::time::Duration;

use actix_web::web;
use chrono::TimeDelta;
use molar_contracts::keys;
use molar_objects::{S3Args, Store};
use molar_service::{Application, Pending, Role, RoleArgs, lease};
use molar_web_kit::{Kit, WebArgs, idempotency};

use crate::checks::{Check, Checker};
use crate::state::State;
use crate::submissions::changes::{self, Changes};
use crate::{checks, quota, retention, routes, spare_layers, sweeper};

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub role: RoleArgs,

    #[command(flatten)]
    pub web: WebArgs,

    #[command(flatten)]
    pub objects: S3Args,

    /// The program that is started as `PROGRAM check` to look into an upload [default: this one]
    #[arg(long, env = "MOLAR_CHECK_PROGRAM", value_name = "PATH")]
    pub check_program: Option<PathBuf>,

    /// Where uploads lie while they are checked; needs room for the largest and for its layers unpacked,
    /// once per check [default: molar-checks in the system's temporary folder]
    #[arg(long, env = "MOLAR_CHECK_DIR", value_name = "PATH")]
    pub check_dir: Option<PathBuf>,

    /// How many uploads are checked at once.
    #[arg(long, env = "MOLAR_CHECKS", default_value_t = 1)]
    pub checks: usize,

    /// How many seconds the URL of a part can be used; clients ask for a new one then.
    #[arg(long, env = "MOLAR_PART_URL_S", default_value_t = 6 * 3600, value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub part_url_s: u32,
}

/// How long a create can be repeated with its key.
const KEYS_KEPT: TimeDelta = TimeDelta::days(2);

/// Serves until stopped.
pub async fn serve(config: Config) -> molar_service::Result<()> {
    let mut app = Application::build(Role::Submission, config.role.clone(), &config).await?;
    let kit = web::Data::new(config.web.kit(&mut app));
    let store = Store::connect(&config.objects).map_err(std::io::Error::other)?;
    spawn_checks(&mut app, &config, &store)?;
    spawn_rounds(&mut app, &store);
    let changes = web::Data::new(Changes::new(app.shutdown.token()));
    spawn_changes(&mut app, &kit, &changes);
    let state = web::Data::new(State {
        store,
        part_url_life: Duration::from_secs(config.part_url_s.into()),
    });
    app.run_until_stopped(move |service| {
        service.app_data(state.clone());
        service.app_data(changes.clone());
        routes().configure(kit.clone())(service);
    })
    .await
}

fn spawn_checks(
    app: &mut Application,
    config: &Config,
    store: &Store,
) -> molar_service::Result<()> {
    let program = match &config.check_program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?,
    };
    let folder = match &config.check_dir {
        Some(folder) => folder.clone(),
        None => std::env::temp_dir().join("molar-checks"),
    };
    checks::prepare_folder(&folder)?;
    let check = Check {
        db: app.db.clone(),
        store: store.clone(),
        folder,
        checker: Checker::Program(program),
    };
    let settings = lease::Settings {
        slots: config.checks.max(1),
        ..lease::Settings::default()
    };
    let bell = app.bells.subscribe(&[keys::SUBMISSION_COMPLETED]);
    app.spawn_job(check, settings, bell);
    Ok(())
}

/// Other roles' rows move without a message, too.
const LOOK_EVERY: Duration = Duration::from_secs(2);

fn spawn_changes(app: &mut Application, kit: &web::Data<Kit>, changes: &web::Data<Changes>) {
    let bell = app.bells.subscribe(&[
        keys::SUBMISSION_ACCEPTED,
        keys::CANARY_PASSED,
        keys::ATTEMPT_FINISHED,
        keys::EVALUATION_FINISHED,
    ]);
    let (kit, changes) = (kit.clone(), changes.clone());
    app.spawn_every("changes", LOOK_EVERY, bell, move || {
        let (kit, changes) = (kit.clone(), changes.clone());
        async move { changes::look::all(&kit, &changes).await }
    });
}

fn spawn_rounds(app: &mut Application, store: &Store) {
    let bell = app.bells.subscribe(&[
        keys::CANARY_PASSED,
        keys::ATTEMPT_FINISHED,
        keys::EVALUATION_FINISHED,
    ]);
    let (db, clock, unsettled) = (app.db.clone(), app.clock.clone(), Pending::default());
    app.spawn_every("settle", Duration::from_secs(5), bell, move || {
        let (db, clock, unsettled) = (db.clone(), clock.clone(), unsettled.clone());
        async move { quota::settle_all(&db, &unsettled, clock.now()).await }
    });

    let hour = Duration::from_secs(3600);
    let (db, objects) = (app.db.clone(), store.clone());
    app.spawn_every("layers", hour, Default::default(), move || {
        let (db, store) = (db.clone(), objects.clone());
        async move { spare_layers::sweep(&db, &store).await.map(drop) }
    });

    let (db, clock, objects) = (app.db.clone(), app.clock.clone(), store.clone());
    app.spawn_every("retention", hour, Default::default(), move || {
        let (db, clock, store) = (db.clone(), clock.clone(), objects.clone());
        async move { retention::sweep(&db, &store, clock.now()).await }
    });

    let (db, store) = (app.db.clone(), store.clone());
    let sweep = Duration::from_secs(30);
    app.spawn_every("sweep", sweep, Default::default(), move || {
        let (db, store) = (db.clone(), store.clone());
        async move {
            sweeper::sweep(&db, &store).await?;
            sweeper::drop_archives(&db, &store).await
        }
    });

    let (db, clock) = (app.db.clone(), app.clock.clone());
    app.spawn_every("forget_keys", hour, Default::default(), move || {
        let (db, clock) = (db.clone(), clock.clone());
        async move {
            let mut conn = db.acquire().await?;
            idempotency::forget(&mut conn, Role::Submission, clock.now() - KEYS_KEPT).await?;
            Ok::<_, sqlx::Error>(())
        }
    });
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[derive(clap::Parser)]
    struct Process {
        #[command(flatten)]
        _config: super::Config,
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Process::command().debug_assert();
    }
}
