//! From a body to what goes out: in full, packed, or as "you have it".

use actix_web::http::header::{
    self, AcceptEncoding, EntityTag, Header as _, HeaderValue, IfNoneMatch,
};
use actix_web::{HttpRequest, HttpResponse};

use molar_web_kit::ApiError;

use super::body::Body;

/// To be asked for each time: what may be seen changes. Of the signed-in it is kept by no cache on the way.
const OPEN: &str = "no-cache";
const PRIVATE: &str = "private, no-cache";

const VARY: HeaderValue = HeaderValue::from_static("cookie, authorization, accept-encoding");

/// What was made anew, with its tag; not for pages of the signed-in, which hold a token.
pub fn tagged(
    request: &HttpRequest,
    answer: HttpResponse,
    is_personal: bool,
) -> Result<HttpResponse, ApiError> {
    Ok(respond(request, &Body::of(answer)?, is_personal))
}

pub fn respond(request: &HttpRequest, body: &Body, is_personal: bool) -> HttpResponse {
    let packed = body.packed.as_ref().filter(|_| takes_packed(request));
    let tag = match packed {
        Some(_) => &body.packed_tag,
        None => &body.tag,
    };
    let has_it = body.status.is_success() && is_known(request, &tag.entity);
    let mut answer = match has_it {
        true => HttpResponse::NotModified(),
        false => HttpResponse::build(body.status),
    };
    let control = if is_personal { PRIVATE } else { OPEN };
    answer
        .insert_header((header::CACHE_CONTROL, control))
        .insert_header((header::VARY, VARY));
    if body.status.is_success() {
        answer.insert_header((header::ETAG, tag.header.clone()));
    }
    if has_it {
        return answer.finish();
    }
    for (name, value) in &body.headers {
        answer.insert_header((name, value));
    }
    match packed {
        Some(packed) => answer
            .insert_header((header::CONTENT_ENCODING, "gzip"))
            .body(packed.clone()),
        None => answer.body(body.plain.clone()),
    }
}

/// Whether the caller says to have these very bytes.
pub fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(items)) => items.iter().any(|item| item.weak_eq(tag)),
        Err(_) => false,
    }
}

fn takes_packed(request: &HttpRequest) -> bool {
    use actix_web::http::header::{ContentEncoding, Encoding, Preference, Quality};
    let Ok(accepted) = AcceptEncoding::parse(request) else {
        return false;
    };
    let gzip = Preference::Specific(Encoding::Known(ContentEncoding::Gzip));
    accepted
        .0
        .iter()
        .any(|one| one.item == gzip && one.quality > Quality::ZERO)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn who_takes_gzip_says_so() {
        let takes = |accepted: &str| {
            let request = TestRequest::default().insert_header(("accept-encoding", accepted));
            takes_packed(&request.to_http_request())
        };
        assert!(takes("gzip") && takes("br, gzip;q=0.5"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes("identity"));
        assert!(!takes_packed(&TestRequest::default().to_http_request()));
    }
}
