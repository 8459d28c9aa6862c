//! The pages of this role. Each reads and writes through the same functions as the API.

pub mod account;
pub mod invitation;
pub mod join;
pub mod login;
pub mod organize;
pub mod register;
pub mod requests;
pub mod team;
pub mod teams;

use actix_web::HttpResponse;
use actix_web::http::header;
use askama::Template;
use chrono::{DateTime, Utc};
use molar_web_kit::layout::Page;
use molar_web_kit::{ApiError, Caller, Complaint};

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

/// A path of ours to return to; anything else would lead people away.
fn local(next: Option<&str>) -> &str {
    let is_local = |path: &&str| {
        let is_rooted = path.starts_with('/') && !path[1..].starts_with(['/', '\\']);
        is_rooted && path.chars().all(|c| c.is_ascii_graphic())
    };
    next.filter(is_local).unwrap_or("/teams")
}

fn when(at: &DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn day(at: &DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// What was wrong with a form that is shown again.
#[derive(Debug, Default)]
struct Slips(Vec<Complaint>);

impl Slips {
    /// What a person can mend in the form; anything else remains an error.
    fn of(error: ApiError) -> Result<Self, ApiError> {
        let problem = error.problem();
        if !matches!(problem.status, 409 | 422 | 429) {
            return Err(error);
        }
        let mut slips = problem.errors;
        if let Some(detail) = problem.detail {
            slips.push(Complaint {
                pointer: String::new(),
                detail,
            });
        }
        Ok(Self(slips))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with one field.
    fn at(&self, pointer: &str) -> Option<&str> {
        self.0
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
