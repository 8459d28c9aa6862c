//! `/announcements/{challenge}` for everybody, and `/organize/announcements` for organizers.

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::links::{self, Piece};
use molar_web_kit::page::{Cursor, LIMIT_MAX};
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Deserialize;
use uuid::Uuid;

use super::{Slips, form_page, page, see_other};
use crate::announcements::create::{CreateAnnouncement, announce};
use crate::announcements::withdraw::take_back;
use crate::announcements::{AnnouncementView, rows};
use crate::challenges::{self, Challenge};

#[derive(Deserialize)]
pub struct Query {
    cursor: Option<Cursor>,
}

#[derive(Template)]
#[template(path = "announcements.html")]
struct Body {
    challenge: Challenge,
    list: Vec<AnnouncementView>,
    /// Address of the next page.
    next: Option<String>,
}

pub async fn show(
    kit: web::Data<Kit>,
    caller: Option<Caller>,
    slug: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let challenge = challenges::find_by_slug(&kit.db, &slug).await?;
    let paging = PageQuery::new(query.cursor, None)?;
    let rows = rows::list(&kit.db, Some(challenge.id), paging.after(), paging.fetch()).await?;
    let found = Page::of(rows, &paging, |view| view.id);
    let next = found.next.map(serde_json::to_value).transpose();
    let next = next.map_err(ApiError::internal)?;
    let crumb = challenge.title.clone();
    let path = format!("/challenges/{}", challenge.slug);
    let body = Body {
        challenge,
        list: found.items,
        next: next.and_then(|cursor| Some(format!("?cursor={}", cursor.as_str()?))),
    };
    Ok(page(caller.as_ref(), "Announcements", &body)?
        .crumb(crumb, path)
        .respond())
}

#[derive(Default, Deserialize)]
pub struct Form {
    challenge: String,
    title: String,
    text: String,
    by_mail: Option<String>,
}

#[derive(Template)]
#[template(path = "announce.html")]
struct Organize<'a> {
    csrf: &'a str,
    challenges: Vec<Challenge>,
    form: &'a Form,
    list: Vec<AnnouncementView>,
    slips: &'a Slips,
}

pub async fn organize(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    respond(&kit, &caller, &Form::default(), &Slips::default()).await
}

async fn respond(
    kit: &Kit,
    caller: &Caller,
    form: &Form,
    slips: &Slips,
) -> Result<HttpResponse, ApiError> {
    let mut challenges = challenges::list(&kit.db).await?;
    challenges.retain(|challenge| caller.is_organizer(challenge.id));
    let mut list = rows::list(&kit.db, None, None, LIMIT_MAX.into()).await?;
    list.retain(|view| caller.is_organizer(view.challenge_id));
    let body = Organize {
        csrf: caller.csrf_token(),
        challenges,
        form,
        list,
        slips,
    };
    let page = page(Some(caller), "Announcements", &body)?;
    Ok(form_page(page, slips))
}

#[tracing::instrument(name = "pages.announce", skip_all)]
pub async fn submit(
    kit: web::Data<Kit>,
    caller: Caller,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let request = CreateAnnouncement {
        challenge: form.challenge.clone(),
        title: form.title.clone(),
        text: form.text.clone(),
        by_mail: form.by_mail.is_some(),
    };
    let mut tx = kit.db.begin().await?;
    match announce(&mut tx, &kit, &caller, &request).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other("/organize/announcements"))
        }
        Err(error) => {
            drop(tx);
            respond(&kit, &caller, &form, &Slips::of(error.into())?).await
        }
    }
}

#[derive(Deserialize)]
pub struct Reason {
    reason: String,
}

#[tracing::instrument(name = "pages.announce.withdraw", skip_all)]
pub async fn withdraw(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    form: web::Form<Reason>,
) -> Result<HttpResponse, ApiError> {
    match take_back(&kit, &caller, *id, &form.reason).await {
        Ok(()) => Ok(see_other("/organize/announcements")),
        Err(error) => {
            let slips = Slips::of(error.into())?;
            respond(&kit, &caller, &Form::default(), &slips).await
        }
    }
}
