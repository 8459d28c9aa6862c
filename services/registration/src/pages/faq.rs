//! `/challenges/{challenge}/faq`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use uuid::Uuid;

use super::{Slips, page, see_other};
use crate::challenges::{self, Challenge};
use crate::faq::NoteKind;
use crate::faq::create::{Publish, publish};
use crate::faq::retract::take_off;
use crate::faq::rows::{self, NoteView};

#[derive(Template)]
#[template(path = "faq.html")]
struct Body<'a> {
    challenge: &'a Challenge,
    csrf: &'a str,
    /// Answers, then errata.
    parts: [(&'static str, &'static str, Vec<NoteView>); 2],
    may_publish: bool,
    given: Form,
    slips: Slips,
}

#[derive(Default, Deserialize)]
pub struct Form {
    kind: String,
    title: String,
    text: String,
}

pub async fn show(
    kit: web::Data<Kit>,
    caller: Option<Caller>,
    slug: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    respond(
        &kit,
        caller.as_ref(),
        &slug,
        Form::default(),
        Slips::default(),
    )
    .await
}

async fn respond(
    kit: &Kit,
    caller: Option<&Caller>,
    slug: &str,
    given: Form,
    slips: Slips,
) -> Result<HttpResponse, ApiError> {
    let challenge = challenges::find_by_slug(&kit.db, slug).await?;
    let notes = rows::list(&kit.db, challenge.id).await?;
    let (answers, errata) = notes
        .into_iter()
        .partition(|note| note.kind == NoteKind::Faq);
    let status = match slips.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let body = Body {
        challenge: &challenge,
        csrf: caller.map_or("", Caller::csrf_token),
        parts: [
            (
                "Questions and answers",
                "Nothing was asked yet that everybody should know.",
                answers,
            ),
            ("Errata", "Nothing had to be put right yet.", errata),
        ],
        may_publish: caller.is_some_and(|caller| caller.is_organizer(challenge.id)),
        given,
        slips,
    };
    let title = "Questions, answers and errata";
    Ok(page(caller, title, &body)?
        .crumb("Challenges", "/")
        .crumb(challenge.title.clone(), format!("/challenges/{slug}"))
        .status(status)
        .respond())
}

#[tracing::instrument(name = "pages.faq.publish", skip_all)]
pub async fn submit(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let form = form.into_inner();
    let kind = form.kind.parse::<NoteKind>();
    let kind = kind.map_err(|_| ApiError::invalid("/kind", "is `faq` or `erratum`"))?;
    let request = Publish {
        kind,
        title: form.title.clone(),
        text: form.text.clone(),
    };
    let mut tx = kit.db.begin().await?;
    match publish(&mut tx, &caller, &slug, &request, kit.clock.now()).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(&format!("/challenges/{slug}/faq")))
        }
        Err(error) => {
            drop(tx);
            let slips = Slips::of(error.into())?;
            respond(&kit, Some(&caller), &slug, form, slips).await
        }
    }
}

#[tracing::instrument(name = "pages.faq.retract", skip_all)]
pub async fn retract(
    kit: web::Data<Kit>,
    caller: Caller,
    place: web::Path<(String, Uuid)>,
) -> Result<HttpResponse, ApiError> {
    let (slug, id) = place.into_inner();
    take_off(&kit, &caller, &slug, id).await?;
    Ok(see_other(&format!("/challenges/{slug}/faq")))
}
