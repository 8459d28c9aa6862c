//! `/teams`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit};

use super::page;
use crate::challenges::{self, Challenge};
use crate::teams::{self, TeamView};

#[derive(Template)]
#[template(path = "teams.html")]
struct Body {
    teams: Vec<TeamView>,
    challenges: Vec<Challenge>,
}

pub async fn show(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let body = Body {
        teams: teams::rows::list(&kit.db, &caller.teams).await?,
        challenges: challenges::list(&kit.db).await?,
    };
    Ok(page(Some(&caller), "Your teams", &body)?.respond())
}
