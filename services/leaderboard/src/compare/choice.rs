//! Which two, and by what: from the address, or the first two by the first metric.

use serde::Deserialize;

use crate::boards::{Board, Column, Row};
use crate::chosen::{self, Wrong};

/// As it was typed.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub a: String,
    #[serde(default)]
    pub b: String,
    #[serde(default)]
    pub metric: String,
}

#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    pub a: &'a Row,
    pub b: &'a Row,
    pub metric: &'a Column,
}

/// Why this caller may compare nothing here, whatever is asked for.
pub fn closed(board: &Board) -> Option<&'static str> {
    let sight = &board.sight;
    if board.hidden.is_some() {
        return board.hidden;
    }
    if !sight.has_details() {
        return Some(
            "This board does not show names and values exactly, so its entries are not compared case by case.",
        );
    }
    if sight.rules.ladder_step.is_some() {
        return Some(
            "This board shows only large steps of an entry (a Ladder). The values of single cases would tell small ones, \
             so its entries are not compared case by case.",
        );
    }
    match (board.told_rows().count(), &board.metrics[..]) {
        (0, _) | (_, []) => Some("Nobody is on this board yet, so there is nothing to compare."),
        (1, _) => Some("There is one entry on this board. It takes two to compare."),
        _ => None,
    }
}

/// Of a board that is not [`closed`].
pub fn choose<'a>(asked: &Asked, board: &'a Board) -> Result<Choice<'a>, Wrong> {
    let other = |than: Option<&Row>| {
        let mut rows = board.told_rows();
        rows.find(|row| than.is_none_or(|than| than.team_id != row.team_id))
            .ok_or(Wrong::Itself)
    };
    let named = |typed: &str| chosen::team(board, typed);
    let (a, b) = (named(&asked.a)?, named(&asked.b)?);
    let a = a.map_or_else(|| other(b), Ok)?;
    let b = b.map_or_else(|| other(Some(a)), Ok)?;
    if a.team_id == b.team_id {
        return Err(Wrong::Itself);
    }
    let metric = chosen::metric(board, &asked.metric)?;
    Ok(Choice { a, b, metric })
}
