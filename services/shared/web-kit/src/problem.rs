//! Problem documents (RFC 9457) and the closed list of their kinds.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::valid::Complaint;

/// A kind of problem: what all its occurrences share. A page explains each at its path.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Last segment of the path below `/problems/`.
    pub name: &'static str,
    pub status: u16,
    pub title: &'static str,
    /// For the page: what it means and how to go on.
    pub explanation: &'static str,
}

macro_rules! kinds {
    ($($constant:ident = $status:literal $name:literal, $title:literal, $explanation:literal;)+) => {
        $(pub const $constant: Kind =
            Kind { name: $name, status: $status, title: $title, explanation: $explanation };)+

        /// Every kind that has a page; an internal error has none (`about:blank`).
        pub const KINDS: &[Kind] = &[$($constant),+];
    };
}

kinds! {
    BAD_REQUEST = 400 "bad-request", "The request could not be read",
        "The body, the query or a header is not what this path reads: not JSON, cut short, or of \
         another content type. The detail says where reading stopped.";
    UNAUTHORIZED = 401 "unauthorized", "Please sign in",
        "This path is for people who are signed in. Sign in on the pages, or send \
         `Authorization: Bearer` with a token; `molar login` makes one. A token that was revoked \
         or is past its date counts as none.";
    FORBIDDEN = 403 "forbidden", "This is not yours to do",
        "You are signed in, but this needs a right that you do not have: a member of the team, an \
         organizer of the challenge, or an administrator. A form that was open for very long may \
         need to be loaded again.";
    NOT_FOUND = 404 "not-found", "There is nothing here",
        "No such path, or nothing with this id that you may see.";
    METHOD_NOT_ALLOWED = 405 "method-not-allowed", "This path does not know that method",
        "The header `Allow` names the methods that it knows.";
    CONFLICT = 409 "conflict", "This does not fit the present state",
        "Something changed in the meantime, or the step is not possible in this state. Read the \
         resource again and decide anew.";
    IDEMPOTENCY_MISMATCH = 409 "idempotency-mismatch", "This idempotency key was used for another request",
        "An `Idempotency-Key` belongs to one request. Repeat that request unchanged, or choose a \
         new key.";
    GONE = 410 "gone", "This is no longer here",
        "It existed and has ended: an upload or an invitation past its date, for example. Begin a \
         new one.";
    TOO_LARGE = 413 "too-large", "The request is too large",
        "The body is larger than this path reads. Files are not sent here: they go to the upload \
         addresses that a submission names.";
    INVALID = 422 "invalid-request", "The request is not valid",
        "It could be read, but something in it must be mended first. `errors` names every place, \
         with a JSON pointer.";
    QUOTA_EXCEEDED = 429 "quota-exceeded", "The quota is used up",
        "The phase or the server allows no more of this for now. `Retry-After`, where given, says \
         in how many seconds it will.";
    TOO_MANY_REQUESTS = 429 "too-many-requests", "Too many requests",
        "One person, or one network of people who are not signed in, may send only so many requests \
         in a short time. Nothing was done. Wait the seconds that `Retry-After` names; a script \
         should pause between its requests.";
    UNAVAILABLE = 503 "unavailable", "Not possible right now",
        "A part that this needs does not answer. Nothing was changed; try again after the seconds \
         that `Retry-After` names.";
}

/// What is sent for everything that went wrong.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Path of the page that explains this kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for every occurrence of a kind.
    pub title: &'static str,
    pub status: u16,
    /// This occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Every place of the request that must be mended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Complaint>,
    /// Further members, such as `code` and `retry_after_s`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub members: Map<String, Value>,
}

impl Problem {
    pub fn new(kind: &Kind) -> Self {
        Self {
            kind: format!("/problems/{}", kind.name),
            title: kind.title,
            status: kind.status,
            detail: None,
            errors: Vec::new(),
            members: Map::new(),
        }
    }

    /// Says nothing: the cause is in the log, beside the request id.
    pub fn internal() -> Self {
        Self {
            kind: "about:blank".into(),
            title: "Internal Server Error",
            status: 500,
            detail: None,
            errors: Vec::new(),
            members: Map::new(),
        }
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub fn errors(mut self, errors: &[Complaint]) -> Self {
        self.errors = errors.to_vec();
        self
    }

    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }

    /// In the header and in the document.
    pub fn retry_after_s(self, seconds: u64) -> Self {
        self.member("retry_after_s", seconds)
    }

    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The document; the problem itself rides along for the frame, which makes a page of it where
    /// a browser asked.
    pub fn into_response(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type("application/problem+json");
        if let Some(seconds) = self.members.get("retry_after_s") {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, r#"Bearer realm="molar""#));
        }
        let mut response = response.json(&self);
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names_of_their_own_and_statuses_that_exist() {
        for (n, kind) in KINDS.iter().enumerate() {
            assert!(
                KINDS[..n].iter().all(|other| other.name != kind.name),
                "{}",
                kind.name
            );
            assert_eq!(Problem::new(kind).status_code().as_u16(), kind.status);
            assert!(kind.explanation.ends_with('.'), "{}", kind.name);
        }
    }
}
