//! `GET /api/v1/boards/{phase_id}.csv`

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, SecondsFormat, Utc};
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use uuid::Uuid;

use super::csv_cells::{text, unarmed};
use super::csv_long;
use super::see::{Asked, see};
use super::view::{Board, Column, Row};
use crate::kept::{Asking, CSV, Which};
use crate::rows::intervals::Interval;
use crate::rows::phases::Phase;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// A line for each team, the metrics beside each other.
    #[default]
    Wide,
    /// A line for each team and metric; `mean_rank` and `final_rank` are among these.
    Long,
}

/// As of the board itself, and which table it is.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// As of the board.
    pub at: Option<DateTime<Utc>>,
    /// As of the board: adds `METRIC_gain_pp`.
    pub baseline: Option<String>,
    /// Adds `METRIC_sd`, `METRIC_iqr`, the interval of the rank (wide only), and of each entry all else that the board shows.
    #[serde(default)]
    pub details: bool,
    #[serde(default)]
    #[param(inline)]
    pub shape: Shape,
}

/// A board as a table: each metric beside its rank, then the mean of the ranks and the final rank.
///
/// Values stand with all their digits; an empty field is a value that was not measured. What the board does not show has
/// no column.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}.csv", tag = "leaderboard",
    params(("phase_id" = Uuid, Path), Query),
    responses((status = 200, content_type = "text/csv", body = String), (status = 304)))]
#[tracing::instrument(name = "boards.csv", skip_all, fields(phase.id = %phase_id))]
pub async fn csv(
    kit: web::Data<Kit>,
    phase_id: web::Path<Uuid>,
    query: web::Query<Query>,
    request: HttpRequest,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let asking = Asking {
        kit: &kit,
        request: &request,
        caller: caller.as_ref(),
        which: Which::Id(PhaseId(*phase_id)),
        form: CSV,
    };
    let Query {
        at,
        baseline,
        details,
        shape,
    } = query.into_inner();
    let make = async |phase: Phase| {
        let name = format!(
            "{}-{}-{}.csv",
            phase.challenge_slug, phase.track_slug, phase.slug
        );
        let board = see(&kit, &phase, caller.as_ref(), &Asked { at, baseline }).await?;
        let table = match shape {
            Shape::Wide => table(&board, details),
            Shape::Long => csv_long::table(&board, details).map_err(Into::into),
        };
        let table = table.map_err(ApiError::internal)?;
        Ok(HttpResponse::Ok()
            .content_type("text/csv; charset=utf-8")
            .insert_header((
                "content-disposition",
                format!("inline; filename=\"{name}\""),
            ))
            .body(table))
    };
    asking.answer(make).await
}

type Cell = Box<dyn Fn(&Row) -> String>;

fn table(
    board: &Board,
    details: bool,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let mut columns: Vec<(String, Cell)> = vec![column("team", |row| unarmed(&row.team))];
    let has_spreads = details && board.sight.has_spreads();
    for metric in board.shown_metrics() {
        columns.extend(of_metric(metric, board.baseline.is_some(), has_spreads));
    }
    if board.sight.has_details() {
        columns.push(column("mean_rank", |row| text(row.mean_rank)));
    }
    columns.push(column("final_rank", |row| text(row.rank)));
    if details && board.sight.has_cases() {
        // Those of another version would stand beside ranks that they are not of.
        let is_of_it = board.intervals.map(|of| of.version) == board.version;
        let bound = move |row: &Row, of: fn(Interval) -> f64| {
            text(row.interval.filter(|_| is_of_it).map(of))
        };
        columns.push(column("rank_from", move |row| bound(row, |of| of.from)));
        columns.push(column("rank_to", move |row| bound(row, |of| of.to)));
    }
    if details {
        columns.extend(of_entry(board));
    }
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(columns.iter().map(|(name, _)| name))?;
    for row in &board.rows {
        writer.write_record(columns.iter().map(|(_, cell)| cell(row)))?;
    }
    Ok(writer.into_inner()?)
}

fn column(name: &str, cell: impl Fn(&Row) -> String + 'static) -> (String, Cell) {
    (name.to_owned(), Box::new(cell))
}

fn of_metric(metric: &Column, has_gain: bool, has_spreads: bool) -> Vec<(String, Cell)> {
    let name = || metric.name.clone();
    let titled = |what: &str| format!("{}{what}", metric.name);
    let (value, rank, gain, sd, iqr) = (name(), name(), name(), name(), name());
    let mut columns = vec![
        column(&metric.name, move |row| {
            text(row.values.get(&value).copied().flatten())
        }),
        column(&titled("_rank"), move |row| {
            text(row.ranks.get(&rank).copied().flatten())
        }),
    ];
    if has_gain {
        columns.push(column(&titled("_gain_pp"), move |row| {
            text(row.gains.get(&gain))
        }));
    }
    if has_spreads {
        columns.push(column(&titled("_sd"), move |row| {
            text(row.spreads.get(&sd).map(|spread| spread.sd))
        }));
        columns.push(column(&titled("_iqr"), move |row| {
            text(row.spreads.get(&iqr).map(|spread| spread.iqr()))
        }));
    }
    columns
}

fn of_entry(board: &Board) -> Vec<(String, Cell)> {
    let sight = &board.sight;
    let mut columns = vec![
        column("is_eligible", |row| row.out_reason.is_none().to_string()),
        column("out_reason", |row| {
            unarmed(row.out_reason.as_deref().unwrap_or_default())
        }),
    ];
    if sight.has_names() {
        columns.push(column("code_url", |row| {
            unarmed(row.code_url.as_deref().unwrap_or_default())
        }));
    }
    if sight.has_details() {
        columns.push(column("submissions", |row| text(row.submissions)));
        columns.push(column("submitted_at", |row| {
            let at = row.submitted_at;
            text(at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)))
        }));
    }
    columns
}
