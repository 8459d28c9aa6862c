//! The boundary: every request passes here once on its way in and its answer once on its way out.

use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest};
use metrics::Label;
use molar_service::Role;
use molar_service::trace::{self, TraceParent};
use tracing::Instrument;
use uuid::Uuid;

use crate::ApiError;
use crate::caller::Caller;
use crate::layout;
use crate::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static(trace::HEADER);

/// In the extensions of every request that has a route: its path, with the names of its parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern(pub &'static str);

/// Such as nobody needs to be told of each.
const QUICK: Duration = Duration::from_secs(1);

/// In the extensions of every request; shown by error pages, so that a person can quote it.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

impl RequestId {
    /// The one that the proxy gave, if it looks like one.
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
        let is_sane = |id: &&str| {
            (8..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        Self(
            given
                .filter(is_sane)
                .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned),
        )
    }
}

pub(crate) async fn observe(
    role: Role,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let given = request
        .headers()
        .get(TRACE_PARENT)
        .and_then(|header| header.to_str().ok());
    let parent = TraceParent::continued_from(given);
    let span = tracing::info_span!(
        "http",
        request.id = %id.0,
        trace.id = %parent.trace_id(),
        method = %request.method(),
        route = tracing::field::Empty,
    );
    request.extensions_mut().insert(id.clone());

    let work = async {
        let response = next.call(request).await?.map_into_boxed_body();
        let route = route(response.request());
        tracing::Span::current().record("route", route);
        log_cause(&response);
        let mut response = as_page(response);
        sign(response.headers_mut(), &id, parent);
        measure(role, route, &response, started);
        Ok(response)
    };
    trace::scope(parent, work.instrument(span)).await
}

fn route(request: &HttpRequest) -> &'static str {
    let pattern = request.extensions().get::<Pattern>().copied();
    pattern.map_or("unmatched", |pattern| pattern.0)
}

/// The cause of what we say nothing about, once, beside the request id.
fn log_cause(response: &ServiceResponse) {
    let Some(error) = response.response().error() else {
        return;
    };
    match error.as_error::<ApiError>() {
        Some(error) => error.log(),
        None if response.status().is_server_error() => {
            tracing::error!(%error, "request failed");
        }
        None => {}
    }
}

/// A browser that asked for a page gets one, also when something went wrong.
fn as_page(mut response: ServiceResponse) -> ServiceResponse {
    if !wants_page(response.request()) {
        return response;
    }
    let Some(problem) = response.response_mut().extensions_mut().remove::<Problem>() else {
        return response;
    };
    let request = response.request();
    let caller = request.extensions().get::<Caller>().cloned();
    let id = request.extensions().get::<RequestId>().cloned();
    let mut page = layout::problem_page(request, caller.as_ref(), id.as_ref(), &problem);
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    response.into_response(page)
}

fn wants_page(request: &HttpRequest) -> bool {
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    !request.path().starts_with("/api/") && accept.is_some_and(|types| types.contains("text/html"))
}

fn sign(headers: &mut HeaderMap, id: &RequestId, parent: TraceParent) {
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
    if let Ok(value) = HeaderValue::from_str(&parent.to_string()) {
        headers.insert(TRACE_PARENT, value);
    }
}

/// Callers may invent methods; labels may not grow without end.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// By route, not by path: ids must become neither labels nor, as links of invitations, logs.
fn measure(role: Role, route: &'static str, response: &ServiceResponse, started: Instant) {
    let status = response.status();
    let elapsed = started.elapsed();
    let method = response.request().method();
    let mut labels = vec![
        Label::from_static_parts("role", role.as_str()),
        Label::from_static_parts("method", method_label(method)),
        Label::from_static_parts("route", route),
    ];
    metrics::histogram!("http_request_duration_seconds", labels.clone()).record(elapsed);
    labels.push(Label::new("status", status.as_u16().to_string()));
    metrics::counter!("http_requests_total", labels).increment(1);
    let wall_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let status_code = status.as_u16();
    if is_usual(method, status, elapsed) {
        tracing::debug!(status = status_code, wall_ms, "request answered");
    } else {
        tracing::info!(status = status_code, wall_ms, "request answered");
    }
}

/// What reads, was found and was quick: of a thousand readers a second these would be all that the log has. They are
/// counted, and `--log info,molar_web_kit=debug` tells each.
fn is_usual(method: &Method, status: StatusCode, elapsed: Duration) -> bool {
    let is_good = status.is_success() || status.is_redirection();
    method.is_safe() && is_good && elapsed < QUICK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_read_is_usual_and_what_changes_fails_or_takes_long_is_not() {
        let quick = Duration::from_millis(999);
        assert!(is_usual(&Method::GET, StatusCode::OK, quick));
        assert!(is_usual(&Method::HEAD, StatusCode::NOT_MODIFIED, quick));
        assert!(!is_usual(&Method::GET, StatusCode::OK, QUICK));
        assert!(!is_usual(&Method::POST, StatusCode::CREATED, quick));
        assert!(!is_usual(&Method::GET, StatusCode::NOT_FOUND, quick));
        let broken = StatusCode::INTERNAL_SERVER_ERROR;
        assert!(!is_usual(&Method::GET, broken, quick));
    }
}
