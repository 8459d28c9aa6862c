//! The board as one caller sees it.

use chrono::{DateTime, Utc};
use molar_domain::metric::Metric;
use molar_domain::phase::PhaseState;
use molar_web_kit::{Caller, Kit};
use serde::Deserialize;
use uuid::Uuid;

use super::shown::{Reader, numbers};
use super::sight::Sight;
use super::view::{BaselineRow, Board, Column};
use super::{gains, movement, pseudonym};
use crate::error::Error;
use crate::rows::phases::{self, Phase};
use crate::rows::rankings::{self, Ranking};
use crate::rows::{disqualified, intervals};

/// What may be asked of a board.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Shows the board as it was at this moment, by what may be seen of it now. Where names or values are not shown, as
    /// it was when that day began.
    pub at: Option<DateTime<Utc>>,
    /// Name of a baseline: each row says how far it is ahead.
    pub baseline: Option<String>,
}

impl Asked {
    pub fn at(moment: DateTime<Utc>) -> Self {
        Self {
            at: Some(moment),
            baseline: None,
        }
    }
}

/// The board as `caller` may see it, now or as it was at a past moment.
///
/// Of a board that is hidden from the caller nothing is read but the phase: no value, no count and no time of an entry
/// can be told.
pub async fn see(
    kit: &Kit,
    phase: &Phase,
    caller: Option<&Caller>,
    asked: &Asked,
) -> Result<Board, Error> {
    let now = kit.clock.now();
    let sight = Sight::of(&kit.db, phase, caller, now, asked.at).await?;
    let state = phases::state(&kit.db, phase, now).await?;
    let mut board = empty(phase, sight, state)?;
    if board.hidden.is_some() {
        return Ok(board);
    }
    let ranking = rankings::at(&kit.db, phase.id, board.sight.moment).await?;
    match ranking {
        Some(ranking) => fill(&mut board, kit, phase, caller, ranking).await?,
        None if asked.at.is_some_and(|at| at < now) => return Err(Error::NothingStood),
        None => {}
    }
    if board.sight.has_names() {
        board.disqualified = disqualified::list(&kit.db, phase.id.0, phase.track_id).await?;
    }
    if board.sight.has_values() {
        board.baselines = baselines(kit, phase).await?;
    }
    if let Some(name) = &asked.baseline {
        let found = board.baselines.iter().find(|one| &one.team == name);
        gains::add(&mut board.rows, found.ok_or(Error::NotFound("baseline"))?);
        board.baseline = Some(name.clone());
    }
    Ok(board)
}

fn empty(phase: &Phase, sight: Sight, state: PhaseState) -> Result<Board, Error> {
    Ok(Board {
        phase_id: phase.id.0,
        challenge: phase.challenge_slug.clone(),
        track: phase.track_slug.clone(),
        phase: phase.slug.clone(),
        title: format!("{}: {}", phase.track_title, phase.title),
        state,
        is_preliminary: !matches!(state, PhaseState::Closed | PhaseState::Published),
        note: phase.challenge_note.clone(),
        hidden: sight.hidden,
        rules: phase.board,
        frozen_at: sight.frozen_at,
        device_class: phase.device_class.clone(),
        machines: Vec::new(),
        metrics: columns(phase)?,
        left_out: Vec::new(),
        rows: Vec::new(),
        baselines: Vec::new(),
        baseline: None,
        disqualified: Vec::new(),
        as_of: sight.moment.filter(|_| sight.hidden.is_none()),
        version: None,
        made_at: None,
        intervals: None,
        sight,
    })
}

async fn fill(
    board: &mut Board,
    kit: &Kit,
    phase: &Phase,
    caller: Option<&Caller>,
    ranking: Ranking,
) -> Result<(), Error> {
    let as_of = board.sight.moment.unwrap_or_else(|| kit.clock.now());
    let day_before = board.sight.day_before(phase, as_of);
    let before = movement::before(&kit.db, phase, &ranking, day_before).await?;
    let entries = rankings::entries(&kit.db, ranking.id).await?;
    let found = match board.sight.has_cases() {
        true => intervals::newest(&kit.db, phase.id, ranking.version).await?,
        false => None,
    };
    let reader = Reader {
        sight: &board.sight,
        caller,
        metrics: &phase.metrics,
        before: before.as_ref(),
        pseudonym: &|team: Uuid| pseudonym::of(kit, phase.id, team),
    };
    board.rows = reader.rows(entries);
    board.left_out = ranking.left_out;
    board.machines = ranking.machines;
    if board.sight.has_details() {
        board.version = Some(ranking.version);
        board.made_at = Some(ranking.created_at);
    }
    if let Some(found) = found {
        board.set_intervals(&found);
    }
    Ok(())
}

async fn baselines(kit: &Kit, phase: &Phase) -> Result<Vec<BaselineRow>, Error> {
    let baselines = rankings::baselines(&kit.db, phase.id).await?;
    let rows = baselines.into_iter().map(|baseline| BaselineRow {
        team: baseline.name,
        note: baseline.note,
        values: numbers(&baseline.values),
    });
    Ok(rows.collect())
}

fn columns(phase: &Phase) -> Result<Vec<Column>, Error> {
    let column = |name: &String| {
        let metric: Metric = name.parse()?;
        Ok(Column {
            name: name.clone(),
            title: metric.title(),
            is_higher_better: metric.is_higher_better(),
            unit: metric.unit(),
        })
    };
    phase.metrics.iter().map(column).collect()
}
