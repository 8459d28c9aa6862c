//! `/organize/splits/{id}/references`: what became of wrong references.

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::{ReferenceSetId, SplitId};
use molar_web_kit::{ApiError, Caller, Kit, layout};
use uuid::Uuid;

use crate::cases::splits;
use crate::corrections::{CorrectionView, accept as acceptance, list};

#[derive(Template)]
#[template(path = "references.html")]
struct Body<'a> {
    csrf: &'a str,
    split_id: Uuid,
    may_change: bool,
    corrections: Vec<CorrectionView>,
}

#[tracing::instrument(name = "pages.references", skip_all)]
pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<SplitId>,
) -> Result<HttpResponse, ApiError> {
    let split = splits::find(&kit.db, *id).await?;
    if !caller.may_review(split.challenge_id()) {
        return Err(ApiError::NotFound("split"));
    }
    let body = Body {
        csrf: caller.csrf_token(),
        split_id: split.id,
        may_change: caller.is_organizer(split.challenge_id()),
        corrections: list::of_split(&kit.db, split.id).await?,
    };
    Ok(layout::Page::new("Corrected references", body.render()?)
        .crumb("Organize", "/organize")
        .caller(Some(&caller))
        .respond())
}

#[tracing::instrument(name = "pages.references.accept", skip_all)]
pub async fn accept(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ReferenceSetId>,
) -> Result<HttpResponse, ApiError> {
    let accepted = acceptance::take(&kit, &caller, *id).await?;
    let path = format!("/organize/splits/{}/references", accepted.split_id);
    Ok(layout::see_other(&path))
}
