//! The process: its configuration, its two listeners and its loops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use molar_contracts::keys;
use molar_objects::{S3Args, Store};
use molar_queue::{Broker, QueueSpec, worker_queue_of_class, worker_queue_of_id};
use molar_service::{Application, Lookback, Role, RoleArgs};
use molar_web_kit::{ApiError, Kit, WebArgs};
use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore};

use crate::lease::LeaseArgs;
use crate::rows::workers;
use crate::state::{LISTENERS, State};
use crate::worker_api::gate::Gate;
use crate::{attempts, dispatch, places, retention, routes, sweep, worker_routes};

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub role: RoleArgs,

    #[command(flatten)]
    pub web: WebArgs,

    #[command(flatten)]
    pub objects: S3Args,

    /// Where workers are listened to; port 0 takes a free one.
    #[arg(
        long,
        env = "MOLAR_WORKER_LISTEN",
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS"
    )]
    pub worker_listen: SocketAddr,

    #[command(flatten)]
    pub lease: LeaseArgs,
}

/// Figures, notes and short texts: whatever is larger goes to the store and is only named here.
const BODY_LIMIT_BYTES: usize = 1 << 20;

/// Serves until stopped.
pub async fn serve(config: Config) -> molar_service::Result<()> {
    let mut app = Application::build(Role::Execution, config.role.clone(), &config).await?;
    let kit = web::Data::new(config.web.kit(&mut app));
    let store = Store::connect(&config.objects)
        .map_err(|error| molar_service::Error::Io(std::io::Error::other(error)))?;
    let state = State {
        store,
        lease: config.lease,
        publisher: app.publisher.clone(),
        dispatch: Arc::default(),
        queues: Arc::default(),
        listeners: Arc::new(Semaphore::new(LISTENERS)),
        stop: app.shutdown.token(),
    };
    spawn_loops(&mut app, &state);

    let state = web::Data::new(state);
    let (worker_kit, worker_state) = (kit.clone(), state.clone());
    app.listen("worker-api", config.worker_listen, move |service| {
        configure_worker_api(worker_kit.clone(), worker_state.clone(), service);
    })?;
    app.run_until_stopped(move |service| {
        service.app_data(state.clone());
        routes().configure(kit.clone())(service);
    })
    .await
}

pub(crate) fn configure_worker_api(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    service: &mut web::ServiceConfig,
) {
    let gate = Arc::new(Gate(kit.db.clone()));
    worker_routes(gate).configure(kit)(service);
    let json = web::JsonConfig::default()
        .limit(BODY_LIMIT_BYTES)
        .error_handler(|error, _| ApiError::BadRequest(error.to_string()).into());
    service.app_data(json).app_data(state);
}

