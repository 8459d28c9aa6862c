//! What a report tells beside the board.

use molar_web_kit::Kit;

use crate::archive::Edition;
use crate::boards::Board;
use crate::error::Error;
use crate::rows::phases::Phase;
use crate::rows::reports;
use crate::statistics::Made;

pub struct Told {
    pub definition: reports::Definition,
    pub splits: Vec<reports::Split>,
    pub scorers: Vec<reports::Scorer>,
    pub agreements: Vec<reports::Agreement>,
    pub statistics: Option<Made>,
    /// What this reader gets of it, where they may have it.
    pub archive: Option<Edition>,
}

impl Told {
    pub async fn read(
        kit: &Kit,
        phase: &Phase,
        board: &Board,
        statistics: Option<Made>,
    ) -> Result<Self, Error> {
        let (db, id) = (&kit.db, phase.id);
        Ok(Self {
            definition: reports::definition(db, id).await?,
            splits: reports::splits(db, phase.track_id).await?,
            scorers: match board.version {
                Some(version) => reports::scorers(db, id, version).await?,
                None => Vec::new(),
            },
            // Up to what is shown: who signs after a board has stood still hands in, too.
            agreements: match board.made_at {
                Some(until) => reports::agreements(db, phase.challenge_id.0, until).await?,
                None => Vec::new(),
            },
            statistics,
            archive: match has_archive(phase, board) {
                true => Some(Edition::find(db, phase, board).await?),
                false => None,
            },
        })
    }
}

fn has_archive(phase: &Phase, board: &Board) -> bool {
    !board.is_preliminary
        && board.version.is_some()
        && (board.sight.is_reviewer || phase.window.is_published)
}
