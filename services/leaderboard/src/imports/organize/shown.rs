//! The pages of the two steps.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use molar_web_kit::{ApiError, Caller, layout};

use super::form::Form;
use crate::imports::page::cells::{self, RowView};
use crate::imports::rows::{Challenge, New};

#[derive(Template)]
#[template(path = "import.html")]
struct FormPage<'a> {
    csrf: &'a str,
    challenge: &'a str,
    form: &'a Form,
    wrong: Vec<String>,
}

#[derive(Template)]
#[template(path = "import_plan.html")]
struct PlanPage<'a> {
    csrf: &'a str,
    challenge: &'a str,
    form: &'a Form,
    new: &'a New,
    columns: Vec<cells::Column>,
    rows: Vec<RowView>,
    compared: usize,
    different: usize,
    left_out: Vec<String>,
    less_is_better: Vec<String>,
}

/// With what was wrong with it before.
pub fn form(
    caller: &Caller,
    challenge: &Challenge,
    form: &Form,
    wrong: Vec<String>,
) -> Result<HttpResponse, ApiError> {
    let status = match wrong.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let body = FormPage {
        csrf: caller.csrf_token(),
        challenge: &challenge.slug,
        form,
        wrong,
    };
    let page = page("Import a board", body.render()?, caller, challenge);
    Ok(page.status(status).respond())
}

pub fn plan(
    caller: &Caller,
    challenge: &Challenge,
    form: &Form,
    new: &New,
) -> Result<HttpResponse, ApiError> {
    let ranked = &new.ranked;
    let differences = ranked.differences();
    let otherwise = cells::Otherwise::of(&differences);
    let columns = ranked.metrics.iter().map(cells::Column::of);
    let columns: Vec<_> = columns.collect();
    let rows = ranked.rows.iter().enumerate();
    let rows = rows.map(|(at, row)| cells::row(at + 1, row, &columns, &otherwise));
    let body = PlanPage {
        csrf: caller.csrf_token(),
        challenge: &challenge.slug,
        form,
        new,
        rows: rows.collect(),
        compared: ranked.compared(),
        different: differences.len(),
        left_out: cells::left_out(&columns, ranked),
        less_is_better: cells::less_is_better(&columns),
        columns,
    };
    let path = format!("/organize/boards/{}/import", challenge.slug);
    let page = page("What would be imported", body.render()?, caller, challenge);
    Ok(page.crumb("Import a board", path).respond())
}

fn page(title: &str, body: String, caller: &Caller, challenge: &Challenge) -> layout::Page {
    let path = format!("/organize/challenges/{}", challenge.slug);
    layout::Page::new(title, body)
        .crumb("Organize", "/organize/challenges")
        .crumb(challenge.slug.clone(), path)
        .caller(Some(caller))
}
