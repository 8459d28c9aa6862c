//! The process of this role.

use std::path::Path;
use std::sync::Arc;

use actix_web::web;
use molar_domain::limits::Caps;
use molar_objects::Store;
use molar_service::{Application, Role};
use tokio::sync::Semaphore;

use crate::outside::Internet;
use crate::state::AppState;
use crate::{Config, routes};

/// Serves until stopped. `openapi` is the document of all roles: they share one origin, and this one
/// serves what belongs to none.
pub async fn serve(config: Config, openapi: Arc<str>) -> Result<(), StartError> {
    let mut app = Application::build(Role::Tracks, config.role.clone(), &config).await?;
    let kit = web::Data::new(config.web.kit(&mut app));
    let store = Store::connect(&config.objects)?;
    let caps = Arc::new(caps(config.limit_caps.as_deref())?);
    let state = web::Data::new(AppState {
        store,
        caps,
        network: Arc::new(Internet),
        fetching: Arc::new(Semaphore::new(1)),
        reports: Arc::new(Semaphore::new(4)),
        openapi,
    });
    app.run_until_stopped(move |service| {
        service
            .app_data(state.clone())
            .configure(routes().configure(kit.clone()));
    })
    .await?;
    Ok(())
}

fn caps(file: Option<&Path>) -> Result<Caps, StartError> {
    let Some(file) = file else {
        return Ok(Caps::default());
    };
    let bad = |why: String| StartError::Caps(file.display().to_string(), why);
    let text = std::fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
    Caps::parse(&text).map_err(|error| bad(error.to_string()))
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the caps of limits in {0}: {1}")]
    Caps(String, String),

    #[error(transparent)]
    Process(#[from] molar_service::Error),

    #[error(transparent)]
    Store(#[from] molar_objects::Error),
}
