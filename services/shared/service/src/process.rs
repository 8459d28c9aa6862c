//! A role's process, put together: what every `main` does between parsing and leaving.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use chrono::TimeDelta;
use futures_util::FutureExt;
use molar_domain::{Clock, SystemClock};
use molar_queue::{AmqpArgs, Broker, Publish};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::doorbell::{Bells, Listener};
use crate::health::{self, Health};
use crate::http::{self, HttpArgs};
use crate::lease::{Job, LeaseLoop, Settings};
use crate::outbox::{self, Relay};
use crate::shutdown::ShutdownArgs;
use crate::telemetry::{self, LogArgs};
use crate::{DatabaseArgs, Error, Result, Role, Shutdown, db, inbox, periodic};

/// What the parts of a process may take to end beyond the grace that running work has.
const MARGIN: Duration = Duration::from_secs(10);

/// What the last announcements may take.
const LAST_RELAY: Duration = Duration::from_secs(2);

/// What every role's process is told.
#[derive(Debug, Clone, clap::Args)]
pub struct RoleArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,

    #[command(flatten)]
    pub broker: AmqpArgs,

    #[command(flatten)]
    pub http: HttpArgs,

    #[command(flatten)]
    pub log: LogArgs,

    #[command(flatten)]
    pub shutdown: ShutdownArgs,

    /// Written once the process listens: a JSON object of its listeners' addresses.
    #[arg(long, env = "MOLAR_READY_FILE", value_name = "PATH")]
    pub ready_file: Option<PathBuf>,
}

/// A process under construction. A role adds its loops and routes, then runs it.
pub struct Application {
    pub role: Role,
    pub db: PgPool,
    pub clock: Arc<dyn Clock>,
    pub broker: Broker,
    /// For doorbells that need no row; what must arrive goes through the outbox.
    pub publisher: Arc<dyn Publish>,
    pub bells: Bells,
    pub shutdown: Shutdown,
    args: RoleArgs,
    tasks: Tasks,
    servers: Tasks,
    /// Begins when all tasks have ended: until then the process answers, if only that it is stopping.
    closing: Shutdown,
    listeners: BTreeMap<&'static str, SocketAddr>,
}

impl Application {
    /// Connects, and refuses a database that this binary does not know. `config` is the role's whole
    /// configuration, logged once; secrets in it print redacted.
    pub async fn build(role: Role, args: RoleArgs, config: &impl std::fmt::Debug) -> Result<Self> {
        telemetry::init(&args.log)?;
        log_start(role.as_str(), config);
        let shutdown = Shutdown::new(Duration::from_secs(args.shutdown.grace_s));
        shutdown.on_signals()?;
        let closing = Shutdown::new(shutdown.grace());
        let db = db::connect(role, &args.database).await?;
        db::refuse_unknown_schema(&db).await?;
        let broker = Broker::connect(&args.broker, &role.login())?;
        Ok(Self {
            role,
            db,
            clock: Arc::new(SystemClock),
            publisher: Arc::new(broker.publisher()),
            broker,
            bells: Bells::default(),
            shutdown,
            args,
            tasks: Tasks::default(),
            servers: Tasks::default(),
            closing,
            listeners: BTreeMap::new(),
        })
    }

