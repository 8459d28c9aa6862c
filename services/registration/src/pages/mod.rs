//! The pages of this role. Each reads and writes through the same functions as the API.

pub mod account;
pub mod announcements;
pub mod confirm;
pub mod delete;
pub mod email;
pub mod faq;
pub mod invitation;
pub mod join;
pub mod ledger;
pub mod login;
pub mod mails;
pub mod organize;
pub mod organize_questions;
pub mod password;
pub mod questions;
pub mod register;
pub mod requests;
pub mod reset;
pub mod signs;
pub mod team;
pub mod teams;
pub mod unsubscribe;
#[cfg(test)]
mod written;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;
use chrono::{DateTime, Utc};
use molar_web_kit::caller::ended_session_cookie;
use molar_web_kit::layout::Page;
use molar_web_kit::page::Cursor;
use molar_web_kit::{ApiError, Caller, Complaint, Kit};

/// The page that a template fills.
fn page(
    caller: Option<&Caller>,
    title: impl Into<String>,
    body: &impl Template,
) -> Result<Page, ApiError> {
    Ok(Page::new(title, body.render()?).caller(caller))
}

/// Where a form leads once it is done: a reload does not send it again.
fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, path))
        .finish()
}

/// The same, and the browser forgets its session.
fn signed_out(kit: &Kit, path: &str) -> Result<HttpResponse, ApiError> {
    let mut response = see_other(path);
    response
        .add_cookie(&ended_session_cookie(kit))
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(response)
}

/// The page of a form; one that is shown again says by its status why.
fn form_page(page: Page, slips: &Slips) -> HttpResponse {
    let status = match (slips.wait_s, slips.is_empty()) {
        (Some(_), _) => StatusCode::TOO_MANY_REQUESTS,
        (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, true) => StatusCode::OK,
    };
    let mut response = page.status(status).respond();
    if let Some(wait) = slips.wait_s {
        let wait = header::HeaderValue::from(wait);
        response.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    response
}

/// A path of ours to return to; anything else would lead people away.
fn local(next: Option<&str>) -> &str {
    let is_local = |path: &&str| {
        let is_rooted = path.starts_with('/') && !path[1..].starts_with(['/', '\\']);
        is_rooted && path.chars().all(|c| c.is_ascii_graphic())
    };
    next.filter(is_local).unwrap_or("/teams")
}

/// The address of the next page of a list: `address` ends where a parameter may follow.
fn next_page(cursor: Option<Cursor>, address: &str) -> Result<Option<String>, ApiError> {
    let cursor = cursor.map(serde_json::to_value).transpose();
    let cursor = cursor.map_err(ApiError::internal)?;
    let cursor = cursor.as_ref().and_then(serde_json::Value::as_str);
    Ok(cursor.map(|cursor| format!("{address}cursor={cursor}")))
}

fn when(at: &DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn day(at: &DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// What was wrong with a form that is shown again.
#[derive(Debug, Default)]
struct Slips {
    list: Vec<Complaint>,
    /// Until it is worth trying again.
    wait_s: Option<u64>,
}

impl Slips {
    /// What a person can mend in the form; anything else remains an error.
    fn of(error: ApiError) -> Result<Self, ApiError> {
        let problem = error.problem();
        if !matches!(problem.status, 409 | 410 | 422 | 429) {
            return Err(error);
        }
        let wait_s = problem.members.get("retry_after_s");
        let wait_s = wait_s.and_then(serde_json::Value::as_u64);
        let mut slips = problem.errors;
        if let Some(detail) = problem.detail {
            slips.push(Complaint {
                pointer: String::new(),
                detail,
            });
        }
        Ok(Self {
            list: slips,
            wait_s,
        })
    }

    fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What is wrong with one field.
    fn at(&self, pointer: &str) -> Option<&str> {
        self.list
            .iter()
            .find(|slip| slip.pointer == pointer)
            .map(|slip| slip.detail.as_str())
    }

    /// What is wrong with the whole.
    fn general(&self) -> Option<&str> {
        self.at("")
    }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn a_form_leads_to_our_own_paths_only() {
        assert_eq!(local(Some("/join/demo?x=1")), "/join/demo?x=1");
        for elsewhere in [
            "https://evil.test",
            "//evil.test",
            "/\\evil.test",
            "",
            "/a\r\nx: y",
        ] {
            assert_eq!(local(Some(elsewhere)), "/teams", "{elsewhere}");
        }
    }
}
