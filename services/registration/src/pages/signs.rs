//! `/organize/signs/{challenge}`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit};

use super::page;
use crate::challenges;
use crate::signs::{self, Sign};

#[derive(Template)]
#[template(path = "signs.html")]
struct Body {
    signs: Vec<Sign>,
}

pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let challenge = challenges::find_reviewed(&kit.db, &caller, &slug).await?;
    let body = Body {
        signs: signs::all(&kit.db, challenge.id).await?,
    };
    let title = format!("Signs of one person in several teams: {}", challenge.title);
    Ok(page(Some(&caller), title, &body)?
        .crumb("Places in tracks", "/organize/participations")
        .respond())
}
