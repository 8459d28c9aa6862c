//! Whose history, and by what: from the address, or the first team by the first metric.

use serde::Deserialize;

use crate::boards::{Board, Column, Row};
use crate::chosen::{self, Wrong};

const NOT_TOLD: &str = "This board does not show names and values exactly, or only large steps of them, so it does not tell the history of a team.";

/// As it was typed.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub team: String,
    #[serde(default)]
    pub metric: String,
}

impl Asked {
    /// By a query, in which neither has to be.
    pub fn of(team: Option<String>, metric: Option<String>) -> Self {
        Self {
            team: team.unwrap_or_default(),
            metric: metric.unwrap_or_default(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    pub row: &'a Row,
    pub metric: &'a Column,
}

/// Why this caller is told no history here, whatever is asked for.
pub fn closed(board: &Board) -> Option<&'static str> {
    let is_told = board.sight.has_cases();
    board.hidden.or((!is_told).then_some(NOT_TOLD))
}

/// Of a board that is not [`closed`]; none where nobody is on it.
pub fn choose<'a>(asked: &Asked, board: &'a Board) -> Result<Option<Choice<'a>>, Wrong> {
    let first = board.told_rows().next();
    let Some(first) = first.filter(|_| !board.metrics.is_empty()) else {
        return Ok(None);
    };
    Ok(Some(Choice {
        row: chosen::team(board, &asked.team)?.unwrap_or(first),
        metric: chosen::metric(board, &asked.metric)?,
    }))
}
