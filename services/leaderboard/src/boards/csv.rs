//! `GET /api/v1/boards/{phase_id}.csv`

use actix_web::{HttpResponse, web};
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::view::{Board, see};
use crate::rows::phases;

/// A board as a table: each metric beside its rank, then the mean of the ranks and the final rank.
///
/// Values stand with all their digits; an empty field is a value that was not measured.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}.csv", tag = "leaderboard",
    params(("phase_id" = Uuid, Path)),
    responses((status = 200, content_type = "text/csv", body = String)))]
#[tracing::instrument(name = "boards.csv", skip_all, fields(phase.id = %phase_id))]
pub async fn csv(
    kit: web::Data<Kit>,
    phase_id: web::Path<Uuid>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let phase = phases::find(&kit.db, PhaseId(*phase_id)).await?;
    let name = format!(
        "{}-{}-{}.csv",
        phase.challenge_slug, phase.track_slug, phase.slug
    );
    let board = see(&kit.db, phase, caller.as_ref(), kit.clock.now(), None).await?;
    let table = table(&board).map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            "content-disposition",
            format!("inline; filename=\"{name}\""),
        ))
        .body(table))
}

fn table(board: &Board) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let mut header = vec!["team".to_owned()];
    for metric in &board.metrics {
        header.extend([metric.name.clone(), format!("{}_rank", metric.name)]);
    }
    header.extend(["mean_rank".to_owned(), "final_rank".to_owned()]);
    writer.write_record(&header)?;
    for row in &board.rows {
        let mut record = vec![unarmed(&row.team)];
        for metric in &board.metrics {
            record.push(text(row.values.get(&metric.name).copied().flatten()));
            record.push(text(row.ranks.get(&metric.name).copied().flatten()));
        }
        record.extend([text(row.mean_rank), text(row.rank)]);
        writer.write_record(&record)?;
    }
    Ok(writer.into_inner()?)
}

fn text(value: Option<impl ToString>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// A team's name is the only text that strangers chose; a spreadsheet must not take it for a formula.
pub fn unarmed(name: &str) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{name}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_that_looks_like_a_formula_is_text() {
        assert_eq!(super::unarmed("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(super::unarmed("Team-1"), "Team-1");
    }
}
