//! `/unsubscribe/{link}`: at the end of each notice.

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit};

use super::page;
use crate::mails::unsubscribe::{owner, set_wants_notices};

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Body<'a> {
    link: &'a str,
    is_done: bool,
}

fn respond(caller: Option<&Caller>, link: &str, is_done: bool) -> Result<HttpResponse, ApiError> {
    Ok(page(caller, "Mail from Molar", &Body { link, is_done })?.respond())
}

/// Opening the link changes nothing yet: programs that look through mail open links, too.
pub async fn show(
    kit: web::Data<Kit>,
    caller: Option<Caller>,
    link: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    owner(&kit, &link)?;
    respond(caller.as_ref(), &link, false)
}

/// From the page, or from the button of a mail program (RFC 8058), which shows nothing but the link.
#[tracing::instrument(name = "pages.unsubscribe", skip_all)]
pub async fn submit(
    kit: web::Data<Kit>,
    link: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let owner = owner(&kit, &link)?;
    set_wants_notices(&kit.db, owner, false).await?;
    respond(None, &link, true)
}
