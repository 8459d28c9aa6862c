//! What a caller may see of a team's history: what they may see of the board, and no more.

use molar_domain::metric::Metric;
use molar_web_kit::Kit;
use serde::Serialize;
use tokio::sync::Semaphore;

use super::choice::{Asked, Choice, choose, closed};
use super::rows;
use super::steps::{self, MOST, Step};
use crate::boards::Board;
use crate::chosen::Wrong;
use crate::error::Error;
use crate::rows::phases::Phase;

/// Each reads as many rows as the board has versions, for whoever asks: more at once would take the database from the others.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Of one team.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TeamHistory {
    pub team: String,
    /// By which its values are.
    pub metric: String,
    /// The last of the ranking that it is told of.
    pub version: i32,
    /// How often rank or value became another, the first time included. `steps` are 500 of these at most: the first, the
    /// last and changes of the rank before others.
    pub changes: usize,
    /// In the order of time.
    pub steps: Vec<Step>,
}

pub enum Seen {
    /// From this caller, and why.
    Hidden(&'static str),
    Nobody,
    Wrong(Wrong),
    Told(TeamHistory),
}

/// `board` is what the caller sees of it. Where that hides it nothing else is read, and what was asked for decides nothing.
pub async fn see(kit: &Kit, phase: &Phase, board: &Board, asked: &Asked) -> Result<Seen, Error> {
    if let Some(why) = closed(board) {
        return Ok(Seen::Hidden(why));
    }
    Ok(match choose(asked, board) {
        Ok(Some(choice)) => Seen::Told(read(kit, phase, board, &choice).await?),
        Ok(None) => Seen::Nobody,
        Err(wrong) => Seen::Wrong(wrong),
    })
}

async fn read(
    kit: &Kit,
    phase: &Phase,
    board: &Board,
    choice: &Choice<'_>,
) -> Result<TeamHistory, Error> {
    let version = board.version.ok_or(Error::NotFound("ranking"))?;
    let name = &choice.metric.name;
    let metric: Metric = name.parse()?;
    // The semaphore is never closed.
    let turn = TURNS.acquire().await;
    let rows = rows::changes(&kit.db, phase.id, version, choice.row.team_id, name).await?;
    drop(turn);
    let steps = steps::told(rows, &metric, board.sight.is_reviewer);
    Ok(TeamHistory {
        team: choice.row.team.clone(),
        metric: name.clone(),
        version,
        changes: steps.len(),
        steps: steps::thinned(steps, MOST),
    })
}
