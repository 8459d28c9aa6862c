//! `GET /case-runs/{id}/log`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::printable::printable;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use uuid::Uuid;

use super::{access, text};
use crate::rows::logs::Log;
use crate::state::State;

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage<'a> {
    log: &'a Log,
    text: String,
    is_over: bool,
    can_release: bool,
    csrf: &'a str,
    script: &'static str,
}

/// The log as it is now; with JavaScript it grows by itself.
#[tracing::instrument(name = "pages.log", skip_all, fields(case_run.id = %*id))]
pub async fn page(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let log = access::see(&kit.db, &caller, *id).await?;
    let bytes = text::read(&kit.db, &state.store, &log, 0).await?;
    let body = LogPage {
        text: printable(&String::from_utf8_lossy(&bytes)),
        is_over: log.state.is_final(),
        can_release: caller.is_organizer(log.challenge)
            && !log.is_public
            && log.key.is_some()
            && log.release_reason.is_none(),
        csrf: caller.csrf_token(),
        script: layout::live_log_url(),
        log: &log,
    };
    Ok(
        layout::Page::new(format!("Log of {}", log.case_name), body.render()?)
            .crumb("Submissions", "/submissions")
            .crumb("Submission", format!("/submissions/{}", log.submission))
            .caller(Some(&caller))
            .respond(),
    )
}
