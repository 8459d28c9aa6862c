//! What a handler may answer instead of a view.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

use crate::problem::{self, Problem};
use crate::valid::Complaint;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// How long to wait when a part that we stand on does not answer.
const RETRY_S: u64 = 5;

/// A request that was not fulfilled, and why.
///
/// Roles have their own `Error` and say in one `From` what each variant is here.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Read, but not valid; names every place.
    #[error("the request is not valid")]
    Invalid(Vec<Complaint>),

    /// Could not be read at all.
    #[error("bad request: {0}")]
    BadRequest(String),

    #[error("not signed in")]
    Unauthorized,

    #[error("forbidden: {0}")]
    Forbidden(Cow<'static, str>),

    /// Names what was looked for: "submission".
    #[error("no such {0}")]
    NotFound(&'static str),

    /// Not possible in the present state; says which and what would be.
    #[error("conflict: {0}")]
    Conflict(Cow<'static, str>),

    /// Was here and has ended.
    #[error("gone: {0}")]
    Gone(Cow<'static, str>),

    #[error("too large: {0}")]
    TooLarge(Cow<'static, str>),

    #[error("quota exceeded: {detail}")]
    QuotaExceeded {
        detail: String,
        retry_after_s: Option<u64>,
    },

    /// More requests than one caller may send; nothing was done.
    #[error("too many requests; wait {retry_after_s} s")]
    TooManyRequests { retry_after_s: u64 },

    /// A part that we stand on is away.
    #[error("unavailable")]
    Unavailable {
        retry_after_s: u64,
        source: Option<Source>,
    },

    #[error("idempotency key used for another request")]
    IdempotencyMismatch,

    /// One of the above with a `code` that programs may rely on.
    #[error("{1}: {0}")]
    Coded(#[source] Box<ApiError>, &'static str),

    #[error("internal error")]
    Internal(#[source] Source),
}

impl ApiError {
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Forbidden(detail.into())
    }

    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Conflict(detail.into())
    }

    pub fn gone(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Gone(detail.into())
    }

    /// One complaint, where only one thing can be wrong.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Complaint {
            pointer: pointer.into(),
            detail: detail.into(),
        }])
    }

    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable {
            retry_after_s: RETRY_S,
            source: Some(source.into()),
        }
    }

    /// Adds the member `code` to the problem: public API, from a closed list of the role.
    pub fn with_code(self, code: &'static str) -> Self {
        Self::Coded(Box::new(self), code)
    }

    /// The public face of the error. The one table to read for "which status, which type".
    pub fn problem(&self) -> Problem {
        match self {
            Self::Invalid(complaints) => Problem::new(&problem::INVALID).errors(complaints),
            Self::BadRequest(detail) => Problem::new(&problem::BAD_REQUEST).detail(detail),
            Self::Unauthorized => Problem::new(&problem::UNAUTHORIZED),
            Self::Forbidden(detail) => Problem::new(&problem::FORBIDDEN).detail(&**detail),
            Self::NotFound(what) => {
                Problem::new(&problem::NOT_FOUND).detail(format!("no such {what}"))
            }
            Self::Conflict(detail) => Problem::new(&problem::CONFLICT).detail(&**detail),
            Self::Gone(detail) => Problem::new(&problem::GONE).detail(&**detail),
            Self::TooLarge(detail) => Problem::new(&problem::TOO_LARGE).detail(&**detail),
            Self::QuotaExceeded {
                detail,
                retry_after_s,
            } => {
                let problem = Problem::new(&problem::QUOTA_EXCEEDED).detail(detail);
                retry_after_s.map_or(problem.clone(), |seconds| problem.retry_after_s(seconds))
            }
            Self::TooManyRequests { retry_after_s } => Problem::new(&problem::TOO_MANY_REQUESTS)
                .detail(format!(
                    "too many requests from you, or from your network, in a short time; wait \
                     {retry_after_s} s and go on. If it comes back, write to the organizers"
                ))
                .retry_after_s(*retry_after_s),
            Self::Unavailable {
                retry_after_s,
                source: _,
            } => Problem::new(&problem::UNAVAILABLE).retry_after_s(*retry_after_s),
            Self::IdempotencyMismatch => Problem::new(&problem::IDEMPOTENCY_MISMATCH),
            Self::Coded(error, code) => error.problem().member("code", *code),
            Self::Internal(_) => Problem::internal(),
        }
    }

    /// Logs what must not be sent. Called once, by the middleware that knows the request id.
    pub(crate) fn log(&self) {
        match self {
            Self::Internal(source) => {
                tracing::error!(
                    error = &**source as &dyn std::error::Error,
                    "request failed"
                );
            }
            Self::Unavailable {
                source: Some(source),
                ..
            } => {
                tracing::warn!(
                    error = &**source as &dyn std::error::Error,
                    "part does not answer"
                );
            }
            Self::Coded(error, _) => error.log(),
            Self::Unavailable { source: None, .. }
            | Self::Invalid(_)
            | Self::BadRequest(_)
            | Self::Unauthorized
            | Self::Forbidden(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::Gone(_)
            | Self::TooLarge(_)
            | Self::QuotaExceeded { .. }
            | Self::TooManyRequests { .. }
            | Self::IdempotencyMismatch => {}
        }
    }
}

