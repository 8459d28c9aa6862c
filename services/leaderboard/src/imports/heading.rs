//! The first line: which columns there are, and which end of each is the good one.

use super::complaint::Complaint;
use super::table::{Column, Directions, FINAL_RANK, MEAN_RANK, MOST_METRICS, RANK, TEAM, metric};

/// In bytes: each row has it several times where the board is told.
const LONGEST_NAME: usize = 100;
/// What many a table calls its last column.
const PLAIN_RANK: &str = "rank";

/// A spreadsheet begins its file with a mark of the byte order.
pub fn name(cell: &str) -> String {
    cell.trim_start_matches('\u{feff}').trim().to_owned()
}

/// The columns that hold values, in the file's order.
pub fn metrics(
    names: &[String],
    directions: &Directions,
    complaints: &mut Vec<Complaint>,
) -> Vec<Column> {
    check_names(names, complaints);
    let is_value = |name: &&String| ![TEAM, MEAN_RANK, FINAL_RANK, ""].contains(&name.as_str());
    let (ranks, values): (Vec<_>, Vec<_>) = names
        .iter()
        .filter(is_value)
        .partition(|n| n.ends_with(RANK));
    for rank in ranks {
        let of = rank.strip_suffix(RANK).unwrap_or(rank);
        if !values.iter().any(|value| *value == of) {
            let what = format!("ranks by `{of}`, but there is no such column");
            complaints.push(Complaint::of_column(rank, what));
        }
    }
    for named in directions.higher.iter().chain(&directions.lower) {
        if !values.contains(&named) {
            let what = "is named by --higher or --lower, but there is no such metric";
            complaints.push(Complaint::of_column(named, what));
        }
    }
    if values.is_empty() {
        complaints.push(Complaint::of_table("there is no column of values"));
    }
    if values.len() > MOST_METRICS {
        let what = format!(
            "there are {} columns of values; {MOST_METRICS} is the most",
            values.len()
        );
        complaints.push(Complaint::of_table(what));
    }
    values
        .iter()
        .filter_map(|name| column(name, directions, complaints))
        .collect()
}

fn check_names(names: &[String], complaints: &mut Vec<Complaint>) {
    for (at, name) in names.iter().enumerate() {
        let number = at + 1;
        if name.is_empty() {
            let what = format!("column {number} has no name");
            complaints.push(Complaint::of_table(what));
        } else if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            let what = format!(
                "column {number} must have a name of at most {LONGEST_NAME} bytes of UTF-8, none of them a control character"
            );
            complaints.push(Complaint::of_table(what));
        } else if names[..at].contains(name) {
            complaints.push(Complaint::of_column(name, "is there twice"));
        }
    }
    if !names.iter().any(|name| name == TEAM) {
        let what = format!("there is no column `{TEAM}`; columns are separated by commas");
        complaints.push(Complaint::of_table(what));
    }
}

fn column(name: &str, directions: &Directions, complaints: &mut Vec<Complaint>) -> Option<Column> {
    let is_named = |names: &[String]| names.iter().any(|other| other == name);
    let is_higher_better = match (is_named(&directions.higher), is_named(&directions.lower)) {
        (true, false) => true,
        (false, true) => false,
        (true, true) => {
            let what = "cannot be both --higher and --lower";
            complaints.push(Complaint::of_column(name, what));
            return None;
        }
        (false, false) => match metric(name) {
            Some(metric) => metric.is_higher_better(),
            None => {
                complaints.push(Complaint::of_column(name, unknown(name)));
                return None;
            }
        },
    };
    Some(Column {
        name: name.to_owned(),
        is_higher_better,
    })
}

fn unknown(name: &str) -> String {
    let advice = match name {
        PLAIN_RANK => format!("if it is the final rank, call it `{FINAL_RANK}`"),
        // It would end the quotes, in which the rest could be words of a command.
        _ if name.contains('\'') => {
            "say what is better, with --higher or --lower and its name".to_owned()
        }
        _ => format!("say what is better: --higher '{name}' or --lower '{name}'"),
    };
    format!("is no metric that Molar knows; {advice}")
}
