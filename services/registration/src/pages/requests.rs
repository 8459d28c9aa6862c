//! `/organize/requests`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit, PageQuery};
use serde::Deserialize;
use uuid::Uuid;

use super::{page, see_other};
use crate::requests::decline::{DeclineRequest, take};
use crate::requests::{RequestView, list};

#[derive(Template)]
#[template(path = "requests.html")]
struct Body<'a> {
    csrf: &'a str,
    rows: Vec<RequestView>,
    next: Option<String>,
}

pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let found = list::page(&kit, &caller, &query).await?;
    let next = found.next.map(serde_json::to_value).transpose();
    let next = next.map_err(ApiError::internal)?;
    let body = Body {
        csrf: caller.csrf_token(),
        rows: found.items,
        next: next
            .as_ref()
            .and_then(serde_json::Value::as_str)
            .map(|cursor| format!("?cursor={cursor}")),
    };
    Ok(
        page(Some(&caller), "Acts that need a second organizer", &body)?
            .crumb("Organize", "/organize")
            .respond(),
    )
}

#[derive(Deserialize)]
pub struct Form {
    reason: String,
}

#[tracing::instrument(name = "pages.requests.decline", skip_all)]
pub async fn decline(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let body = DeclineRequest {
        reason: form.into_inner().reason,
    };
    take(&kit, &caller, *id, &body).await?;
    Ok(see_other("/organize/requests"))
}
