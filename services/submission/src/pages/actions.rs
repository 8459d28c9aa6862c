//! The buttons of a submission's page.

use actix_web::{HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Kit, layout};
use uuid::Uuid;

use crate::state::State;
use crate::submissions::cancel::cancel_one;
use crate::submissions::choose::choose_one;
use crate::submissions::withdraw::withdraw_one;

fn back(id: Uuid) -> HttpResponse {
    layout::see_other(&format!("/submissions/{id}"))
}

#[tracing::instrument(name = "pages.submission.cancel", skip_all)]
pub async fn cancel(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    cancel_one(&kit, &state, &caller, *id).await?;
    Ok(back(*id))
}

#[tracing::instrument(name = "pages.submission.withdraw", skip_all)]
pub async fn withdraw(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    withdraw_one(&kit, &caller, *id).await?;
    Ok(back(*id))
}

#[tracing::instrument(name = "pages.submission.choose", skip_all)]
pub async fn choose(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    choose_one(&kit, &caller, *id).await?;
    Ok(back(*id))
}
