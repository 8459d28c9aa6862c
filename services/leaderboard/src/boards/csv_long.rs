//! A board as a table with a line for each team and metric.

use super::csv_cells::{text, unarmed};
use super::view::{Board, Row};

/// What the board does not show has no line and no column.
pub fn table(board: &Board, details: bool) -> csv::Result<Vec<u8>> {
    let has_gain = board.baseline.is_some();
    let has_spreads = details && board.sight.has_spreads();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["team", "metric", "value", "rank"].into_iter();
    let gain = ["gain_pp"].into_iter().filter(|_| has_gain);
    let spread = ["sd", "iqr"].into_iter().filter(|_| has_spreads);
    writer.write_record(head.chain(gain).chain(spread))?;
    for row in &board.rows {
        for metric in board.shown_metrics() {
            writer.write_record(line(row, &metric.name, has_gain, has_spreads))?;
        }
        let width = 4 + usize::from(has_gain) + 2 * usize::from(has_spreads);
        let mut plain = |name: &str, value: String| {
            let mut cells = vec![unarmed(&row.team), name.to_owned(), value];
            cells.resize(width, String::new());
            writer.write_record(cells)
        };
        if board.sight.has_details() {
            plain("mean_rank", text(row.mean_rank))?;
        }
        plain("final_rank", text(row.rank))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn line(row: &Row, metric: &str, has_gain: bool, has_spreads: bool) -> Vec<String> {
    let spread = row.spreads.get(metric);
    let mut cells = vec![
        unarmed(&row.team),
        metric.to_owned(),
        text(row.values.get(metric).copied().flatten()),
        text(row.ranks.get(metric).copied().flatten()),
    ];
    if has_gain {
        cells.push(text(row.gains.get(metric)));
    }
    if has_spreads {
        cells.push(text(spread.map(|spread| spread.sd)));
        cells.push(text(spread.map(|spread| spread.iqr())));
    }
    cells
}
