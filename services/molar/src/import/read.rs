//! A board that was published as a table: one line a team, each metric perhaps beside its rank.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use csv::{ReaderBuilder, StringRecord};
use molar_domain::metric::Metric;

/// Columns that are about the whole row.
const TEAM: &str = "team";
const MEAN_RANK: &str = "mean_rank";
const FINAL_RANK: &str = "final_rank";
const RANK: &str = "_rank";

/// How the challenge of 2024 wrote ours.
const ALIASES: [(&str, &str); 1] = [("gpu_memory_area_mb_s", "gpu_memory_area_mib_s")];

/// What is better in columns that the platform does not know, by their names.
#[derive(Debug, Default)]
pub struct Directions {
    pub higher: Vec<String>,
    pub lower: Vec<String>,
}

#[derive(Debug)]
pub struct Column {
    pub name: String,
    pub is_higher_better: bool,
    /// Unless it is one of those that the file says nothing of but its name.
    pub metric: Option<Metric>,
}

/// What somebody else computed, as they wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    pub value: f64,
    /// Digits after the point.
    pub decimals: i32,
}

#[derive(Debug)]
pub struct Row {
    pub team: String,
    /// In the order of the metrics; an empty cell is missing.
    pub values: Vec<Option<f64>>,
    /// By the column's name.
    pub published: BTreeMap<String, Published>,
}

#[derive(Debug)]
pub struct Table {
    pub metrics: Vec<Column>,
    pub rows: Vec<Row>,
}

/// What is wrong, and where. Rows are counted from 1, the heading apart.
#[derive(Debug, PartialEq)]
pub struct Complaint {
    row: Option<(usize, u64)>,
    column: Option<String>,
    what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((row, line)) = self.row {
            write!(f, "row {row} (line {line})")?;
        }
        if let Some(column) = &self.column {
            let comma = if self.row.is_some() { ", " } else { "" };
            write!(f, "{comma}column `{column}`")?;
        }
        if self.row.is_some() || self.column.is_some() {
            f.write_str(": ")?;
        }
        f.write_str(&self.what)
    }
}

/// Reads a table, or says everything that is wrong with it.
pub fn read(file: impl Read, directions: &Directions) -> Result<Table, Vec<Complaint>> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(file);
    let broken = |error: csv::Error| {
        let row = error.position().map(|at| (at.record() as usize, at.line()));
        vec![Complaint {
            row: row.filter(|(row, _)| *row > 0),
            column: None,
            what: format!("cannot be read as CSV in UTF-8: {error}"),
        }]
    };
    let header = reader.headers().map_err(broken)?;
    let names: Vec<String> = header.iter().map(name).collect();
    let mut complaints = Vec::new();
    let metrics = metrics(&names, directions, &mut complaints);
    if !complaints.is_empty() {
        return Err(complaints);
    }

    let mut rows: Vec<Row> = Vec::new();
    for (at, record) in reader.records().enumerate() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut cells = Cells {
            row: (at + 1, line),
            names: &names,
            record: &record,
            complaints: &mut complaints,
        };
        let row = cells.row(&metrics);
        if let Some(first) = rows
            .iter()
            .position(|other| other.team == row.team && !row.team.is_empty())
        {
            let what = format!("the team `{}` is already in row {}", row.team, first + 1);
            cells.complain(TEAM, what);
        }
        rows.push(row);
    }
    if rows.is_empty() {
        complaints.push(of_file("there is no row below the heading"));
    }
    if complaints.is_empty() {
        Ok(Table { metrics, rows })
    } else {
        Err(complaints)
    }
}

/// A spreadsheet begins its file with a mark of the byte order.
fn name(cell: &str) -> String {
    cell.trim_start_matches('\u{feff}').trim().to_owned()
}

fn of_file(what: impl Into<String>) -> Complaint {
    Complaint {
        row: None,
        column: None,
        what: what.into(),
    }
}

fn of_column(column: &str, what: impl Into<String>) -> Complaint {
    Complaint {
        column: Some(column.to_owned()),
        ..of_file(what)
    }
}

