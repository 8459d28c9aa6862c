//! `POST /finalists/{id}/report`: the report of a finalist, by a form that needs no script.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use molar_web_kit::multipart::{self, File};
use molar_web_kit::{ApiError, Caller, Kit, layout};
use uuid::Uuid;

use super::{dossier, slips};
use crate::dossiers::keep::{self, MOST_BYTES};
use crate::dossiers::rows;
use crate::finals::rows as finals;
use crate::state::AppState;

/// A proxy in front has it whole before it comes here.
const TIME: Duration = Duration::from_secs(60);

#[tracing::instrument(name = "pages.dossier.report", skip_all)]
pub async fn put(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<Uuid>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let finalist = finals::find(&kit.db, *id).await?;
    rows::require_own(&finalist, &caller)?;
    let before = rows::find(&kit.db, finalist.id).await;
    let before = before.map_err(crate::Error::from)?;
    let take = async || {
        // Before the file is read, and again when it has come.
        rows::require_open(&finalist, &before, kit.clock.now())?;
        // Until the store has it: so many are in memory at once.
        let _turn = state.reports.try_acquire().map_err(|_| {
            ApiError::conflict("other reports are coming in; try again in a minute")
        })?;
        let file = receive(&request, payload).await?;
        keep::put(&kit, &state.store, &caller, &finalist, file).await
    };
    let kept = take().await;
    match kept {
        Ok(_) => Ok(layout::see_other(&format!("/finalists/{id}"))),
        Err(error) => dossier::page(&kit, Some(&caller), *id, None, slips(error)?).await,
    }
}

async fn receive(request: &HttpRequest, payload: web::Payload) -> Result<File, ApiError> {
    let most = usize::try_from(MOST_BYTES).map_err(ApiError::internal)?;
    let file = multipart::file(request, payload, "report", most);
    let file = tokio::time::timeout(TIME, file).await;
    file.unwrap_or_else(|_| {
        let why = "the report took more than a minute to arrive; send it with the command line, or over a better line";
        Err(ApiError::conflict(why))
    })
}
