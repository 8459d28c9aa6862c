//! Why no interval stands under a rank.

use molar_domain::PhaseId;
use molar_web_kit::Kit;

use crate::boards::Board;
use crate::error::Error;
use crate::statistics::{self, Basis};

const HIDDEN: &str = "Intervals of the ranks are not shown: they would tell more than this board does of names and values.";
const OF_THE_PAST: &str = "Intervals of the ranks are kept of the newest version only.";
const NOT_YET: &str = "Intervals of the ranks have not been computed for this version yet.";

/// On the page of a board. Empty where there are intervals, or nobody has a rank.
pub async fn why_none(kit: &Kit, board: &Board) -> Result<String, Error> {
    let is_ranked = board.rows.iter().any(|row| row.rank.is_some());
    if board.hidden.is_some() || board.intervals.is_some() || !is_ranked {
        return Ok(String::new());
    }
    let Some(version) = board.version.filter(|_| board.sight.has_cases()) else {
        return Ok(HIDDEN.to_owned());
    };
    let basis = statistics::basis(&kit.db, PhaseId(board.phase_id), version).await?;
    let is_past = board.as_of.is_some() && board.as_of != board.frozen_at;
    Ok(match basis {
        None if is_past => OF_THE_PAST.to_owned(),
        basis => why(board, basis.as_ref()),
    })
}

/// From the statistics of the version that is shown; none: they are not made yet. Empty where what they rank is the board, so
/// that everybody of whom more is told than a rank has an interval.
pub fn why(board: &Board, basis: Option<&Basis>) -> String {
    let Some(basis) = basis else {
        return NOT_YET.to_owned();
    };
    if basis.is_board_ranking {
        return String::new();
    }
    if let Some(undrawn) = &basis.undrawn {
        return format!("There are no intervals of the ranks: {undrawn}.");
    }
    // What does not count on the board either makes no difference.
    let missing = basis.left_out.iter();
    let missing = missing.filter(|one| !board.left_out.contains(&one.metric));
    let missing = missing.map(|one| {
        format!(
            ", without {}, since {}",
            title(board, &one.metric),
            one.reason
        )
    });
    let mut missing: String = missing.collect();
    if missing.is_empty() {
        ", since not all entries were measured on the same cases".clone_into(&mut missing);
    }
    format!(
        "There are no intervals of the ranks: those that could be drawn are of another ranking{missing}."
    )
}

fn title<'a>(board: &'a Board, metric: &'a str) -> &'a str {
    let mut columns = board.metrics.iter();
    let column = columns.find(|column| column.name == metric);
    column.map_or(metric, |column| column.title.as_str())
}
