//! The boundary: every request passes here once on its way in and its answer once on its way out.

use std::cell::RefCell;
use std::collections::HashMap;
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

use crate::ApiError;
use crate::caller::Caller;
use crate::layout;
use crate::pattern;
use crate::problem::Problem;
use crate::ready::{self, ReadyAnswer};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static(trace::HEADER);

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
                .map_or_else(Self::random, str::to_owned),
        )
    }

    /// Of the thread's own generator: to ask the kernel costs each request a call, and nobody's secret hangs on it.
    fn random() -> String {
        let bytes = uuid::Builder::from_random_bytes(rand::random());
        bytes.into_uuid().to_string()
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
    if let Some(again) = ready::find(&request) {
        return Ok(answer_again(role, request, again, &id, parent, started));
    }
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
        let route = pattern::route(response.request()).unwrap_or("unmatched");
        let took = started.elapsed();
        let is_told = !is_usual(response.request().method(), response.status(), took);
        // Of a usual one the single line says it, where that is written at all.
        if is_told {
            tracing::Span::current().record("route", route);
        }
        log_cause(&response);
        let mut response = as_page(response);
        sign(response.headers_mut(), &id, parent);
        count(role, route, &response, took);
        let (status, wall_ms) = (response.status().as_u16(), wall_ms(took));
        if is_told {
            tracing::info!(status, wall_ms, "request answered");
        } else {
            tracing::debug!(status, wall_ms, route, "request answered");
        }
        Ok(response)
    };
    trace::scope(parent, work.instrument(span)).await
}

/// Without a span, which costs more than all the rest of it: nothing else is logged of it.
fn answer_again(
    role: Role,
    request: ServiceRequest,
    again: ReadyAnswer,
    id: &RequestId,
    parent: TraceParent,
    started: Instant,
) -> ServiceResponse<BoxBody> {
    let mut response = request.into_response(again.answer);
    sign(response.headers_mut(), id, parent);
    let took = started.elapsed();
    count(role, again.route, &response, took);
    let is_usual = is_usual(response.request().method(), response.status(), took);
    let (status, wall_ms, route) = (response.status().as_u16(), wall_ms(took), again.route);
    if is_usual {
        tracing::debug!(request.id = %id.0, status, wall_ms, route, "request answered again");
    } else {
        tracing::info!(request.id = %id.0, trace.id = %parent.trace_id(), status, wall_ms, route, "request answered again");
    }
    response
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

/// What is counted of a route, a method and a status.
struct Counted {
    requests: metrics::Counter,
    duration: metrics::Histogram,
}

/// Role, method, route and status.
type Told = (&'static str, &'static str, &'static str, u16);

thread_local! {
    /// Looked up once: by name and labels it takes longer than to answer from memory.
    static COUNTED: RefCell<HashMap<Told, Counted>> = RefCell::default();
}

/// By route, not by path: ids must become neither labels nor, as links of invitations, logs.
fn count(role: Role, route: &'static str, response: &ServiceResponse, took: Duration) {
    let method = method_label(response.request().method());
    let status = response.status().as_u16();
    let told = (role.as_str(), method, route, status);
    COUNTED.with_borrow_mut(|known| {
        let counted = known.entry(told).or_insert_with(|| Counted::of(told));
        counted.duration.record(took);
        counted.requests.increment(1);
    });
}

impl Counted {
    fn of((role, method, route, status): Told) -> Self {
        let mut labels = vec![
            Label::from_static_parts("role", role),
            Label::from_static_parts("method", method),
            Label::from_static_parts("route", route),
        ];
        let duration = metrics::histogram!("http_request_duration_seconds", labels.clone());
        labels.push(Label::new("status", status.to_string()));
        let requests = metrics::counter!("http_requests_total", labels);
        Self { requests, duration }
    }
}

fn wall_ms(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
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
