//! What the extractors of actix answer when they cannot read: problem documents, too.

use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError, UrlencodedError};
use actix_web::http::header;
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};

use crate::ApiError;
use crate::problem::{METHOD_NOT_ALLOWED, Problem};

/// Files go to the object store; what comes here are documents.
pub(crate) const BODY_LIMIT_BYTES: usize = 2 << 20;

pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::PayloadConfig::new(BODY_LIMIT_BYTES))
        .app_data(
            web::JsonConfig::default()
                .limit(BODY_LIMIT_BYTES)
                .error_handler(|error, _| json(&error).into()),
        )
        .app_data(
            web::FormConfig::default()
                .limit(BODY_LIMIT_BYTES)
                .error_handler(|error, _| form(&error).into()),
        )
        .app_data(web::PathConfig::default().error_handler(|error, _| path(&error).into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| query(&error).into()));
}

fn json(error: &JsonPayloadError) -> ApiError {
    match error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            ApiError::TooLarge("a body has at most 2 MiB".into())
        }
        JsonPayloadError::ContentType => {
            ApiError::BadRequest("send the body as application/json".into())
        }
        // Good JSON that is not what we asked for; serde names the member and the place.
        JsonPayloadError::Deserialize(error) if error.is_data() => {
            ApiError::invalid("", error.to_string())
        }
        other => ApiError::BadRequest(other.to_string()),
    }
}

fn form(error: &UrlencodedError) -> ApiError {
    match error {
        UrlencodedError::Overflow { .. } => ApiError::TooLarge("a form has at most 2 MiB".into()),
        UrlencodedError::Parse(error) => ApiError::invalid("", error.to_string()),
        other => ApiError::BadRequest(other.to_string()),
    }
}

/// An id that is not even the shape of one names nothing that we have.
fn path(_: &PathError) -> ApiError {
    ApiError::NotFound("resource")
}

fn query(error: &QueryPayloadError) -> ApiError {
    match error {
        QueryPayloadError::Deserialize(error) => ApiError::BadRequest(format!("query: {error}")),
        other => ApiError::BadRequest(other.to_string()),
    }
}

pub(crate) async fn no_such_path(_: HttpRequest) -> HttpResponse {
    use actix_web::ResponseError;
    ApiError::NotFound("path").error_response()
}

pub(crate) fn method_not_allowed(request: &HttpRequest, allowed: &str) -> HttpResponse {
    let mut response = Problem::new(&METHOD_NOT_ALLOWED)
        .detail(format!("{} is not one of {allowed}", request.method()))
        .into_response();
    if let Ok(allowed) = header::HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
