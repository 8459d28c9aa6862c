//! A board as it is shown in a terminal.

use molar_domain::printable::printable;
use serde_json::{Value, json};

use super::text;

/// The board as a table, one line a team.
pub fn show(board: &Value) {
    let empty = Vec::new();
    let metrics = board["metrics"].as_array().unwrap_or(&empty);
    let rows = board["rows"].as_array().unwrap_or(&empty);
    if !text(board, "note").is_empty() {
        say!("{}", printable(text(board, "note")));
    }
    if !text(board, "hidden").is_empty() {
        say!("{}", printable(text(board, "hidden")));
    }
    if rows.is_empty() {
        say!("Nobody is on this board yet.");
        return;
    }
    // A board may show ranks alone.
    let has_values = rows.iter().any(|row| row["values"] != json!({}));
    let metrics = if has_values { metrics } else { &empty };
    let mut table = super::table();
    let numbers = metrics.iter().map(heading).chain(["mean\nrank".to_owned()]);
    let words = ["rank", "team"].map(str::to_owned);
    table.set_header(words.into_iter().chain(numbers));
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
        column.set_padding((0, 1));
    }
    let baselines = board["baselines"].as_array().unwrap_or(&empty);
    for row in rows.iter().chain(baselines) {
        let rank = row["rank"]
            .as_u64()
            .map_or("–".to_owned(), |rank| rank.to_string());
        let cells = metrics.iter().map(|metric| cell(row, metric));
        let mean = row["mean_rank"]
            .as_f64()
            .map_or(String::new(), |mean| format!("{mean:.2}"));
        let words = [rank, printable(text(row, "team"))];
        table.add_row(words.into_iter().chain(cells).chain([mean]));
    }
    say!("{table}");
    let left_out = board["left_out"].as_array().unwrap_or(&empty);
    let titles: Vec<_> = metrics
        .iter()
        .filter(|metric| left_out.contains(&metric["name"]))
        .map(|metric| printable(text(metric, "title")))
        .collect();
    if !titles.is_empty() {
        let titles = titles.join(", ");
        say!("Not measured here and left out of the mean rank: {titles}");
    }
}

/// In two lines, so that nine metrics stand side by side: `DSC (instance)` over `instance`.
fn heading(metric: &Value) -> String {
    let title = printable(text(metric, "title"));
    let (name, of) = match title.split_once(" (") {
        Some((name, of)) => (name, of.trim_end_matches(')')),
        None => (title.as_str(), text(metric, "unit")),
    };
    format!("{name}\n{of}").trim_end().to_owned()
}

/// A value with its rank. Those with a unit are large; the others lie between 0 and 1.
fn cell(row: &Value, metric: &Value) -> String {
    let name = text(metric, "name");
    let Some(value) = row["values"][name].as_f64() else {
        return "–".to_owned();
    };
    let decimals = if metric["unit"].is_null() { 3 } else { 2 };
    let value = format!("{value:.decimals$}");
    match row["ranks"][name].as_u64() {
        Some(rank) => format!("{value} ({rank})"),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{cell, heading};

    #[test]
    fn a_column_is_as_narrow_as_its_numbers() {
        let dsc = json!({"name": "instance_DSC", "title": "DSC (instance)", "unit": null});
        let time = json!({"name": "running_time_s", "title": "Time", "unit": "s"});
        assert_eq!(heading(&dsc), "DSC\ninstance");
        assert_eq!(heading(&time), "Time\ns");
        let forged = json!({"title": "a\u{1b}]0;b\u{7}\u{202e}", "unit": null});
        assert_eq!(heading(&forged), "a␛]0;b␇\u{fffd}");
        let row = json!({
            "values": {"instance_DSC": 0.747_93, "running_time_s": 0.659_7},
            "ranks": {"instance_DSC": 1},
        });
        assert_eq!(cell(&row, &dsc), "0.748 (1)");
        assert_eq!(cell(&row, &time), "0.66");
        assert_eq!(cell(&json!({}), &time), "–");
    }
}