fn spawn_loops(app: &mut Application, state: &State) {
    let (db, clock, publisher) = (app.db.clone(), app.clock.clone(), state.publisher.clone());
    let bell = app
        .bells
        .subscribe(&[keys::SUBMISSION_ACCEPTED, keys::SUBMISSION_CANCELLED]);
    let (ring, lookback) = (state.dispatch.clone(), Lookback::default());
    app.spawn_every("reconcile", Duration::from_secs(2), bell, move || {
        let (db, clock, publisher) = (db.clone(), clock.clone(), publisher.clone());
        let (ring, lookback) = (ring.clone(), lookback.clone());
        async move {
            // A cancel first: what is cancelled makes room. Neither keeps the other from its turn.
            let cancelled = attempts::cancel::all(&db, &*publisher, clock.now()).await;
            let made = attempts::create::all(&db, &lookback, clock.now()).await;
            ring.notify_one();
            cancelled.and(made)
        }
    });

    let (db, clock, publisher) = (app.db.clone(), app.clock.clone(), state.publisher.clone());
    app.spawn_every(
        "dispatch",
        Duration::from_secs(1),
        state.dispatch.clone(),
        move || {
            let (db, clock, publisher) = (db.clone(), clock.clone(), publisher.clone());
            async move {
                dispatch::release(&db, &*publisher, clock.now())
                    .await
                    .map(drop)
            }
        },
    );

    let (db, clock, publisher) = (app.db.clone(), app.clock.clone(), state.publisher.clone());
    let minute = Duration::from_secs(60);
    app.spawn_every("remind", minute, Arc::default(), move || {
        let (db, clock, publisher) = (db.clone(), clock.clone(), publisher.clone());
        async move { dispatch::remind(&db, &*publisher, clock.now()).await }
    });

    let (db, clock, publisher) = (app.db.clone(), app.clock.clone(), state.publisher.clone());
    let lease = state.lease;
    app.spawn_every("sweep", Duration::from_secs(5), Arc::default(), move || {
        let (db, clock, publisher) = (db.clone(), clock.clone(), publisher.clone());
        async move {
            sweep::sweep(&db, &*publisher, lease, clock.now())
                .await
                .map(drop)
        }
    });

    let (db, clock) = (app.db.clone(), app.clock.clone());
    app.spawn_every(
        "places",
        Duration::from_secs(2),
        Arc::default(),
        move || {
            let (db, clock) = (db.clone(), clock.clone());
            async move { places::round(&db, clock.now()).await }
        },
    );

    let (db, clock, store) = (app.db.clone(), app.clock.clone(), state.store.clone());
    let hour = Duration::from_secs(3600);
    app.spawn_every("retention", hour, Arc::default(), move || {
        let (db, clock, store) = (db.clone(), clock.clone(), store.clone());
        async move { retention::sweep(&db, &store, clock.now()).await }
    });

    spawn_queues(app, state.queues.clone());
}

/// Makes the workers' queues, again and again: the broker may be emptied.
fn spawn_queues(app: &mut Application, bell: Arc<Notify>) {
    let (db, broker) = (app.db.clone(), app.broker.clone());
    app.spawn_every("queues", Duration::from_secs(30), bell, move || {
        let (db, broker) = (db.clone(), broker.clone());
        async move { declare_queues(&db, &broker).await }
    });
}

async fn declare_queues(db: &PgPool, broker: &Broker) -> crate::Result<()> {
    let mut names = std::collections::BTreeSet::new();
    for (id, class) in workers::list_enrolled(db).await? {
        names.insert(worker_queue_of_class(&class));
        names.insert(worker_queue_of_id(id.0));
    }
    if names.is_empty() {
        return Ok(());
    }
    let queues: Vec<_> = names.into_iter().map(QueueSpec::worker).collect();
    if let Err(error) = broker.declare(&queues).await {
        // Workers ask every few seconds meanwhile.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "queues of workers not made"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use molar_domain::FailureCode;

    use super::*;
    use crate::testing::{World, failed};

    #[derive(Parser)]
    struct Process {
        #[command(flatten)]
        config: Config,
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Process::command().debug_assert();
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_body_of_more_than_a_mebibyte_is_not_read(pool: PgPool) {
        let world = World::new(pool).await;
        let grant = world.claim().await.unwrap();
        let mut report = failed(&grant, FailureCode::TimedOut);
        report.failure_detail = Some("x".repeat(BODY_LIMIT_BYTES));
        assert_eq!(world.finish(&grant, &report).await, 400);
        report.failure_detail = Some("x".repeat(BODY_LIMIT_BYTES / 2));
        assert_eq!(world.finish(&grant, &report).await, 204);
    }

    #[derive(Parser)]
    struct Leasing {
        #[command(flatten)]
        lease: LeaseArgs,
    }

    #[test]
    fn a_lease_that_no_worker_could_keep_is_refused() {
        let seconds = |of: &str| {
            let parsed = Leasing::try_parse_from(["", "--lease-s", of]);
            parsed.map(|args| args.lease.lease_s).ok()
        };
        assert_eq!(seconds("9"), Some(9));
        assert_eq!((seconds("5"), seconds("3601")), (None, None));
        let default = Leasing::try_parse_from([""]).unwrap().lease;
        assert_eq!(default.lease_s, LeaseArgs::default().lease_s);
    }
}
