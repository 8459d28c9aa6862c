//! The process of this role.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use chrono::TimeDelta;
use molar_domain::Clock;
use molar_service::{Application, Pending, Role};
use molar_web_kit::{Kit, idempotency};
use sqlx::PgPool;

use crate::config::MailVerification;
use crate::mails::{self, Sender};
use crate::state::AppState;
use crate::{Config, limiter, links, notices, routes, sightings, tokens};

/// Serves until stopped.
pub async fn serve(config: Config) -> molar_service::Result<()> {
    let mut application =
        Application::build(Role::Registration, config.role.clone(), &config).await?;
    let kit: web::Data<Kit> = web::Data::new(config.web.kit(&mut application));
    let state = web::Data::new(AppState::new(
        TimeDelta::days(config.session_days.into()),
        config.mail_verification == MailVerification::Required,
    ));
    spawn_mail(&mut application, &kit, &config)?;

    let (db, clock) = (application.db.clone(), application.clock.clone());
    application.spawn_every(
        "forget",
        Duration::from_secs(3600),
        Arc::default(),
        move || forget(db.clone(), clock.clone()),
    );
    let (db, clock) = (application.db.clone(), application.clock.clone());
    let kept = TimeDelta::days(config.address_days.into());
    application.spawn_every(
        "forget-addresses",
        Duration::from_secs(3600),
        Arc::default(),
        move || forget_addresses(db.clone(), clock.clone(), kept),
    );
    application
        .run_until_stopped(move |server| {
            server
                .app_data(state.clone())
                .configure(routes().configure(kit.clone()));
        })
        .await
}

async fn forget_addresses(db: PgPool, clock: Arc<dyn Clock>, kept: TimeDelta) -> sqlx::Result<()> {
    let gone = sightings::purge(&db, clock.now() - kept).await?;
    if gone > 0 {
        tracing::info!(gone, "old network addresses are forgotten");
    }
    Ok(())
}

/// Writes notices, and sends what was written.
fn spawn_mail(
    application: &mut Application,
    kit: &Kit,
    config: &Config,
) -> molar_service::Result<()> {
    let sender = Arc::new(Sender::new(kit.clone(), &config.mail)?);
    let bell = sender.bell();
    application.spawn_every("mails", mails::POLL, bell, move || {
        let sender = sender.clone();
        async move { sender.round().await.map(drop) }
    });
    let (kit, untold) = (kit.clone(), Pending::default());
    application.spawn_every("notices", notices::POLL, Arc::default(), move || {
        let (kit, untold) = (kit.clone(), untold.clone());
        async move { notices::round(&kit, &untold).await }
    });
    Ok(())
}

/// Deletes what nobody can use any more.
async fn forget(db: PgPool, clock: Arc<dyn Clock>) -> sqlx::Result<()> {
    let now = clock.now();
    tokens::rows::delete_expired_before(&db, now - TimeDelta::days(30)).await?;
    links::delete_expired_before(&db, now - TimeDelta::days(30)).await?;
    mails::rows::erase_ended_before(&db, now - TimeDelta::days(30)).await?;
    limiter::forget(&db, now).await?;
    let mut conn = db.acquire().await?;
    idempotency::forget(&mut conn, Role::Registration, now - TimeDelta::days(7)).await?;
    Ok(())
}
