//! `GET /api/v1/evaluations/scores.csv`

use actix_web::{HttpResponse, web};
use futures_util::TryStreamExt as _;
use futures_util::stream::try_unfold;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::rows::{self, Score};

/// Evaluations that are read at once: the whole is never in memory.
const CHUNK: i64 = 20;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Query {
    phase_id: Uuid,
}

/// Every finished evaluation of a phase case by case, as a table with a column for each metric; for organizers and
/// reviewers. `is_current` says whether it was made by what the phase is measured by now; of one submission the last
/// that is counts. An empty field was not measured.
#[utoipa::path(get, path = "/api/v1/evaluations/scores.csv", tag = "scoring", params(Query),
    responses((status = 200, content_type = "text/csv", body = String)))]
#[tracing::instrument(name = "evaluations.scores_csv", skip_all)]
pub async fn scores(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let id = query.phase_id;
    let phase = rows::phase(&kit.db, &caller, id).await?;
    let metrics = rows::metrics(&kit.db, id).await?;
    let db = kit.db.clone();
    let heading = record(heading(&metrics)).map_err(ApiError::internal)?;
    let pieces = try_unfold((None, Some(heading)), move |(after, heading)| {
        let (db, metrics) = (db.clone(), metrics.clone());
        async move {
            match heading {
                Some(heading) => Ok(Some((heading, (after, None)))),
                None => Ok::<_, Failure>(
                    piece(&db, id, after, &metrics)
                        .await?
                        .map(|(piece, last)| (piece, (Some(last), None))),
                ),
            }
        }
    });
    let bytes = pieces
        .map_ok(web::Bytes::from)
        .map_err(|error| -> Box<dyn std::error::Error> { error });
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            "content-disposition",
            format!("attachment; filename=\"{}-scores.csv\"", phase.file_name),
        ))
        .streaming(bytes))
}

fn heading(metrics: &[String]) -> Vec<String> {
    let fixed = [
        "submission_id",
        "team",
        "attempt",
        "evaluation_id",
        "is_current",
        "scorer_version",
        "reference_version",
        "case",
        "failure",
    ];
    fixed
        .map(str::to_owned)
        .into_iter()
        .chain(metrics.iter().cloned())
        .collect()
}

/// The next rows and the evaluation of the last; none at the end.
async fn piece(
    db: &PgPool,
    phase: Uuid,
    after: Option<Uuid>,
    metrics: &[String],
) -> Result<Option<(Vec<u8>, Uuid)>, Failure> {
    let rows = rows::scores(db, phase, after, CHUNK).await?;
    let Some(last) = rows.last().map(|row| row.evaluation_id) else {
        return Ok(None);
    };
    let mut text = Vec::new();
    for row in &rows {
        text.extend(record(fields(row, metrics))?);
    }
    Ok(Some((text, last)))
}

fn fields(row: &Score, metrics: &[String]) -> Vec<String> {
    let mut fields = vec![
        row.submission_id.to_string(),
        unarmed(&row.team),
        row.attempt
            .map_or(String::new(), |number| number.to_string()),
        row.evaluation_id.to_string(),
        row.is_current.to_string(),
        row.scorer_version.clone(),
        row.reference_set_version.to_string(),
        row.case.clone(),
        row.reason.clone().unwrap_or_default(),
    ];
    fields.extend(metrics.iter().map(|metric| match &row.values[metric] {
        Value::Null => String::new(),
        value => value.to_string(),
    }));
    fields
}

fn record(fields: Vec<String>) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields)?;
    Ok(writer.into_inner()?)
}

/// Spreadsheets take what begins with one of these for a formula.
fn unarmed(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}