/// The columns that hold values, in the file's order.
fn metrics(
    names: &[String],
    directions: &Directions,
    complaints: &mut Vec<Complaint>,
) -> Vec<Column> {
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() {
            complaints.push(of_file(format!("column {} has no name", at + 1)));
        } else if names[..at].contains(name) {
            complaints.push(of_column(name, "is there twice"));
        }
    }
    if !names.iter().any(|name| name == TEAM) {
        complaints.push(of_file(format!(
            "there is no column `{TEAM}`; columns are separated by commas"
        )));
    }
    let is_value = |name: &&String| ![TEAM, MEAN_RANK, FINAL_RANK, ""].contains(&name.as_str());
    let (ranks, values): (Vec<_>, Vec<_>) = names
        .iter()
        .filter(is_value)
        .partition(|n| n.ends_with(RANK));
    for rank in ranks {
        let of = rank.strip_suffix(RANK).unwrap_or(rank);
        if !values.iter().any(|value| *value == of) {
            complaints.push(of_column(
                rank,
                format!("ranks by `{of}`, but there is no such column"),
            ));
        }
    }
    for named in directions.higher.iter().chain(&directions.lower) {
        if !values.contains(&named) {
            complaints.push(of_column(
                named,
                "is named by --higher or --lower, but there is no such metric",
            ));
        }
    }
    if values.is_empty() {
        complaints.push(of_file("there is no column of values"));
    }
    values
        .iter()
        .filter_map(|name| column(name, directions, complaints))
        .collect()
}

fn column(name: &str, directions: &Directions, complaints: &mut Vec<Complaint>) -> Option<Column> {
    let alias = ALIASES.iter().find(|(other, _)| *other == name);
    let metric = alias.map_or(name, |(_, ours)| ours).parse::<Metric>().ok();
    let is_named = |names: &[String]| names.iter().any(|other| other == name);
    let is_higher_better = match (is_named(&directions.higher), is_named(&directions.lower)) {
        (true, false) => true,
        (false, true) => false,
        (true, true) => {
            complaints.push(of_column(name, "cannot be both --higher and --lower"));
            return None;
        }
        (false, false) => match &metric {
            Some(metric) => metric.is_higher_better(),
            None => {
                let what = format!(
                    "is no metric that Molar knows; say what is better: --higher '{name}' or --lower '{name}'"
                );
                complaints.push(of_column(name, what));
                return None;
            }
        },
    };
    Some(Column {
        name: name.to_owned(),
        is_higher_better,
        metric,
    })
}

struct Cells<'a> {
    row: (usize, u64),
    names: &'a [String],
    record: &'a StringRecord,
    complaints: &'a mut Vec<Complaint>,
}

