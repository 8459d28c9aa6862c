//! `GET /api/openapi.json`, and `GET /api/docs`: the same for people.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, layout};
use serde_json::Value;

use crate::state::AppState;

pub async fn openapi(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(state.openapi.to_string())
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    groups: Vec<Group>,
}

struct Group {
    name: String,
    operations: Vec<Operation>,
}

struct Operation {
    method: String,
    path: String,
    summary: String,
}

/// The operations of the API on a page.
#[utoipa::path(
    get,
    path = "/api/docs",
    tag = "challenges",
    responses((status = OK, content_type = "text/html", description = "A page"))
)]
#[tracing::instrument(name = "pages.docs", skip_all)]
pub async fn docs(
    state: web::Data<AppState>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let document = serde_json::from_str(&state.openapi).map_err(ApiError::internal)?;
    let body = Docs {
        groups: groups(&document),
    };
    Ok(layout::page(caller.as_ref(), "The API", body.render()?))
}

fn groups(document: &Value) -> Vec<Group> {
    let mut groups: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let text = |name: &str| operation[name].as_str().unwrap_or_default();
            let tag = operation["tags"][0].as_str().unwrap_or("other");
            groups.entry(tag.to_owned()).or_default().push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                summary: [text("summary"), text("description")]
                    .join(" ")
                    .trim()
                    .to_owned(),
            });
        }
    }
    let groups = groups
        .into_iter()
        .map(|(name, operations)| Group { name, operations });
    groups.collect()
}
