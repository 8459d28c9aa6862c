//! What a board that anybody may ask for stands on now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use molar_domain::PhaseId;
use molar_domain::phase::PhaseState;
use molar_web_kit::Kit;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::boards::Sight;
use crate::error::Error;
use crate::rows::phases::{self, Phase};
use crate::rows::stamps;

/// Which board: by its id or by its address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Which {
    Id(PhaseId),
    /// Challenge, track and phase.
    Path(String, String, String),
}

impl Which {
    pub async fn find(&self, db: &PgPool) -> Result<Phase, Error> {
        let id = match self {
            Self::Id(id) => Some(*id),
            Self::Path(challenge, track, phase) => {
                phases::id_at(db, challenge, track, phase).await?
            }
        };
        phases::find(db, id.ok_or(sqlx::Error::RowNotFound)?).await
    }
}

pub struct Standing {
    pub phase: Phase,
    /// Of all that decides what is shown to whoever is not signed in.
    pub stamp: [u8; 32],
}

/// Of phases that have ended: whether work of theirs was left.
#[derive(Default)]
pub struct States(Mutex<HashMap<PhaseId, (Instant, PhaseState)>>);

/// Asking which of fifty thousand submissions is not done takes longer than all else; the word "closing" on a page may
/// be so old.
const STATE_COUNTS_FOR: Duration = Duration::from_secs(1);

/// Sight is decided here, for each look, as it is for every other answer.
///
/// None where the board hides something: that is made anew for each request, for the time that an answer takes would
/// tell when something has changed behind it.
pub async fn look(
    kit: &Kit,
    which: &Which,
    states: &States,
) -> Result<Option<Arc<Standing>>, Error> {
    let now = kit.clock.now();
    let phase = which.find(&kit.db).await?;
    let sight = Sight::of(&kit.db, &phase, None, now, None).await?;
    if sight.hidden.is_some() || !sight.has_details() {
        return Ok(None);
    }
    let state = match now >= phase.window.closes_at {
        true => states.of(kit, &phase).await?,
        false => phase.window.state(now, false),
    };
    let stamp = stamps::find(&kit.db, &phase, now, sight.moment).await?;
    let said = format!("{phase:?}\0{sight:?}\0{state:?}\0{stamp:?}");
    Ok(Some(Arc::new(Standing {
        stamp: Sha256::digest(said).into(),
        phase,
    })))
}

impl States {
    async fn of(&self, kit: &Kit, phase: &Phase) -> Result<PhaseState, Error> {
        let known = || {
            let states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            states.get(&phase.id).copied()
        };
        let begun = Instant::now();
        match known() {
            // When the last work ends is told at once.
            Some((at, state)) if state != PhaseState::Closing && begun - at < STATE_COUNTS_FOR => {
                Ok(state)
            }
            _ => {
                let state = phases::state(&kit.db, phase, kit.clock.now()).await?;
                let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                states.insert(phase.id, (begun, state));
                Ok(state)
            }
        }
    }
}
