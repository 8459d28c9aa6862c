//! What a caller is told when an act waits for its second organizer.

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use molar_domain::consent::Refusal;
use molar_service::consent::{Asked, Error};
use serde::Serialize;
use uuid::Uuid;

use crate::ApiError;

/// The act was not done: another organizer of the challenge has to confirm it first.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Waiting {
    /// To be sent as `confirms` with the same act, by another organizer.
    pub request_id: Uuid,
    /// `publish`, `disqualify` or `rescore`.
    pub act: String,
    /// What happened, and whom to ask.
    pub detail: String,
    pub expires_at: DateTime<Utc>,
}

impl Waiting {
    pub fn of(asked: &Asked) -> Self {
        let detail = format!(
            "{} waits for a second organizer; {}",
            asked.act.title(),
            whom(&asked.others)
        );
        Self {
            request_id: asked.id,
            act: asked.act.to_string(),
            detail,
            expires_at: asked.expires_at,
        }
    }

    /// 202: taken, and not done yet.
    pub fn respond(&self) -> HttpResponse {
        HttpResponse::Accepted().json(self)
    }
}

fn whom(others: &[String]) -> String {
    match others {
        [] => "there is no other organizer of this challenge: ask an administrator".to_owned(),
        [one] => format!("ask {one} to confirm it under /organize/requests"),
        [most @ .., last] => format!(
            "ask {} or {last} to confirm it under /organize/requests",
            most.join(", ")
        ),
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused { act, why, others } => refused(act.title(), why, &others),
            Error::Inconsistent(error) => Self::internal(error),
            Error::Database(error) => error.into(),
        }
    }
}

fn refused(title: &str, why: Refusal, others: &[String]) -> ApiError {
    let detail = match why {
        Refusal::Waits | Refusal::Own => format!("{title}: {why}; {}", whom(others)),
        Refusal::AskedByAnother => format!("{title}: {why} under /organize/requests"),
        Refusal::Over => format!("{title}: {why}"),
    };
    let code = match why {
        Refusal::Waits | Refusal::AskedByAnother => "waits-for-second-organizer",
        Refusal::Own => "second-organizer-is-the-first",
        Refusal::Over => "request-over",
    };
    ApiError::conflict(detail).with_code(code)
}

#[cfg(test)]
mod tests {
    use molar_domain::consent::Act;

    use super::*;

    #[test]
    fn whoever_has_to_wait_is_told_whom_to_ask() {
        let told = |others: &[&str]| {
            let others: Vec<_> = others.iter().map(|name| (*name).to_owned()).collect();
            refused(Act::Publish.title(), Refusal::Waits, &others).to_string()
        };
        assert!(told(&["Ada", "Bob", "Cem"]).contains("ask Ada, Bob or Cem to confirm it"));
        assert!(told(&[]).contains("ask an administrator"));
    }
}