/// Whether the server says that it is stopping, starting, full or out of reach: SQLSTATE 57P,
/// 53 and 08.
fn is_passing(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        ["57P", "53", "08"]
            .iter()
            .any(|class| code.starts_with(class))
    })
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::unavailable(error)
            }
            sqlx::Error::Database(cause) if is_passing(cause.code().as_deref()) => {
                Self::unavailable(cause)
            }
            sqlx::Error::Database(cause) if cause.code().as_deref() == Some("22021") => {
                Self::BadRequest("a text has a character that cannot be kept (NUL)".into())
            }
            other => Self::internal(other),
        }
    }
}

impl From<askama::Error> for ApiError {
    fn from(error: askama::Error) -> Self {
        Self::internal(error)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.problem().status_code()
    }

    // Without this, actix would send our `Display` to the client.
    fn error_response(&self) -> HttpResponse {
        self.problem().into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(error: ApiError) -> String {
        serde_json::to_string_pretty(&error.problem()).unwrap()
    }

    #[test]
    fn invalid_names_every_place() {
        let error = ApiError::invalid("/size_bytes", "must be at least 1");
        insta::assert_snapshot!(document(error), @r#"
        {
          "type": "/problems/invalid-request",
          "title": "The request is not valid",
          "status": 422,
          "errors": [
            {
              "pointer": "/size_bytes",
              "detail": "must be at least 1"
            }
          ]
        }
        "#);
    }

    #[test]
    fn the_cause_of_an_internal_error_is_not_shown() {
        let error = ApiError::from(sqlx::Error::ColumnNotFound("password_hash".into()));
        insta::assert_snapshot!(document(error), @r#"
        {
          "type": "about:blank",
          "title": "Internal Server Error",
          "status": 500
        }
        "#);
    }

    #[test]
    fn a_database_that_is_away_is_unavailable() {
        let error = ApiError::from(sqlx::Error::PoolTimedOut);
        assert_eq!(
            error.error_response().headers().get("retry-after").unwrap(),
            "5"
        );
        insta::assert_snapshot!(document(error), @r#"
        {
          "type": "/problems/unavailable",
          "title": "Not possible right now",
          "status": 503,
          "retry_after_s": 5
        }
        "#);
    }

    #[test]
    fn a_code_rides_along() {
        let error = ApiError::QuotaExceeded {
            detail: "3 of 3 submissions of today are used".into(),
            retry_after_s: Some(3600),
        };
        insta::assert_snapshot!(document(error.with_code("daily-quota")), @r#"
        {
          "type": "/problems/quota-exceeded",
          "title": "The quota is used up",
          "status": 429,
          "detail": "3 of 3 submissions of today are used",
          "code": "daily-quota",
          "retry_after_s": 3600
        }
        "#);
    }

    #[test]
    fn each_kind_has_its_status() {
        let all = [
            (ApiError::BadRequest("x".into()), 400),
            (ApiError::Unauthorized, 401),
            (ApiError::forbidden("x"), 403),
            (ApiError::NotFound("team"), 404),
            (ApiError::conflict("x"), 409),
            (ApiError::IdempotencyMismatch, 409),
            (ApiError::gone("x"), 410),
            (ApiError::TooLarge("x".into()), 413),
            (ApiError::TooManyRequests { retry_after_s: 1 }, 429),
        ];
        for (error, status) in all {
            let response = error.error_response();
            assert_eq!(response.status().as_u16(), status, "{error}");
            assert_eq!(
                response.headers().get("content-type").unwrap(),
                "application/problem+json"
            );
            assert_eq!(error.problem().status, status);
        }
    }
}