    /// Runs `task` beside the rest. It must end when the shutdown begins, and not before.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(name, task);
    }

    /// Works off leased jobs until the shutdown, then gives back what the grace period does not suffice for.
    pub fn spawn_job<J: Job>(&mut self, job: J, settings: Settings, bell: Arc<Notify>) {
        let settings = Settings {
            grace: self.shutdown.grace(),
            ..settings
        };
        let work = LeaseLoop::new(job, settings, self.clock.clone());
        self.tasks
            .spawn(J::NAME, work.run(bell, self.shutdown.token()));
    }

    /// Does `round` whenever `bell` rings and at the latest every `interval`.
    pub fn spawn_every<F, Round, E>(
        &mut self,
        name: &'static str,
        interval: Duration,
        bell: Arc<Notify>,
        round: F,
    ) where
        F: FnMut() -> Round + Send + 'static,
        Round: Future<Output = Result<(), E>> + Send + 'static,
        E: std::error::Error + Send + 'static,
    {
        let task = periodic::every(name, interval, bell, self.shutdown.token(), round);
        self.tasks.spawn(name, task);
    }

    /// Opens one more listener, such as the worker API, and returns its address.
    pub fn listen<F>(
        &mut self,
        name: &'static str,
        at: SocketAddr,
        configure: F,
    ) -> Result<SocketAddr>
    where
        F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    {
        let (address, server) = http::serve(at, &self.closing, configure)?;
        tracing::info!(listener = name, %address, "listening");
        self.listeners.insert(name, address);
        let shutdown = self.shutdown.clone();
        self.servers.spawn(name, async move {
            if let Err(error) = server.await {
                tracing::error!(error = &error as &dyn std::error::Error, "listener broke");
            }
            // Nobody can reach a process that does not listen.
            shutdown.begin();
        });
        Ok(address)
    }

    /// Serves `configure` and the health routes, relays the outbox, rings the bells; returns after a clean
    /// stop, or with the reason why it was not one.
    pub async fn run_until_stopped<F>(mut self, configure: F) -> Result<()>
    where
        F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    {
        self.spawn_common();
        let health = web::Data::new(Health::new(Some(self.db.clone()), self.shutdown.token()));
        self.listen("http", self.args.http.listen, move |config| {
            config
                .configure(health::configure(health.clone()))
                .configure(configure.clone());
        })?;
        if let Some(path) = &self.args.ready_file {
            write_ready_file(path, &self.listeners)?;
        }
        let ended = std::mem::take(&mut self.tasks).run(&self.shutdown).await;
        let early = self.servers.ended();
        self.closing.begin();
        let closed = std::mem::take(&mut self.servers).run(&self.closing).await;
        self.relay_the_last().await;
        self.db.close().await;
        tracing::info!("stopped");
        early.map_or(ended.and(closed), |name| Err(Error::TaskEnded(name)))
    }

    /// What the last work announced goes out now, if it can, and not only with the next start.
    async fn relay_the_last(&self) {
        let relay = outbox::relay_batch(&self.db, &*self.publisher, &*self.clock);
        if !matches!(timeout(LAST_RELAY, relay).await, Ok(Ok(_))) {
            tracing::warn!("the last announcements wait for the next start");
        }
    }

    fn spawn_common(&mut self) {
        let (db, clock, stop) = (self.db.clone(), self.clock.clone(), self.shutdown.token());
        let relay = Relay::new(db.clone(), self.role, self.publisher.clone(), clock.clone());
        self.tasks.spawn("relay", relay.run(stop.clone()));

        let listener = Listener::new(db.clone(), self.role, clock.clone(), self.bells.clone());
        self.tasks
            .spawn("doorbells", listener.run(self.broker.clone(), stop));

        self.spawn_every(
            "housekeeping",
            Duration::from_secs(3600),
            Arc::default(),
            move || housekeep(db.clone(), clock.clone()),
        );
    }
}

/// Forgets messages that are long done with.
async fn housekeep(db: PgPool, clock: Arc<dyn Clock>) -> sqlx::Result<()> {
    let now = clock.now();
    outbox::delete_published_before(&db, now - TimeDelta::days(7)).await?;
    // Longer than any broker keeps a message, so that a late copy is still known.
    inbox::delete_received_before(&db, now - TimeDelta::days(30)).await?;
    Ok(())
}

/// The first line of a process: what runs, and how it is configured.
pub fn log_start(process: &str, config: &impl std::fmt::Debug) {
    let version = env!("CARGO_PKG_VERSION");
    let revision = option_env!("MOLAR_REVISION").unwrap_or("unknown");
    tracing::info!(process, version, revision, ?config, "starting");
}

/// Tells a supervisor where the process listens. Appears whole or not at all.
pub fn write_ready_file(
    path: &std::path::Path,
    listeners: &BTreeMap<&'static str, SocketAddr>,
) -> Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, serde_json::json!(listeners).to_string())?;
    std::fs::rename(partial, path)?;
    Ok(())
}

/// The tasks of a process, none of which may end before the others.
#[derive(Default)]
pub struct Tasks {
    running: JoinSet<&'static str>,
}

