//! `/organize/boards/{challenge}/import`: a published table that is chosen, what comes out of it, and the yes to it.

mod form;
mod settle;
mod shown;

use actix_web::{HttpRequest, HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Kit, layout, multipart};

use self::form::{Form, slips};
use super::rows::{self, Challenge};
use super::table::MOST_BYTES;

#[tracing::instrument(name = "pages.import", skip_all)]
pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    challenge: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let challenge = own(&kit, &caller, &challenge).await?;
    shown::form(&caller, &challenge, &Form::default(), Vec::new())
}

/// Writes nothing.
#[tracing::instrument(name = "pages.import.plan", skip_all)]
pub async fn plan(
    kit: web::Data<Kit>,
    caller: Caller,
    challenge: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    // Before the file is read.
    let challenge = own(&kit, &caller, &challenge).await?;
    let sent = multipart::form(&request, payload, "table", MOST_BYTES).await?;
    let mut form = Form::of(sent.fields);
    let planned = match sent.file {
        Ok(file) => {
            form.hold(&file.content);
            settle::plan(&kit.db, &challenge, &mut form).await
        }
        Err(error) => Err(error),
    };
    match planned {
        Ok(new) => shown::plan(&caller, &challenge, &form, &new),
        Err(error) => shown::form(&caller, &challenge, &form, slips(error)?),
    }
}

#[tracing::instrument(name = "pages.import.keep", skip_all)]
pub async fn import(
    kit: web::Data<Kit>,
    caller: Caller,
    challenge: web::Path<String>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let challenge = own(&kit, &caller, &challenge).await?;
    match keep(&kit, &caller, &challenge, &form).await {
        Ok(path) => Ok(layout::see_other(&path)),
        Err(error) => shown::form(&caller, &challenge, &form, slips(error)?),
    }
}

async fn own(kit: &Kit, caller: &Caller, slug: &str) -> Result<Challenge, ApiError> {
    let challenge = rows::challenge(&kit.db, slug).await?;
    caller.require_organizer(challenge.id)?;
    Ok(challenge)
}

/// Its page.
async fn keep(
    kit: &Kit,
    caller: &Caller,
    challenge: &Challenge,
    form: &Form,
) -> Result<String, ApiError> {
    let mut tx = kit.db.begin().await?;
    settle::keep(&mut tx, caller, challenge, form, kit.clock.now()).await?;
    tx.commit().await?;
    Ok(format!("/boards/{}/{}", challenge.slug, form.slug.trim()))
}
