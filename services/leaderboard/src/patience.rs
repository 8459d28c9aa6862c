//! What fails is not tried again at once, and keeps nothing else from its turn.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::PhaseId;

const FIRST: TimeDelta = TimeDelta::minutes(1);
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// Of each phase whose work has failed until when it waits; each failure after the first doubles that.
#[derive(Debug, Default)]
pub struct Patience(Mutex<BTreeMap<PhaseId, Pause>>);

#[derive(Debug, Clone, Copy)]
struct Pause {
    until: DateTime<Utc>,
    lasts: TimeDelta,
}

impl Patience {
    fn pauses(&self) -> MutexGuard<'_, BTreeMap<PhaseId, Pause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_over(&self, phase: PhaseId, now: DateTime<Utc>) -> bool {
        self.pauses()
            .get(&phase)
            .is_none_or(|pause| pause.until <= now)
    }

    pub fn note<T, E>(&self, phase: PhaseId, now: DateTime<Utc>, outcome: &Result<T, E>) {
        let mut pauses = self.pauses();
        if outcome.is_ok() {
            pauses.remove(&phase);
            return;
        }
        let before = pauses.get(&phase);
        let lasts = before.map_or(FIRST, |pause| (pause.lasts * 2).min(LONGEST));
        let until = now + lasts;
        pauses.insert(phase, Pause { until, lasts });
    }
}

#[cfg(test)]
mod tests {
    use molar_testkit::noon;

    use super::*;

    #[test]
    fn what_fails_again_and_again_waits_longer_and_longer_up_to_an_hour() {
        let (patience, phase) = (Patience::default(), PhaseId::at(noon()));
        let mut now = noon();
        let mut waits = Vec::new();
        for _ in 0..8 {
            assert!(patience.is_over(phase, now));
            patience.note(phase, now, &Err::<(), _>("broken"));
            let wait = (1..=60).find(|n| patience.is_over(phase, now + TimeDelta::minutes(*n)));
            waits.push(wait.unwrap());
            now += TimeDelta::minutes(wait.unwrap());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        patience.note(phase, now, &Ok::<_, &str>(()));
        patience.note(phase, now, &Err::<(), _>("broken"));
        assert!(patience.is_over(phase, now + FIRST));
        assert!(patience.is_over(PhaseId::at(noon() + FIRST), now));
    }
}
