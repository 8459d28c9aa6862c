//! From the bytes of a table to what it says, or everything that is wrong with it.

use std::collections::HashMap;

use csv::ReaderBuilder;

use super::cells::Cells;
use super::complaint::Complaint;
use super::heading;
use super::table::{Directions, MOST_BYTES, MOST_COLUMNS, MOST_ROWS, MOST_VALUES, Row, Table};

/// Reads a table, or says everything that is wrong with it.
pub fn read(table: &[u8], directions: &Directions) -> Result<Table, Vec<Complaint>> {
    if table.len() > MOST_BYTES {
        let what = format!("the table is larger than {} KiB", MOST_BYTES >> 10);
        return Err(vec![Complaint::of_table(what)]);
    }
    let broken = |error: csv::Error| vec![Complaint::of_csv(&error)];
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(table);
    let header = reader.headers().map_err(broken)?;
    // Before the names are held against each other.
    if header.len() > MOST_COLUMNS {
        let what = format!(
            "there are {} columns; {MOST_COLUMNS} is the most",
            header.len()
        );
        return Err(vec![Complaint::of_table(what)]);
    }
    let names: Vec<String> = header.iter().map(heading::name).collect();
    let mut complaints = Vec::new();
    let metrics = heading::metrics(&names, directions, &mut complaints);
    if !complaints.is_empty() {
        return Err(complaints);
    }

    let most_rows = MOST_ROWS.min(MOST_VALUES / metrics.len());
    let mut rows: Vec<Row> = Vec::new();
    let mut teams = HashMap::new();
    for (at, record) in reader.records().enumerate() {
        if at == most_rows {
            let what = format!(
                "there are more than {most_rows} rows, the most with {} columns of values",
                metrics.len()
            );
            complaints.push(Complaint::of_table(what));
            break;
        }
        let record = record.map_err(broken)?;
        let place = (at + 1, record.position().map_or(0, csv::Position::line));
        let mut cells = Cells {
            row: place,
            names: &names,
            record: &record,
            complaints: &mut complaints,
        };
        let row = cells.row(&metrics);
        let first = *teams.entry(row.team.clone()).or_insert(place.0);
        if first != place.0 && !row.team.is_empty() {
            complaints.push(Complaint::twice(place, &row.team, first));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        let what = "there is no row below the heading";
        complaints.push(Complaint::of_table(what));
    } else if complaints.is_empty() && rows.iter().all(is_without_values) {
        complaints.push(Complaint::of_table("no row has a value"));
    }
    if complaints.is_empty() {
        Ok(Table { metrics, rows })
    } else {
        Err(complaints)
    }
}

fn is_without_values(row: &Row) -> bool {
    row.values.iter().all(Option::is_none)
}
