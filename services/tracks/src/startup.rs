//! The process of this role.

use std::sync::Arc;

use actix_web::web;
use molar_objects::Store;
use molar_service::{Application, Role};

use crate::state::AppState;
use crate::{Config, routes};

/// Serves until stopped. `openapi` is the document of all roles: they share one origin, and this one
/// serves what belongs to none.
pub async fn serve(config: Config, openapi: Arc<str>) -> Result<(), StartError> {
    let mut app = Application::build(Role::Tracks, config.role.clone(), &config).await?;
    let kit = web::Data::new(config.web.kit(&mut app));
    let store = Store::connect(&config.objects)?;
    let state = web::Data::new(AppState { store, openapi });
    app.run_until_stopped(move |service| {
        service
            .app_data(state.clone())
            .configure(routes().configure(kit.clone()));
    })
    .await?;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Process(#[from] molar_service::Error),

    #[error(transparent)]
    Store(#[from] molar_objects::Error),
}
