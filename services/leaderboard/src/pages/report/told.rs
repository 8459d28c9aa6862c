//! What a report tells beside the board.

use molar_web_kit::Kit;

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
}

impl Told {
    pub async fn read(
        kit: &Kit,
        phase: &Phase,
        board: &Board,
        statistics: Option<Made>,
    ) -> Result<Self, Error> {
        let (db, id) = (&kit.db, phase.id);
        let now = kit.clock.now();
        Ok(Self {
            definition: reports::definition(db, id).await?,
            splits: reports::splits(db, phase.track_id).await?,
            scorers: match board.version {
                Some(version) => reports::scorers(db, id, version).await?,
                None => Vec::new(),
            },
            agreements: reports::agreements(db, phase.challenge_id.0, now).await?,
            statistics,
        })
    }
}
