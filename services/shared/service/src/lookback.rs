//! How far back a round looks at rows that only ever become more.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

const ALL_EVERY: TimeDelta = TimeDelta::minutes(10);

/// Longer than full looks are apart, clocks of roles differ or a transaction takes.
const NEW_FOR: TimeDelta = TimeDelta::hours(1);

/// After a full look that failed somewhere: one row that always fails must not make every look a full one.
const AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Lets a round cost what is new and not what is there.
///
/// The first look of a process is at everything, and from then on one every ten minutes; all others are at what is
/// newer than an hour. The rows are the truth: what a narrow look cannot see, such as what was put right by hand
/// long after it came, the next full one finds.
#[derive(Debug, Clone, Default)]
pub struct Lookback(Arc<Mutex<Option<Full>>>);

/// The last look at everything, and how long it is enough for.
#[derive(Debug, Clone, Copy)]
struct Full {
    began_at: DateTime<Utc>,
    counts_for: TimeDelta,
}

impl Lookback {
    /// What is newer is what a look that begins now is for. None: everything.
    pub fn since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let full = (*self.lock())?;
        // A clock may be put back.
        let is_narrow = (TimeDelta::zero()..full.counts_for).contains(&(now - full.began_at));
        is_narrow.then(|| now - NEW_FOR)
    }

    /// The look that began then is done: everywhere, or with something left that failed. One that broke off before it
    /// had found anything is not told here, and is for as much the next time.
    pub fn ended(&self, began_at: DateTime<Utc>, is_good: bool) {
        if self.since(began_at).is_none() {
            let counts_for = if is_good { ALL_EVERY } else { AGAIN_AFTER };
            *self.lock() = Some(Full {
                began_at,
                counts_for,
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Full>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came and has not ended. A narrow look finds those that came lately; here they are kept until they end, however
/// long that takes.
#[derive(Debug, Clone, Default)]
pub struct Pending {
    lookback: Lookback,
    ids: Arc<Mutex<BTreeSet<Uuid>>>,
}

impl Pending {
    /// What has not ended, in the order in which it came: `find` finds what is newer than it is asked for. From then on
    /// it is remembered, whatever fails with it.
    pub async fn look<E>(
        &self,
        now: DateTime<Utc>,
        find: impl AsyncFnOnce(Option<DateTime<Utc>>) -> Result<Vec<Uuid>, E>,
    ) -> Result<Vec<Uuid>, E> {
        let since = self.lookback.since(now);
        let found = find(since).await?;
        self.lookback.ended(now, true);
        let mut ids = self.lock();
        if since.is_none() {
            // Another process may have ended some.
            ids.clear();
        }
        ids.extend(found);
        Ok(ids.iter().copied().collect())
    }

    pub fn remove(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Uuid>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(number)
    }

    #[test]
    fn the_first_look_is_at_everything_and_one_every_ten_minutes_from_then_on() {
        let lookback = Lookback::default();
        for start in [0, 10] {
            assert_eq!(lookback.since(minute(start)), None);
            lookback.clone().ended(minute(start), true);
            for later in [start, start + 1, start + 9] {
                assert_eq!(lookback.since(minute(later)), Some(minute(later - 60)));
                // Of a narrow look nothing follows for the next full one.
                lookback.ended(minute(later), true);
            }
        }
    }

    #[test]
    fn a_full_look_that_fails_is_done_again_and_not_at_once() {
        let lookback = Lookback::default();
        assert_eq!(lookback.since(minute(0)), None, "it broke off");
        assert_eq!(lookback.since(minute(0)), None);
        lookback.ended(minute(0), false);
        assert_eq!(lookback.since(minute(0)), Some(minute(-60)));
        assert_eq!(lookback.since(minute(1)), None);
        lookback.ended(minute(1), true);
        assert_eq!(lookback.since(minute(10)), Some(minute(-50)));
        assert_eq!(lookback.since(minute(11)), None);
    }

    #[tokio::test]
    async fn what_has_not_ended_is_looked_at_until_it_has() {
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let pending = Pending::default();
        let look = async |at: i64, found: Result<Vec<Uuid>, ()>| {
            pending.clone().look(minute(at), async |_| found).await
        };
        assert_eq!(look(0, Err(())).await, Err(()));
        assert_eq!(look(0, Ok(vec![two])).await, Ok(vec![two]));
        assert_eq!(look(1, Ok(vec![one])).await, Ok(vec![one, two]));
        pending.remove(two);
        assert_eq!(look(2, Ok(vec![])).await, Ok(vec![one]));
        assert_eq!(
            look(10, Ok(vec![three])).await,
            Ok(vec![three]),
            "all there is"
        );
    }

    #[test]
    fn a_clock_that_is_put_back_keeps_nobody_from_a_full_look() {
        let lookback = Lookback::default();
        lookback.ended(minute(100), true);
        assert_eq!(lookback.since(minute(50)), None);
        lookback.ended(minute(50), true);
        assert_eq!(lookback.since(minute(51)), Some(minute(-9)));
    }
}
