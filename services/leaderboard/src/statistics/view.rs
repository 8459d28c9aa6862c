//! What a caller may see of the statistics: what they may see of the board, under the same names, and no more.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_web_kit::{Caller, Kit};
use serde::Serialize;
use uuid::Uuid;

use super::compute::{ALPHA, LEVEL};
use super::document::{Figures, Standing};
use super::rows::{self, Basis, Stored};
use crate::boards::{self, Asked, Board};
use crate::error::Error;
use crate::rows::phases::Phase;

const NOT_TOLD: &str = "This board does not tell names and values exactly, or only large steps of them, and its statistics would tell the rest.";

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Statistics {
    pub phase_id: Uuid,
    /// Why there is nothing, where the board is hidden from this caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<&'static str>,
    /// Since when the board stands still for this caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen_at: Option<DateTime<Utc>>,
    /// Absent where it is hidden, or none were made yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Made>,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Made {
    /// Of the ranking that they are about.
    pub version: i32,
    pub as_of: DateTime<Utc>,
    /// Whether that is the version that the board shows; newer ones are made at most once a minute.
    pub is_current: bool,
    /// Of the draws: of the SHA-256 of `PHASE_ID/VERSION` the first 13 hexadecimal digits.
    pub seed: i64,
    /// How often cases were drawn, as many as there are, in the order of their names.
    pub draws: i32,
    /// What ranked, with its version.
    pub library: String,
    /// Of the intervals.
    pub level: f64,
    /// Of the tests.
    pub alpha: f64,
    /// In the order of the board.
    pub teams: Vec<TeamRow>,
    #[serde(flatten)]
    pub figures: Figures,
}

impl Made {
    pub fn basis(&self) -> Basis {
        Basis {
            undrawn: self.figures.undrawn.clone(),
            is_board_ranking: self.figures.is_board_ranking,
            left_out: self.figures.left_out.clone(),
        }
    }
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TeamRow {
    /// As on the board.
    pub team: String,
    #[serde(flatten)]
    pub standing: Standing,
}

/// The newest statistics that are of no newer version than the one that the board shows this caller.
pub async fn see(kit: &Kit, phase: &Phase, caller: Option<&Caller>) -> Result<Statistics, Error> {
    let board = boards::see(kit, phase, caller, &Asked::default()).await?;
    let mut seen = Statistics {
        phase_id: board.phase_id,
        hidden: board
            .hidden
            .or((!board.sight.has_cases()).then_some(NOT_TOLD)),
        frozen_at: board.frozen_at,
        statistics: None,
    };
    let (None, Some(version)) = (seen.hidden, board.version) else {
        return Ok(seen);
    };
    let Some(stored) = rows::newest(&kit.db, phase.id, version).await? else {
        return Ok(seen);
    };
    let is_current = stored.version == version;
    // Teams come and go from version to version.
    let board = match is_current {
        true => board,
        false => boards::see(kit, phase, caller, &Asked::at(stored.ranked_at)).await?,
    };
    if board.version == Some(stored.version) {
        seen.statistics = Some(made(stored, &board, is_current));
    }
    Ok(seen)
}

/// Only teams of which the board tells more than a rank, in the order of its rows.
fn made(stored: Stored, board: &Board, is_current: bool) -> Made {
    let document = stored.document.0;
    let places = document.places(board.told_rows().map(|row| row.team_id));
    let names = board.told_rows().map(|row| (row.team_id, &row.team));
    let names: BTreeMap<Uuid, &String> = names.collect();
    let teams = places.iter().map(|&place| &document.teams[place]);
    let teams = teams.map(|team| TeamRow {
        team: names
            .get(&team.team_id)
            .copied()
            .cloned()
            .unwrap_or_default(),
        standing: team.standing.clone(),
    });
    Made {
        version: stored.version,
        as_of: stored.computed_at,
        is_current,
        seed: stored.seed,
        draws: stored.draws,
        library: stored.library,
        level: LEVEL,
        alpha: ALPHA,
        teams: teams.collect(),
        figures: document.figures.of(&places),
    }
}
