//! A board as a table with a line for each team and metric.

use super::csv_cells::{text, unarmed};
use super::csv_details::{self, Detail};
use super::shown::of_cases;
use super::view::{BaselineRow, Board, Row};

const HEAD: [&str; 9] = [
    "team",
    "metric",
    "value",
    "rank",
    "gain_pp",
    "sd",
    "iqr",
    "text",
    "is_baseline",
];

#[derive(Default)]
struct Line {
    team: String,
    metric: String,
    /// A number or nothing.
    value: String,
    rank: String,
    gain_pp: String,
    sd: String,
    iqr: String,
    text: String,
    is_baseline: bool,
}

/// What the board does not show has no line and no column.
pub fn table(board: &Board, details: bool) -> csv::Result<Vec<u8>> {
    let columns = columns(board, details);
    let told = match details {
        true => csv_details::of(board),
        false => Vec::new(),
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(picked(HEAD, columns))?;
    for line in board
        .rows
        .iter()
        .flat_map(|row| of_entry(board, row, &told))
    {
        writer.write_record(picked(line.cells(), columns))?;
    }
    let baselines = board.baselines.iter().filter(|_| details);
    for line in baselines.flat_map(|one| of_baseline(board, one)) {
        writer.write_record(picked(line.cells(), columns))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// Which of [`HEAD`] there are.
fn columns(board: &Board, details: bool) -> [bool; 9] {
    let has_gain = board.baseline.is_some();
    let has_spreads = details && board.sight.has_spreads();
    let has_baselines = details && board.sight.has_values();
    [
        true,
        true,
        true,
        true,
        has_gain,
        has_spreads,
        has_spreads,
        details,
        has_baselines,
    ]
}

fn picked<T>(cells: [T; 9], columns: [bool; 9]) -> impl Iterator<Item = T> {
    let cells = cells.into_iter().zip(columns);
    cells.filter_map(|(cell, is_there)| is_there.then_some(cell))
}

fn of_entry(board: &Board, row: &Row, details: &[Detail]) -> Vec<Line> {
    let plain = |metric: &str, value: String| Line {
        value,
        ..Line::of(&row.team, metric)
    };
    let metrics = board.shown_metrics().iter();
    let mut lines: Vec<Line> = metrics
        .map(|metric| of_metric(board, row, &metric.name))
        .collect();
    if board.sight.has_details() {
        lines.push(plain("mean_rank", text(row.mean_rank)));
    }
    lines.push(plain("final_rank", text(row.rank)));
    lines.extend(details.iter().map(|detail| {
        let told = (detail.cell)(row);
        match detail.is_number {
            true => plain(detail.name, told),
            false => Line {
                text: told,
                ..Line::of(&row.team, detail.name)
            },
        }
    }));
    lines
}

fn of_metric(board: &Board, row: &Row, metric: &str) -> Line {
    let spread = row.spreads.get(metric);
    let iqr = spread.map(|spread| of_cases(&board.sight, metric, spread.iqr()));
    Line {
        value: text(row.values.get(metric).copied().flatten()),
        rank: text(row.ranks.get(metric).copied().flatten()),
        gain_pp: text(row.gains.get(metric)),
        sd: text(spread.map(|spread| spread.sd)),
        iqr: text(iqr),
        ..Line::of(&row.team, metric)
    }
}

fn of_baseline(board: &Board, baseline: &BaselineRow) -> Vec<Line> {
    let line = |metric: &str| Line {
        is_baseline: true,
        ..Line::of(&baseline.team, metric)
    };
    let metrics = board.shown_metrics().iter();
    let values = metrics.map(|metric| Line {
        value: text(baseline.values.get(&metric.name).copied().flatten()),
        ..line(&metric.name)
    });
    let note = baseline.note.as_ref().map(|note| Line {
        text: unarmed(note),
        ..line("note")
    });
    values.chain(note).collect()
}

impl Line {
    fn of(team: &str, metric: &str) -> Self {
        Self {
            team: unarmed(team),
            metric: metric.to_owned(),
            ..Self::default()
        }
    }

    /// In the order of [`HEAD`].
    fn cells(self) -> [String; 9] {
        [
            self.team,
            self.metric,
            self.value,
            self.rank,
            self.gain_pp,
            self.sd,
            self.iqr,
            self.text,
            self.is_baseline.to_string(),
        ]
    }
}
