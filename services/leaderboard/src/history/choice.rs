//! Whose history, and by what: from the address, or the first team by the first metric.

use serde::Deserialize;

use crate::boards::{Board, Column, Row};
use crate::error::Error;

const NOT_TOLD: &str = "This board does not show names and values exactly, or only large steps of them, so it does not tell the history of a team.";

/// As it was typed.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub team: String,
    #[serde(default)]
    pub metric: String,
}

#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    pub row: &'a Row,
    pub metric: &'a Column,
}

/// What the board does not have, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    Team(String),
    Metric(String),
}

impl Wrong {
    pub fn what(&self) -> &'static str {
        match self {
            Self::Team(_) => "entry of",
            Self::Metric(_) => "metric",
        }
    }

    pub fn typed(&self) -> &str {
        match self {
            Self::Team(typed) | Self::Metric(typed) => typed,
        }
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        Self::NotFound(match wrong {
            Wrong::Team(_) => "team on this board",
            Wrong::Metric(_) => "metric on this board",
        })
    }
}

/// Why this caller is told no history here, whatever is asked for.
pub fn closed(board: &Board) -> Option<&'static str> {
    let is_told = board.sight.has_cases();
    board.hidden.or((!is_told).then_some(NOT_TOLD))
}

/// Of a board that is not [`closed`]; none where nobody is on it.
pub fn choose<'a>(asked: &Asked, board: &'a Board) -> Result<Option<Choice<'a>>, Wrong> {
    let (Some(first), Some(first_metric)) = (board.told_rows().next(), board.metrics.first())
    else {
        return Ok(None);
    };
    let row = match asked.team.as_str() {
        "" => Some(first),
        name => board.told_rows().find(|row| row.team == name),
    };
    let metric = match asked.metric.as_str() {
        "" => Some(first_metric),
        name => board.metrics.iter().find(|metric| metric.name == name),
    };
    let row = row.ok_or_else(|| Wrong::Team(asked.team.clone()))?;
    let metric = metric.ok_or_else(|| Wrong::Metric(asked.metric.clone()))?;
    Ok(Some(Choice { row, metric }))
}