impl Tasks {
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.running.spawn(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                tracing::error!(task = name, "panicked");
            }
            name
        });
    }

    /// The name of a task that has ended already.
    fn ended(&mut self) -> Option<&'static str> {
        self.running.try_join_next()?.ok()
    }

    /// Waits for the shutdown, which the early end of any task begins, and then for all tasks.
    pub async fn run(mut self, shutdown: &Shutdown) -> Result<()> {
        let stop = shutdown.token();
        let early = tokio::select! {
            () = stop.cancelled() => None,
            Some(ended) = self.running.join_next() => Some(ended.unwrap_or("aborted")),
        };
        // A task may be faster than this select in seeing the shutdown.
        let early = early.filter(|_| !shutdown.has_begun());
        shutdown.begin();
        let all = async { while self.running.join_next().await.is_some() {} };
        if timeout(shutdown.grace() + MARGIN, all).await.is_err() {
            return Err(Error::GraceExceeded);
        }
        early.map_or(Ok(()), |name| Err(Error::TaskEnded(name)))
    }
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_stops_the_process() {
        let shutdown = Shutdown::new(Duration::from_secs(1));
        let stop = shutdown.token();
        let mut tasks = Tasks::default();
        tasks.spawn("patient", async move { stop.cancelled().await });
        tasks.spawn("broken", async { panic!("on purpose") });

        let ended = tasks.run(&shutdown).await;
        assert!(
            matches!(ended, Err(Error::TaskEnded("broken"))),
            "{ended:?}"
        );
        assert!(shutdown.has_begun());
    }

    #[tokio::test]
    async fn a_shutdown_waits_for_the_tasks_and_is_clean() {
        let shutdown = Shutdown::new(Duration::from_secs(1));
        let stop = shutdown.token();
        let mut tasks = Tasks::default();
        tasks.spawn("patient", async move { stop.cancelled().await });
        shutdown.begin();
        tasks.run(&shutdown).await.unwrap();
    }

    #[test]
    fn the_arguments_are_well_formed_and_keep_their_secrets() {
        use clap::{CommandFactory, Parser};

        #[derive(Debug, Parser)]
        struct Process {
            #[command(flatten)]
            role: RoleArgs,
        }
        Process::command().debug_assert();
        let url = "postgres://molar_tracks:hush@localhost/molar";
        let broker = "amqp://molar_tracks:hush@localhost/%2f";
        let args = Process::parse_from(["x", "--database-url", url, "--amqp-url", broker]);
        assert!(!format!("{args:?}").contains("hush"));
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_role_serves_without_a_broker_says_where_and_stops_cleanly(pool: PgPool) {
        let folder = std::env::temp_dir().join(format!("molar-ready-{}", std::process::id()));
        let args = RoleArgs {
            database: DatabaseArgs {
                database_url: pool.connect_options().to_url_lossy().to_string().into(),
                database_connections: 4,
                statement_timeout_s: 30,
            },
            broker: AmqpArgs {
                amqp_url: "amqp://nobody:x@127.0.0.1:1/none".into(),
            },
            http: HttpArgs {
                listen: "127.0.0.1:0".parse().unwrap(),
            },
            log: LogArgs {
                log: "off".to_owned(),
                log_format: telemetry::LogFormat::Json,
            },
            shutdown: ShutdownArgs { grace_s: 5 },
            ready_file: Some(folder.clone()),
        };
        let app = Application::build(Role::Tracks, args, &"a test")
            .await
            .unwrap();
        let shutdown = app.shutdown.clone();
        app.bells
            .subscribe(&[molar_contracts::keys::EVALUATION_FINISHED]);
        let running = tokio::spawn(app.run_until_stopped(|_: &mut web::ServiceConfig| {}));

        while !folder.exists() {
            tokio::task::yield_now().await;
        }
        let ready: BTreeMap<String, SocketAddr> =
            serde_json::from_slice(&std::fs::read(&folder).unwrap()).unwrap();
        std::fs::remove_file(&folder).unwrap();
        tokio::net::TcpStream::connect(ready["http"]).await.unwrap();

        shutdown.begin();
        running.await.unwrap().unwrap();
    }
}
