//! How many requests one person, or one address of people who are not signed in, may send.
//!
//! Kept in memory, so each process counts for itself, and a restart forgives. Slowing the guesses of
//! passwords is `registration`'s; quotas of submissions are rows.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::UserId;

/// What may come at once after a pause: this many seconds' worth.
const BURST_S: i64 = 30;

/// Beyond this, callers that have been quiet are swept out.
const CALLERS: usize = 20_000;

/// Generous for people and their scripts; a page is two requests, a status once a second is one.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct RateArgs {
    /// Reading requests per second of one person, or of one address where nobody is signed in; thirty
    /// seconds' worth may come at once. 0 is no limit.
    #[arg(long, env = "MOLAR_READS_PER_S", default_value_t = 100)]
    pub reads_per_s: u32,

    /// The same for requests that change something.
    #[arg(long, env = "MOLAR_WRITES_PER_S", default_value_t = 20)]
    pub writes_per_s: u32,
}

impl Default for RateArgs {
    fn default() -> Self {
        Self {
            reads_per_s: 100,
            writes_per_s: 20,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    User(UserId),
    Address(IpAddr),
}

impl Key {
    /// Of IPv6 the network: whoever has an address there has all of them.
    pub fn address(address: IpAddr) -> Self {
        const NETWORK: u128 = !0 << 64;
        Self::Address(match address {
            IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & NETWORK).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// When each caller's bucket would be full again, by whether it reads.
pub struct Rates {
    args: RateArgs,
    full_at: Mutex<HashMap<(Key, bool), DateTime<Utc>>>,
}

impl Rates {
    pub fn new(args: RateArgs) -> Self {
        Self {
            args,
            full_at: Mutex::default(),
        }
    }

    /// Counts a request. The error is the whole seconds to wait, and such a request does not count.
    pub fn admit(&self, key: Key, is_read: bool, now: DateTime<Utc>) -> Result<(), u64> {
        let per_s = if is_read {
            self.args.reads_per_s
        } else {
            self.args.writes_per_s
        };
        if per_s == 0 {
            return Ok(());
        }
        let cost = TimeDelta::nanoseconds(1_000_000_000 / i64::from(per_s));
        let burst = TimeDelta::seconds(BURST_S);
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() > CALLERS {
            full_at.retain(|_, at| *at > now);
        }
        let at = full_at.entry((key, is_read)).or_insert(now);
        // A clock that was set back must not lock anybody out for longer than a burst.
        *at = (*at).clamp(now, now + burst);
        let next = *at + cost;
        let over = next - now - burst;
        if over > TimeDelta::zero() {
            return Err(u64::try_from(over.num_milliseconds() / 1000 + 1).unwrap_or(1));
        }
        *at = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noon;

    fn rates() -> Rates {
        Rates::new(RateArgs {
            reads_per_s: 10,
            writes_per_s: 2,
        })
    }

    fn address(last: u8) -> Key {
        Key::Address([10, 0, 0, last].into())
    }

    #[test]
    fn thirty_seconds_worth_may_come_at_once_and_then_it_trickles() {
        let (rates, mut now) = (rates(), noon());
        for _ in 0..60 {
            assert_eq!(rates.admit(address(1), false, now), Ok(()));
        }
        assert_eq!(rates.admit(address(1), false, now), Err(1));
        now += TimeDelta::milliseconds(500);
        assert_eq!(rates.admit(address(1), false, now), Ok(()));
        assert_eq!(rates.admit(address(1), false, now), Err(1));
    }

    #[test]
    fn callers_do_not_hold_each_other_up_and_reading_is_counted_apart() {
        let rates = rates();
        for _ in 0..60 {
            rates.admit(address(1), false, noon()).unwrap();
        }
        assert!(rates.admit(address(1), false, noon()).is_err());
        assert_eq!(rates.admit(address(2), false, noon()), Ok(()));
        for _ in 0..300 {
            assert_eq!(rates.admit(address(1), true, noon()), Ok(()));
        }
        assert!(rates.admit(address(1), true, noon()).is_err());
        let user = Key::User(UserId::at(noon()));
        assert_eq!(rates.admit(user, false, noon()), Ok(()));
    }

    #[test]
    fn who_waits_as_told_is_let_in() {
        let (rates, mut now) = (rates(), noon());
        let mut let_in = 0;
        while let_in < 200 {
            match rates.admit(address(1), false, now) {
                Ok(()) => let_in += 1,
                Err(wait) => {
                    now += TimeDelta::seconds(wait.try_into().unwrap());
                    assert_eq!(rates.admit(address(1), false, now), Ok(()));
                }
            }
        }
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out_and_none_is_no_limit() {
        let limited = rates();
        for _ in 0..60 {
            limited.admit(address(1), false, noon()).unwrap();
        }
        let before = noon() - TimeDelta::days(1);
        assert_eq!(limited.admit(address(1), false, before), Err(1));
        let later = before + TimeDelta::seconds(1);
        assert_eq!(limited.admit(address(1), false, later), Ok(()));
        let unlimited = Rates::new(RateArgs {
            reads_per_s: 0,
            writes_per_s: 0,
        });
        for _ in 0..10_000 {
            assert_eq!(unlimited.admit(address(1), false, noon()), Ok(()));
        }
    }

    #[test]
    fn an_ipv6_network_is_one_caller() {
        let key = |text: &str| Key::address(text.parse().unwrap());
        assert!(key("2001:db8::1") == key("2001:db8::ffff:1"));
        assert!(key("2001:db8::1") != key("2001:db8:0:1::1"));
        assert!(key("10.0.0.1") != key("10.0.0.2"));
    }

    #[test]
    fn quiet_callers_are_forgotten() {
        let rates = rates();
        for n in 0..=u32::try_from(CALLERS).unwrap() {
            let key = Key::Address(std::net::Ipv4Addr::from(n).into());
            rates.admit(key, false, noon()).unwrap();
        }
        let later = noon() + TimeDelta::minutes(1);
        rates.admit(address(1), false, later).unwrap();
        assert_eq!(rates.full_at.lock().unwrap().len(), 1);
    }
}
