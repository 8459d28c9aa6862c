//! What a caller may see of the figures: what they may see of the board, and no more.

use std::collections::BTreeSet;

use molar_web_kit::{Caller, Kit};

use super::rows::{self, Drawing};
use crate::boards::{self, Asked, Board};
use crate::error::Error;
use crate::rows::phases::Phase;

pub struct Seen {
    /// What this caller sees of the board.
    pub board: Board,
    /// Of the version that they see, or of an earlier one that they could see; none where it is hidden, or not drawn yet.
    pub drawing: Option<Drawing>,
}

impl Seen {
    /// Whether the figures are of the version that the board shows; newer ones are drawn at most once a minute.
    pub fn is_current(&self) -> bool {
        let version = self.drawing.as_ref().map(|drawing| drawing.version);
        version == self.board.version
    }
}

/// The newest figures of a version whose board shows this caller every name that is drawn.
///
/// A board that is hidden, or that does not show names and values to the last step, has none.
pub async fn see(kit: &Kit, phase: &Phase, caller: Option<&Caller>) -> Result<Seen, Error> {
    let board = boards::see(kit, phase, caller, &Asked::default()).await?;
    let mut seen = Seen {
        board,
        drawing: None,
    };
    let (None, true, Some(version)) = (
        seen.board.hidden,
        seen.board.sight.has_cases(),
        seen.board.version,
    ) else {
        return Ok(seen);
    };
    let Some(drawing) = rows::newest(&kit.db, phase.id, version).await? else {
        return Ok(seen);
    };
    let is_shown = if drawing.version == version {
        shows(&seen.board, &drawing)
    } else if seen.board.frozen_at.is_some() {
        false
    } else {
        let then = boards::see(kit, phase, caller, &Asked::at(drawing.ranked_at)).await?;
        shows(&then, &drawing)
    };
    seen.drawing = is_shown.then_some(drawing);
    Ok(seen)
}

/// Of that version, and with every name that is drawn: a team may have been renamed or taken off since.
fn shows(board: &Board, drawing: &Drawing) -> bool {
    let names: BTreeSet<&String> = board.rows.iter().map(|row| &row.team).collect();
    board.hidden.is_none()
        && board.sight.has_cases()
        && board.version == Some(drawing.version)
        && drawing.names.iter().all(|name| names.contains(name))
}
