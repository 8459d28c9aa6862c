//! `/organize/mails`: whether mail goes out.

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::page::LIMIT_MAX;
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::{page, see_other};
use crate::mails::retry_mail;
use crate::mails::rows::{self, Counts, MailView};

#[derive(Template)]
#[template(path = "mails.html")]
struct Body<'a> {
    csrf: &'a str,
    counts: Counts,
    mails: Vec<MailView>,
    /// May look at the mails themselves and try them again.
    is_admin: bool,
}

/// Organizers learn how many wait; which, administrators.
pub async fn show(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let mails = if caller.is_admin {
        rows::list_unsent(&kit.db, None, LIMIT_MAX.into()).await?
    } else {
        Vec::new()
    };
    let body = Body {
        csrf: caller.csrf_token(),
        counts: rows::counts(&kit.db).await?,
        mails,
        is_admin: caller.is_admin,
    };
    Ok(page(Some(&caller), "Mail", &body)?.respond())
}

#[tracing::instrument(name = "pages.mails.retry", skip_all)]
pub async fn retry(kit: web::Data<Kit>, id: web::Path<Uuid>) -> Result<HttpResponse, ApiError> {
    retry_mail(&kit, *id).await?;
    Ok(see_other("/organize/mails"))
}
