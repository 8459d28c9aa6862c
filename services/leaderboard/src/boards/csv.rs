//! `GET /api/v1/boards/{phase_id}.csv`

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use uuid::Uuid;

use super::csv_cells::{text, unarmed};
use super::see::{Asked, see};
use super::shown::of_cases;
use super::view::{BaselineRow, Board, Column, Row};
use super::{csv_details, csv_long};
use crate::kept::{Asking, CSV, Which};
use crate::rows::phases::Phase;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// A line for each team, the metrics beside each other.
    #[default]
    Wide,
    /// A line for each team and metric; `mean_rank` and `final_rank` are among these. With `details` so is all else that is
    /// told of an entry: numbers under `value`, what is none (`is_eligible`, `out_reason`, `code_url`, `submitted_at`, the
    /// `note` of a baseline) under `text`.
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
    /// Adds `METRIC_sd`, `METRIC_iqr`, the interval of the rank (`rank_from`, `rank_to`) and of each entry all else that the
    /// board shows; and behind the entries the baselines, which have no rank and `true` under `is_baseline`.
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

/// A column of the wide table.
struct Field {
    name: String,
    of_entry: Box<dyn Fn(&Row) -> String>,
    of_baseline: Box<dyn Fn(&BaselineRow) -> String>,
}

impl Field {
    /// Baselines have nothing in it.
    fn new(name: &str, of_entry: impl Fn(&Row) -> String + 'static) -> Self {
        Self {
            name: name.to_owned(),
            of_entry: Box::new(of_entry),
            of_baseline: Box::new(|_: &BaselineRow| String::new()),
        }
    }

    fn and_baselines(self, of_baseline: impl Fn(&BaselineRow) -> String + 'static) -> Self {
        Self {
            of_baseline: Box::new(of_baseline),
            ..self
        }
    }
}

fn table(
    board: &Board,
    details: bool,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let fields = fields(board, details);
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(fields.iter().map(|field| &field.name))?;
    for row in &board.rows {
        writer.write_record(fields.iter().map(|field| (field.of_entry)(row)))?;
    }
    for baseline in board.baselines.iter().filter(|_| details) {
        writer.write_record(fields.iter().map(|field| (field.of_baseline)(baseline)))?;
    }
    Ok(writer.into_inner()?)
}

fn fields(board: &Board, details: bool) -> Vec<Field> {
    let sight = &board.sight;
    let team = Field::new("team", |row| unarmed(&row.team));
    let mut fields = vec![team.and_baselines(|one| unarmed(&one.team))];
    for metric in board.shown_metrics() {
        fields.extend(of_metric(metric, board, details && sight.has_spreads()));
    }
    if sight.has_details() {
        fields.push(Field::new("mean_rank", |row| text(row.mean_rank)));
    }
    fields.push(Field::new("final_rank", |row| text(row.rank)));
    if details {
        let told = csv_details::of(board).into_iter();
        fields.extend(told.map(|detail| Field::new(detail.name, detail.cell)));
    }
    if details && sight.has_values() {
        let is_baseline = Field::new("is_baseline", |_| false.to_string());
        fields.push(is_baseline.and_baselines(|_| true.to_string()));
        let note = Field::new("note", |_| String::new());
        fields.push(note.and_baselines(|one| unarmed(one.note.as_deref().unwrap_or_default())));
    }
    fields
}

fn of_metric(metric: &Column, board: &Board, has_spreads: bool) -> Vec<Field> {
    let name = || metric.name.clone();
    let titled = |what: &str| format!("{}{what}", metric.name);
    let (value, of_baseline, rank) = (name(), name(), name());
    let of_entry = Field::new(&metric.name, move |row| {
        text(row.values.get(&value).copied().flatten())
    });
    let mut fields = vec![
        of_entry.and_baselines(move |one| text(one.values.get(&of_baseline).copied().flatten())),
        Field::new(&titled("_rank"), move |row| {
            text(row.ranks.get(&rank).copied().flatten())
        }),
    ];
    if board.baseline.is_some() {
        let gain = name();
        fields.push(Field::new(&titled("_gain_pp"), move |row| {
            text(row.gains.get(&gain))
        }));
    }
    if has_spreads {
        let (sd, iqr, sight) = (name(), name(), board.sight.clone());
        fields.push(Field::new(&titled("_sd"), move |row| {
            text(row.spreads.get(&sd).map(|spread| spread.sd))
        }));
        fields.push(Field::new(&titled("_iqr"), move |row| {
            let spread = row.spreads.get(&iqr);
            text(spread.map(|spread| of_cases(&sight, &iqr, spread.iqr())))
        }));
    }
    fields
}
