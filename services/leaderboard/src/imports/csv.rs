//! `GET /api/v1/boards/imported/{id}.csv`

use actix_web::{HttpRequest, HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::ranked::{Ranked, RankedRow};
use super::rows::{self, Asked};
use super::table::{FINAL_RANK, MEAN_RANK, RANK, TEAM};
use crate::boards::csv_cells::{text, unarmed};
use crate::kept::tagged;

/// An imported board as a table: each metric beside its rank, then the mean of the ranks and the final rank, all of
/// them made here. Values stand with all their digits.
#[utoipa::path(get, path = "/api/v1/boards/imported/{id}.csv", tag = "leaderboard", params(("id" = Uuid, Path)),
    responses((status = 200, content_type = "text/csv", body = String), (status = 304)))]
#[tracing::instrument(name = "imports.csv", skip_all)]
pub async fn csv(
    kit: web::Data<Kit>,
    request: HttpRequest,
    caller: Option<Caller>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let (import, ranked) = rows::read(&kit.db, Asked::by(*id)).await?;
    let name = format!("imported-{}-{}.csv", import.challenge_slug, import.slug);
    let answer = HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            "content-disposition",
            format!("inline; filename=\"{name}\""),
        ))
        .body(table(&ranked).map_err(ApiError::internal)?);
    tagged(&request, answer, caller.is_some())
}

fn table(ranked: &Ranked) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let metrics = ranked.metrics.iter().map(|metric| &metric.name);
    let mut heading = vec![TEAM.to_owned()];
    heading.extend(metrics.flat_map(|name| [unarmed(name), unarmed(&format!("{name}{RANK}"))]));
    heading.extend([MEAN_RANK.to_owned(), FINAL_RANK.to_owned()]);
    writer.write_record(&heading)?;
    for row in &ranked.rows {
        writer.write_record(line(row))?;
    }
    Ok(writer.into_inner()?)
}

fn line(row: &RankedRow) -> Vec<String> {
    let mut cells = vec![unarmed(&row.team)];
    for (value, rank) in row.values.iter().zip(&row.ranks) {
        cells.extend([text(*value), text(*rank)]);
    }
    cells.extend([row.mean_rank.to_string(), row.final_rank.to_string()]);
    cells
}
