//! Headers that tell browsers what our pages never do.

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;

use crate::{Caller, Kit};

/// Nothing inline and nothing from elsewhere: an injected tag does nothing.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same for a page whose script sends files to `origin` as well.
pub fn policy_with_connections(origin: &str) -> String {
    format!("{POLICY}; connect-src 'self' {origin}")
}

/// Our pages ask for none of what these would let them.
const FEATURES: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), \
     display-capture=(), browsing-topics=()";

/// Once a browser has seen us by https it asks for nothing else, for a year.
const ONLY_HTTPS: &str = "max-age=31536000";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("permissions-policy"), FEATURES),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

pub(crate) async fn headers<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let mut response = next.call(request).await?;
    let is_personal = response.request().extensions().get::<Caller>().is_some();
    let kit = Kit::of(response.request()).ok();
    let is_https = kit.is_some_and(|kit| kit.public_url.scheme() == "https");
    let headers = response.headers_mut();
    if is_https {
        let value = HeaderValue::from_static(ONLY_HTTPS);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    for (name, value) in HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    // What one person may see is kept by no cache on the way.
    if is_personal && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}