impl Cells<'_> {
    fn row(&mut self, metrics: &[Column]) -> Row {
        if self.record.len() != self.names.len() {
            let what = format!(
                "has {} cells, the heading {}",
                self.record.len(),
                self.names.len()
            );
            self.complaints.push(Complaint {
                row: Some(self.row),
                ..of_file(what)
            });
        }
        let team = self.cell(TEAM).to_owned();
        if team.is_empty() {
            self.complain(TEAM, "has no name");
        } else if team.chars().any(char::is_control) {
            self.complain(TEAM, "has a control character in its name");
        }
        let values = metrics
            .iter()
            .map(|metric| self.value(&metric.name))
            .collect();
        let is_rank = |name: &&String| name.ends_with(RANK);
        let ranks = self.names.iter().filter(is_rank);
        let published = ranks
            .filter_map(|name| Some((name.clone(), self.rank(name)?)))
            .collect();
        Row {
            team,
            values,
            published,
        }
    }

    /// Without the space around it; a cell that the row lacks is empty.
    fn cell(&self, column: &str) -> &str {
        let at = self.names.iter().position(|name| name == column);
        at.and_then(|at| self.record.get(at)).unwrap_or("").trim()
    }

    fn value(&mut self, column: &str) -> Option<f64> {
        let cell = self.cell(column).to_owned();
        if cell.is_empty() {
            return None;
        }
        match cell.parse::<f64>() {
            Ok(value) if value.is_finite() => Some(value),
            _ => {
                self.complain(column, format!("`{cell}` is no number; write it like 0.88, or leave the cell empty if it was not measured"));
                None
            }
        }
    }

    fn rank(&mut self, column: &str) -> Option<Published> {
        let cell = self.cell(column).to_owned();
        let value = self.value(column)?;
        if value < 1.0 {
            self.complain(column, format!("`{cell}` is no rank; the best is 1"));
            return None;
        }
        let decimals = cell
            .split_once('.')
            .map_or(0, |(_, digits)| digits.len() as i32);
        Some(Published { value, decimals })
    }

    fn complain(&mut self, column: &str, what: impl Into<String>) {
        self.complaints.push(Complaint {
            row: Some(self.row),
            column: Some(column.to_owned()),
            what: what.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str) -> Vec<String> {
        let found = read(text.as_bytes(), &Directions::default()).unwrap_err();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_table_of_a_spreadsheet_is_read_with_names_in_any_script() {
        let long = "x".repeat(200);
        let text = format!("\u{feff}team, IA ,IA_rank\r\n\"<b>שן, 🦷</b>\",0.5,2\r\n{long},,3\r\n");
        let table = read(text.as_bytes(), &Directions::default()).unwrap();
        let teams: Vec<_> = table.rows.iter().map(|row| row.team.as_str()).collect();
        assert_eq!(teams, ["<b>שן, 🦷</b>", &long]);
        assert_eq!(table.rows[0].values, [Some(0.5)]);
        assert_eq!(table.rows[1].values, [None]);
        assert_eq!(table.rows[0].published["IA_rank"].value, 2.0);
    }

    #[test]
    fn every_bad_cell_is_named_by_row_and_column() {
        let text =
            "team,IA,IA_rank,final_rank\nA,\"0,88\",1,1\n,0.5,0,x\nA,NaN,inf,2\nB\u{7},0.5,1,1\n";
        assert_eq!(
            complaints(text),
            [
                "row 1 (line 2), column `IA`: `0,88` is no number; write it like 0.88, or leave the cell empty if it was not measured",
                "row 2 (line 3), column `team`: has no name",
                "row 2 (line 3), column `IA_rank`: `0` is no rank; the best is 1",
                "row 2 (line 3), column `final_rank`: `x` is no number; write it like 0.88, or leave the cell empty if it was not measured",
                "row 3 (line 4), column `IA`: `NaN` is no number; write it like 0.88, or leave the cell empty if it was not measured",
                "row 3 (line 4), column `IA_rank`: `inf` is no number; write it like 0.88, or leave the cell empty if it was not measured",
                "row 3 (line 4), column `team`: the team `A` is already in row 1",
                "row 4 (line 5), column `team`: has a control character in its name",
            ]
        );
    }

    #[test]
    fn rows_that_are_longer_or_shorter_than_the_heading_are_named() {
        assert_eq!(
            complaints("team,IA\nA,0.5,7\nB\n"),
            [
                "row 1 (line 2): has 3 cells, the heading 2",
                "row 2 (line 3): has 1 cells, the heading 2",
            ]
        );
    }

    #[test]
    fn a_heading_that_makes_no_board_is_refused() {
        assert_eq!(
            complaints("name;IA\nA;0.5\n"),
            [
                "there is no column `team`; columns are separated by commas",
                "column `name;IA`: is no metric that Molar knows; say what is better: --higher 'name;IA' or --lower 'name;IA'",
            ]
        );
        assert_eq!(
            complaints("team,IA,IA,,far_rank\n"),
            [
                "column `IA`: is there twice",
                "column 4 has no name",
                "column `far_rank`: ranks by `far`, but there is no such column",
            ]
        );
        assert_eq!(
            complaints("team,mean_rank\nA,1\n"),
            ["there is no column of values"]
        );
        assert_eq!(
            complaints("team,IA\n"),
            ["there is no row below the heading"]
        );
        assert_eq!(complaints("").len(), 2);
    }

    #[test]
    fn bytes_that_are_no_text_are_told_by_their_line() {
        let found = read(
            b"team,IA\nA,0.5\n\xff,0.4\n".as_slice(),
            &Directions::default(),
        )
        .unwrap_err();
        assert!(
            found[0]
                .to_string()
                .starts_with("row 2 (line 3): cannot be read"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn who_knows_better_says_which_end_is_the_good_one() {
        let directions = Directions {
            higher: vec!["points".to_owned()],
            lower: vec!["IA".to_owned()],
        };
        let table = read("team,points,IA\nA,1,2\n".as_bytes(), &directions).unwrap();
        let found: Vec<_> = table
            .metrics
            .iter()
            .map(|metric| metric.is_higher_better)
            .collect();
        assert_eq!(found, [true, false]);
        let unused = read("team,IA\nA,1\n".as_bytes(), &directions).unwrap_err();
        assert!(
            unused[0]
                .to_string()
                .contains("`points`: is named by --higher"),
            "{}",
            unused[0]
        );
    }
}
