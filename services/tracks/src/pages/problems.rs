//! `GET /problems` and `GET /problems/{name}`: what `type` of a problem document leads to.

use actix_web::{HttpResponse, web};
use molar_web_kit::{ApiError, Caller, layout};

pub async fn index(caller: Option<Caller>) -> HttpResponse {
    layout::problem_index(caller.as_ref())
}

pub async fn kind(
    caller: Option<Caller>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let page = layout::problem_kind_page(caller.as_ref(), &name);
    page.ok_or(ApiError::NotFound("kind of problem"))
}
