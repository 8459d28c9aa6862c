//! What has changed of the boards that somebody follows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use molar_domain::PhaseId;
use molar_web_kit::live::HIDDEN;
use molar_web_kit::{Caller, Kit};

use super::{Boards, Eyes, Seen, number};
use crate::boards::{Asked, Sight, see};
use crate::error::Error;
use crate::rows::phases::{self, Phase};

/// Looks at each board once for each kind of caller who follows it, however many they are.
///
/// One that fails is told and does not keep the others from their turn.
pub async fn all(kit: &Kit, boards: &Boards) -> Result<(), Error> {
    let mut first_failure = None;
    let mut look = Look {
        kit,
        phases: HashMap::new(),
        numbers: HashMap::new(),
    };
    for (seen, caller) in boards.followed.list() {
        let number = match look.at(&seen, caller.as_ref()).await {
            Ok(number) => Some(number),
            // There is no such board for them any more.
            Err(Error::Database(sqlx::Error::RowNotFound)) => None,
            Err(error) => {
                tracing::error!(phase.id = %seen.phase, error = &error as &dyn std::error::Error, "no look at a board");
                first_failure.get_or_insert(error);
                continue;
            }
        };
        boards.followed.tell(&seen, number);
    }
    first_failure.map_or(Ok(()), Err)
}

struct Look<'a> {
    kit: &'a Kit,
    phases: HashMap<PhaseId, Phase>,
    /// Of what is shown, by whether it is to a reviewer.
    numbers: HashMap<(PhaseId, bool), u64>,
}

impl Look<'_> {
    async fn at(&mut self, seen: &Seen, caller: Option<&Caller>) -> Result<u64, Error> {
        let kit = self.kit;
        let phase = match self.phases.entry(seen.phase) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(phases::find(&kit.db, seen.phase).await?),
        };
        // One of them stands for all; of the public nobody does.
        let caller = caller.filter(|_| seen.by != Eyes::Public);
        let sight = Sight::of(&kit.db, phase, caller, kit.clock.now(), None).await?;
        if sight.hidden.is_some() {
            return Ok(HIDDEN);
        }
        // Each team of a board that is for teams sees the same, but for its own row.
        let key = (seen.phase, sight.is_reviewer);
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        let board = see(kit, phase, caller, &Asked::default()).await?;
        let number = number(kit, &board);
        self.numbers.insert(key, number);
        Ok(number)
    }
}
