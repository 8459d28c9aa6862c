//! The process: its configuration and its loops.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use molar_contracts::keys;
use molar_objects::{S3Args, Store};
use molar_service::{Application, Role, RoleArgs};
use molar_web_kit::WebArgs;
use molar_web_kit::live::ring_on;
use tokio::sync::Notify;

use crate::patience::Patience;
use crate::rounds::Rounds;
use crate::rows::rankings;
use crate::{audit_head, figures, kept, live, routes, statistics};

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub role: RoleArgs,

    #[command(flatten)]
    pub web: WebArgs,

    #[command(flatten)]
    pub objects: S3Args,

    /// How often the cases are drawn for the statistics of a board.
    #[arg(
        long,
        env = "MOLAR_STATISTICS_DRAWS",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(1..=10_000),
        value_name = "DRAWS"
    )]
    pub statistics_draws: u32,
}

/// What makes a ranking worth looking at again. Whatever is missed is found by the next round.
const REASONS: [&str; 6] = [
    keys::EVALUATION_FINISHED,
    keys::PARTICIPATION_DECIDED,
    keys::SUBMISSION_WITHDRAWN,
    keys::CHALLENGE_APPLIED,
    keys::PHASE_PUBLISHED,
    keys::RESCORING_PUBLISHED,
];

/// What comes within this time makes one version of a ranking, not one each. A score is on the board within a second.
const GATHER: Duration = Duration::from_millis(300);

/// How often it is looked which figures are to be drawn; those of one phase are drawn at most once a minute.
const FIGURES: Duration = Duration::from_secs(10);

/// For how long a look at a board counts for whoever comes after it.
const LOOKED_AT: Duration = Duration::from_millis(50);

/// Serves until stopped.
pub async fn serve(config: Config) -> molar_service::Result<()> {
    let mut app = Application::build(Role::Leaderboard, config.role.clone(), &config).await?;
    let kit = web::Data::new(config.web.kit(&mut app));
    let boards = web::Data::new(live::Boards::new(app.shutdown.token()));
    let changed = app.bells.subscribe(&REASONS);
    let (db, stop) = (app.db.clone(), app.shutdown.token());
    let notified = ring_on(db, rankings::NOTIFIED, changed.clone(), stop);
    app.spawn("notified", notified);
    let (looked, followed) = (kit.clone(), boards.clone());
    app.spawn_every("live", Duration::from_secs(5), changed, move || {
        let (kit, boards) = (looked.clone(), followed.clone());
        async move { live::look::all(&kit, &boards).await }
    });
    let bell = app.bells.subscribe(&REASONS);
    let ranked = Arc::new(Notify::new());
    let (db, clock, rung) = (app.db.clone(), app.clock.clone(), ranked.clone());
    let rounds = Arc::new(Rounds::default());
    app.spawn_every("fold", Duration::from_secs(5), bell, move || {
        let (db, clock, rung) = (db.clone(), clock.clone(), rung.clone());
        let rounds = rounds.clone();
        async move {
            tokio::time::sleep(GATHER).await;
            let folded = rounds.all(&db, &*clock).await;
            rung.notify_one();
            folded
        }
    });
    let (db, clock, draws) = (app.db.clone(), app.clock.clone(), config.statistics_draws);
    let patience = Arc::<Patience>::default();
    app.spawn_every("statistics", Duration::from_secs(60), ranked, move || {
        let (db, clock, patience) = (db.clone(), clock.clone(), patience.clone());
        async move { statistics::all(&db, &*clock, draws, &patience).await }
    });
    let (db, clock) = (app.db.clone(), app.clock.clone());
    let patience = Arc::<Patience>::default();
    app.spawn_every("figures", FIGURES, Arc::default(), move || {
        let (db, clock, patience) = (db.clone(), clock.clone(), patience.clone());
        async move { figures::all(&db, clock.now(), &patience).await }
    });
    let store = Store::connect(&config.objects).map_err(std::io::Error::other)?;
    let (db, clock) = (app.db.clone(), app.clock.clone());
    app.spawn_every(
        "audit-head",
        Duration::from_secs(3600),
        Arc::default(),
        move || {
            let (db, store, clock) = (db.clone(), store.clone(), clock.clone());
            async move { audit_head::export(&db, &store, clock.now()).await }
        },
    );
    let kept = kept::Boards::looked_at_every(LOOKED_AT);
    app.run_until_stopped(move |service| {
        service.app_data(boards.clone());
        kept.configure(service);
        routes().configure(kit.clone())(service);
    })
    .await
}
