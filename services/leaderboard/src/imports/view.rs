//! An imported board as callers get it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::ranked::{Difference, Ranked, RankedRow};
use super::rows::Import;
use super::table::{self, Published};
use crate::boards;

/// What comes out of a table, in the form of a board.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ImportedTable)]
pub struct Table {
    pub metrics: Vec<boards::Column>,
    /// Metrics that no row has; they do not count in the mean rank.
    pub left_out: Vec<String>,
    pub rows: Vec<Row>,
    /// Ranks that were published otherwise.
    pub differences: Vec<Difference>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ImportedRow)]
pub struct Row {
    pub rank: u32,
    pub team: String,
    /// By metric; null where it was not measured.
    pub values: BTreeMap<String, Option<f64>>,
    pub ranks: BTreeMap<String, Option<u32>>,
    pub mean_rank: f64,
    /// Ranks that were published with the table, as they were written.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub published: BTreeMap<String, Published>,
}

/// Which imported board, and where.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ImportedItem)]
pub struct Item {
    pub id: Uuid,
    /// Always: nothing of it was measured here.
    pub imported: bool,
    /// Slug of the challenge.
    pub challenge: String,
    pub slug: String,
    pub title: String,
    /// Where the table was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Of the CSV that was imported.
    pub table_sha256: String,
    pub imported_at: DateTime<Utc>,
    /// Of the page for people.
    pub path: String,
}

/// A board that was ranked anew from a published table. Nothing of it was measured here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ImportedBoard {
    #[serde(flatten)]
    pub item: Item,
    #[serde(flatten)]
    pub table: Table,
}

impl Table {
    pub fn of(ranked: &Ranked) -> Self {
        Self {
            metrics: ranked.metrics.iter().map(column).collect(),
            left_out: ranked.left_out.clone(),
            rows: ranked.rows.iter().map(|of| row(ranked, of)).collect(),
            differences: ranked.differences(),
        }
    }
}

impl ImportedBoard {
    pub fn of(import: Import, ranked: &Ranked) -> Self {
        Self {
            table: Table::of(ranked),
            item: import.into(),
        }
    }
}

impl From<Import> for Item {
    fn from(import: Import) -> Self {
        Self {
            path: import.path(),
            id: import.id,
            imported: true,
            challenge: import.challenge_slug,
            slug: import.slug,
            title: import.title,
            source: import.source,
            note: import.note,
            table_sha256: import.table_sha256,
            imported_at: import.imported_at,
        }
    }
}

fn column(column: &table::Column) -> boards::Column {
    let metric = column.metric();
    let title = metric.as_ref().map(|metric| metric.title());
    boards::Column {
        title: title.unwrap_or_else(|| column.name.clone()),
        unit: metric.and_then(|metric| metric.unit()),
        name: column.name.clone(),
        is_higher_better: column.is_higher_better,
    }
}

fn row(ranked: &Ranked, row: &RankedRow) -> Row {
    let names = || ranked.metrics.iter().map(|metric| metric.name.clone());
    Row {
        rank: row.final_rank,
        team: row.team.clone(),
        values: names().zip(row.values.iter().copied()).collect(),
        ranks: names().zip(row.ranks.iter().copied()).collect(),
        mean_rank: row.mean_rank,
        published: row.published.clone(),
    }
}
