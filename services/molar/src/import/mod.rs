//! `molar board import`: a board out of a table that somebody published, ranked anew.

mod read;

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use molar_domain::metric::Metric;
use molar_ranking::{Direction, Entry, MetricColumn, rank_table};
use serde_json::{Value, json};

use read::{Directions, Published, Table, read};

const SHOWN: usize = 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The table, in CSV with a heading.
    #[arg(value_name = "CSV")]
    table: PathBuf,
    /// Only rank it and show what comes out. Needs no server.
    #[arg(long, required = true)]
    dry_run: bool,
    /// Of a metric that Molar does not know: more is better.
    #[arg(long, value_name = "METRIC")]
    higher: Vec<String>,
    /// Of a metric that Molar does not know: less is better.
    #[arg(long, value_name = "METRIC")]
    lower: Vec<String>,
    /// Answer in JSON, with every digit.
    #[arg(long)]
    pub json: bool,
}

/// Ranks the table, in the form in which the API gives a board, with what was published otherwise
/// under `differences`.
pub fn dry_run(args: &Args) -> anyhow::Result<Value> {
    let path = args.table.display();
    let file = File::open(&args.table).with_context(|| format!("cannot open {path}"))?;
    let directions = Directions {
        higher: args.higher.clone(),
        lower: args.lower.clone(),
    };
    match read(file, &directions) {
        Ok(table) => ranked(&table),
        Err(complaints) => {
            let mut lines: Vec<_> = complaints
                .iter()
                .take(SHOWN)
                .map(ToString::to_string)
                .collect();
            if complaints.len() > SHOWN {
                lines.push(format!("and {} more", complaints.len() - SHOWN));
            }
            bail!("{path} is no board:\n  {}", lines.join("\n  "))
        }
    }
}

fn ranked(table: &Table) -> anyhow::Result<Value> {
    let columns: Vec<_> = table
        .metrics
        .iter()
        .map(|metric| {
            let direction = if metric.is_higher_better {
                Direction::HigherIsBetter
            } else {
                Direction::LowerIsBetter
            };
            MetricColumn::new(metric.name.clone(), direction)
        })
        .collect();
    let entries: Vec<_> = table
        .rows
        .iter()
        .enumerate()
        .map(|(id, row)| Entry {
            id,
            values: row.values.clone(),
        })
        .collect();
    let ranked = rank_table(&columns, &entries)?;

    let mut differences = Vec::new();
    let mut rows = Vec::new();
    for row in &ranked.rows {
        let given = &table.rows[row.id];
        let names = || table.metrics.iter().map(|metric| &metric.name);
        let by_metric = names().zip(&row.ranks);
        let by_metric = by_metric
            .filter_map(|(name, rank)| Some((format!("{name}_rank"), f64::from((*rank)?))));
        let whole = [
            ("mean_rank".to_owned(), row.mean_rank),
            ("final_rank".to_owned(), f64::from(row.final_rank)),
        ];
        for (column, computed) in by_metric.chain(whole) {
            match given.published.get(&column) {
                Some(published) if !agrees(published, computed) => differences.push(json!({
                    "row": row.id + 1, "team": given.team, "column": column,
                    "published": published.value, "computed": computed,
                })),
                _ => {}
            }
        }
        let values: serde_json::Map<_, _> = names()
            .cloned()
            .zip(given.values.iter().map(|value| json!(value)))
            .collect();
        let ranks: serde_json::Map<_, _> = names()
            .cloned()
            .zip(row.ranks.iter().map(|rank| json!(rank)))
            .collect();
        rows.push(json!({
            "rank": row.final_rank, "team": given.team, "values": values, "ranks": ranks,
            "mean_rank": row.mean_rank,
        }));
    }
    let metrics: Vec<_> = table.metrics.iter().map(column_view).collect();
    Ok(json!({
        "metrics": metrics, "left_out": ranked.left_out, "rows": rows, "differences": differences,
    }))
}

fn column_view(column: &read::Column) -> Value {
    let title = column
        .metric
        .as_ref()
        .map_or_else(|| column.name.clone(), Metric::title);
    let unit = column.metric.as_ref().and_then(Metric::unit);
    json!({
        "name": column.name, "title": title, "unit": unit, "is_higher_better": column.is_higher_better,
    })
}

/// To the digits that were published.
fn agrees(published: &Published, computed: f64) -> bool {
    (published.value - computed).abs() <= 0.5 * 10f64.powi(-published.decimals) + 1e-12
}

/// One line for each rank that was published otherwise.
pub fn differences(board: &Value) -> Vec<String> {
    let found = board["differences"].as_array().into_iter().flatten();
    found
        .map(|found| {
            let text = |field: &str| found[field].as_str().unwrap_or_default();
            format!(
                "row {}, team {}, column `{}`: {} was published, {} comes out",
                found["row"],
                text("team"),
                text("column"),
                found["published"],
                found["computed"],
            )
        })
        .collect()
}
