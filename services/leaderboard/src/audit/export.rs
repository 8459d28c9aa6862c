//! `GET /api/v1/audit/export`

use actix_web::{HttpResponse, web};
use futures_util::{Stream, stream};
use molar_domain::ChallengeId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::rows::{self, Entry};
use super::scope;
use crate::boards::csv_cells::unarmed;

/// Rows that are in memory at once.
const BATCH: i64 = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Csv,
    /// A JSON object a line.
    Jsonl,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportAudit {
    format: Format,
    #[param(value_type = Option<Uuid>)]
    challenge_id: Option<ChallengeId>,
}

/// The audit log as a file, oldest first.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "audit", params(ExportAudit),
    responses((status = 200, content_type = "text/plain", body = String)))]
#[tracing::instrument(name = "audit.export", skip_all)]
pub async fn export(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<ExportAudit>,
) -> Result<HttpResponse, ApiError> {
    let challenge = scope(&caller, query.challenge_id)?;
    let format = query.format;
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Jsonl => ("application/jsonl", "jsonl"),
    };
    let name = format!("attachment; filename=\"audit.{ending}\"");
    Ok(HttpResponse::Ok()
        .content_type(kind)
        .insert_header(("content-disposition", name))
        .streaming(pieces(kit.db.clone(), challenge, format)))
}

/// Batch after batch. An error in mid-stream cuts the answer off, which its reader notices.
fn pieces(
    db: PgPool,
    challenge: Option<ChallengeId>,
    format: Format,
) -> impl Stream<Item = Result<web::Bytes, ApiError>> {
    // `None`: not begun; then the last number that was sent.
    stream::try_unfold(Some(0), move |after| {
        let db = db.clone();
        async move {
            let Some(after) = after else { return Ok(None) };
            let entries = rows::following(&db, challenge, after, BATCH).await?;
            let piece = match format {
                Format::Csv => csv(&entries, after == 0)?,
                Format::Jsonl => jsonl(&entries)?,
            };
            Ok(Some((piece.into(), entries.last().map(|entry| entry.seq))))
        }
    })
}

fn jsonl(entries: &[Entry]) -> Result<Vec<u8>, ApiError> {
    let mut lines = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut lines, entry).map_err(ApiError::internal)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

fn csv(entries: &[Entry], is_first: bool) -> Result<Vec<u8>, ApiError> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    if is_first {
        let header = [
            "seq",
            "at",
            "actor_id",
            "actor",
            "action",
            "subject_id",
            "from",
            "to",
            "reason",
            "details",
            "challenge_id",
            "hash",
        ];
        writer.write_record(header).map_err(ApiError::internal)?;
    }
    for entry in entries {
        let text = |id: Option<Uuid>| id.map_or(String::new(), |id| id.to_string());
        let reason = match entry.is_erased {
            true => "(erased)",
            false => entry.reason.as_deref().unwrap_or_default(),
        };
        let record = [
            entry.seq.to_string(),
            entry.at.to_rfc3339(),
            text(entry.actor_id),
            unarmed(entry.actor.as_deref().unwrap_or_default()),
            entry.action.clone(),
            entry.subject_id.to_string(),
            unarmed(&entry.detail("from")),
            unarmed(&entry.detail("to")),
            unarmed(reason),
            entry.details.to_string(),
            text(entry.challenge_id),
            entry.hash.clone(),
        ];
        writer.write_record(record).map_err(ApiError::internal)?;
    }
    writer
        .into_inner()
        .map_err(|error| ApiError::internal(error.to_string()))
}
