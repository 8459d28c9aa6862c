//! What browsers ask before a page of another origin may use a pre-signed URL.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::service::Service;
use hyper::{Method, Request, Response, StatusCode};
use s3s::service::S3Service;
use s3s::{Body, HttpError, HttpResponse};

/// How long a browser need not ask again.
const MAX_AGE_S: &str = "3600";

const ALLOWED: [(HeaderName, &str); 4] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, PUT"),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "content-type, x-amz-checksum-sha256",
    ),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "etag"),
    (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S),
];

/// The server, and the pages that may speak to it. What they may do is still the signature's to say.
#[derive(Debug, Clone)]
pub(super) struct Cors {
    s3: S3Service,
    origins: Arc<[String]>,
}

impl Cors {
    pub(super) fn new(s3: S3Service, origins: Vec<String>) -> Self {
        Self {
            s3,
            origins: origins.into(),
        }
    }

    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let is_ours = self
            .origins
            .iter()
            .any(|ours| ours.as_bytes() == origin.as_bytes());
        is_ours.then(|| origin.clone())
    }
}

impl Service<Request<Incoming>> for Cors {
    type Response = HttpResponse;
    type Error = HttpError;
    type Future = futures_util::future::BoxFuture<'static, Result<HttpResponse, HttpError>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let origin = self.allowed(request.headers());
        if request.method() == Method::OPTIONS {
            return Box::pin(async move { Ok(preflight(origin)) });
        }
        let answer = Service::call(&self.s3, request);
        Box::pin(async move {
            let mut answer = answer.await?;
            if let Some(origin) = origin {
                allow(answer.headers_mut(), origin);
            }
            Ok(answer)
        })
    }
}

/// Without the headers that allow it the browser goes no further.
fn preflight(origin: Option<HeaderValue>) -> HttpResponse {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    if let Some(origin) = origin {
        allow(answer.headers_mut(), origin);
    }
    answer
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    for (name, value) in ALLOWED {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
