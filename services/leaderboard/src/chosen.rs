//! What is chosen on a board by its name: the form that asks for it, and what is wrong where the board does not have it.

use actix_web::http::StatusCode;
use askama::Template;
use molar_web_kit::names;

use crate::boards::{Board, Column, Row};
use crate::error::Error;

/// What cannot be shown, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    Team(String),
    Metric(String),
    /// One entry where it takes two.
    Itself,
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        Self::NotFound(match wrong {
            Wrong::Team(_) => "team on this board",
            Wrong::Metric(_) => "metric on this board",
            Wrong::Itself => "second team to compare with",
        })
    }
}

/// None where nothing was typed.
pub fn team<'a>(board: &'a Board, typed: &str) -> Result<Option<&'a Row>, Wrong> {
    if typed.is_empty() {
        return Ok(None);
    }
    let row = board.told_rows().find(|row| row.team == typed);
    match row {
        Some(row) => Ok(Some(row)),
        None => Err(Wrong::Team(typed.to_owned())),
    }
}

/// The first where nothing was typed.
pub fn metric<'a>(board: &'a Board, typed: &str) -> Result<&'a Column, Wrong> {
    let mut metrics = board.metrics.iter();
    let metric = match typed {
        "" => metrics.next(),
        name => metrics.find(|metric| metric.name == name),
    };
    metric.ok_or_else(|| Wrong::Metric(typed.to_owned()))
}

/// The top of a page, or all of it where that is closed.
#[derive(Template)]
#[template(path = "chosen.html")]
pub struct Form<'a> {
    /// Of the board.
    path: String,
    /// Under that path.
    page: &'static str,
    button: &'static str,
    /// In place of everything.
    pub closed: Option<&'static str>,
    pub wrong: Option<Wrong>,
    pub lists: Vec<List<'a>>,
}

impl Form<'_> {
    pub fn new(path: String, page: &'static str, button: &'static str) -> Self {
        Self {
            path,
            page,
            button,
            closed: None,
            wrong: None,
            lists: Vec::new(),
        }
    }

    pub fn status(&self) -> StatusCode {
        match self.wrong {
            Some(_) => StatusCode::NOT_FOUND,
            None => StatusCode::OK,
        }
    }
}

pub struct List<'a> {
    /// In the address.
    name: &'static str,
    label: &'static str,
    /// Which people gave, in whatever direction they write.
    has_names: bool,
    choices: Vec<Choice<'a>>,
}

struct Choice<'a> {
    /// As it is asked for.
    value: &'a str,
    /// Text alone stands in a list.
    shown: String,
    is_chosen: bool,
}

impl<'a> List<'a> {
    pub fn of_teams(
        board: &'a Board,
        (name, label): (&'static str, &'static str),
        chosen: &str,
    ) -> Self {
        let choices = board.told_rows().map(|row| Choice {
            value: &row.team,
            shown: names::plain(&row.team),
            is_chosen: row.team == chosen,
        });
        Self {
            name,
            label,
            has_names: true,
            choices: choices.collect(),
        }
    }

    pub fn of_metrics(board: &'a Board, chosen: &str) -> Self {
        let choices = board.metrics.iter().map(|metric| Choice {
            value: &metric.name,
            shown: metric.title.clone(),
            is_chosen: metric.name == chosen,
        });
        Self {
            name: "metric",
            label: "Metric",
            has_names: false,
            choices: choices.collect(),
        }
    }
}
