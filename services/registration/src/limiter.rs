//! Slows guessing of passwords and flooding with mails: by account, whoever asks, and by address,
//! whichever account.
//!
//! Kept in the database, so that it holds for several processes and over a restart; of account and
//! address only a keyed hash.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::HttpRequest;
use chrono::{DateTime, TimeDelta, Utc};
use molar_web_kit::Kit;
use sqlx::PgExecutor;

use crate::{Error, keyed};

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    SignIn,
    /// Asking for a mail to an address that anybody can type.
    Mail,
}

/// How a door treats one kind of key.
struct Rule {
    label: &'static str,
    /// Tries that cost nothing: people mistype.
    free: u32,
    /// The first wait; it doubles up to the longest.
    first_wait_s: i64,
    longest_wait_s: i64,
}

impl Door {
    /// For the account, and for the address, which may be that of a whole lab.
    fn rules(self) -> [Rule; 2] {
        let rule = |label, free, first_wait_s, longest_wait_s| Rule {
            label,
            free,
            first_wait_s,
            longest_wait_s,
        };
        match self {
            Self::SignIn => [
                rule("sign-in account", 5, 1, 15 * 60),
                rule("sign-in address", 50, 1, 15 * 60),
            ],
            Self::Mail => [
                rule("mail account", 3, 60, 3600),
                rule("mail address", 20, 60, 3600),
            ],
        }
    }
}

/// After how long the tries of a key are forgotten.
const MEMORY: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, Clone, Copy)]
struct Tries {
    count: u32,
    last: DateTime<Utc>,
}

/// Counts a try as failed before it is looked at, so that many at once do not slip by. One that is
/// answered with a wait does not count.
pub async fn attempt(kit: &Kit, door: Door, account: &str, address: &str) -> Result<(), Error> {
    let now = kit.clock.now();
    let rules = door.rules();
    let keys = keys(kit, &rules, account, address);
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();

    let mut tx = kit.db.begin().await?;
    // In one order everywhere: two tries cannot wait for each other.
    sqlx::query!(
        "INSERT INTO registration.tries (key, count, last_at)
         SELECT key, 0, $2 FROM unnest($1::bytea[]) AS key ON CONFLICT DO NOTHING",
        &sorted,
        now,
    )
    .execute(&mut *tx)
    .await?;
    let rows = sqlx::query!(
        "SELECT key, count, last_at FROM registration.tries
         WHERE key = ANY($1) ORDER BY key FOR UPDATE",
        &sorted,
    )
    .fetch_all(&mut *tx)
    .await?;
    let tries_of = |key: &Vec<u8>| {
        let row = rows.iter().find(|row| row.key == *key)?;
        Some(Tries {
            count: u32::try_from(row.count).unwrap_or(0),
            last: row.last_at,
        })
    };
    let waits = rules.iter().zip(&keys).map(|(rule, key)| {
        let tries = tries_of(key);
        tries.map_or(0, |tries| wait_s(rule, tries, now))
    });
    let wait = waits.max().unwrap_or(0);
    if wait > 0 {
        return Err(Error::TooManyAttempts {
            retry_after_s: wait,
        });
    }
    sqlx::query!(
        "UPDATE registration.tries
         SET count = CASE WHEN last_at < $3 THEN 1 ELSE count + 1 END, last_at = $2
         WHERE key = ANY($1)",
        &sorted,
        now,
        now - MEMORY,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The try was right: the account starts afresh, the address gets this one back.
pub async fn forgive(kit: &Kit, door: Door, account: &str, address: &str) -> sqlx::Result<()> {
    let [account, address] = keys(kit, &door.rules(), account, address);
    sqlx::query!(
        "UPDATE registration.tries SET count = greatest(0, CASE WHEN key = $1 THEN 0 ELSE count - 1 END)
         WHERE key = ANY($2)",
        account,
        &[account.clone(), address],
    )
    .execute(&kit.db)
    .await?;
    Ok(())
}

/// What is forgotten slows nobody any more.
pub async fn forget(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM registration.tries WHERE last_at < $1",
        now - MEMORY
    )
    .execute(db)
    .await?;
    Ok(())
}

fn keys(kit: &Kit, rules: &[Rule; 2], account: &str, address: &str) -> [Vec<u8>; 2] {
    let key = |rule: &Rule, of: &str| keyed::digest(kit, rule.label, of.as_bytes()).to_vec();
    [key(&rules[0], account), key(&rules[1], address)]
}

/// 1 s, 2 s, 4 s … up to the longest, from the first try that is not free.
fn wait_s(rule: &Rule, tries: Tries, now: DateTime<Utc>) -> u64 {
    if now - tries.last > MEMORY {
        return 0;
    }
    let Some(beyond) = tries.count.checked_sub(rule.free) else {
        return 0;
    };
    let wait = (rule.first_wait_s << beyond.min(30)).min(rule.longest_wait_s);
    let left = tries.last + TimeDelta::seconds(wait) - now;
    u64::try_from((left.num_milliseconds() + 999) / 1000).unwrap_or(0)
}

/// Where a request comes from. Of an address of IPv6 the network, since whoever has one address there
/// has all of it.
pub fn address_of(kit: &Kit, request: &HttpRequest) -> String {
    network(kit.address_of(request))
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            format!("{}/64", Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use molar_domain::MockClock;
    use molar_service::Role;
    use molar_web_kit::testing::{kit, noon};
    use sqlx::PgPool;

    use super::*;

    /// Each has a connection to the same database, as two processes have.
    fn two_processes(pool: &PgPool) -> ([Kit; 2], MockClock) {
        let clock = MockClock::at(noon());
        let one = || Kit::clone(&kit(Role::Registration, pool.clone(), clock.clone()));
        ([one(), one()], clock)
    }

    async fn wait(kit: &Kit, account: &str, address: &str) -> u64 {
        match attempt(kit, Door::SignIn, account, address).await {
            Ok(()) => 0,
            Err(Error::TooManyAttempts { retry_after_s }) => retry_after_s,
            Err(error) => panic!("{error}"),
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn one_account_is_slowed_from_many_addresses_in_all_processes(pool: PgPool) {
        let (kits, clock) = two_processes(&pool);
        let mut address = 0;
        let mut from_elsewhere = || {
            address += 1;
            format!("10.0.0.{address}")
        };
        for turn in 0..5 {
            assert_eq!(wait(&kits[turn % 2], "ada", &from_elsewhere()).await, 0);
        }
        for expected in [1, 2, 4, 8] {
            assert_eq!(wait(&kits[1], "ada", &from_elsewhere()).await, expected);
            let expected = i64::try_from(expected).unwrap();
            clock.advance(TimeDelta::milliseconds(expected * 1000 - 1));
            assert_eq!(wait(&kits[0], "ada", &from_elsewhere()).await, 1);
            clock.advance(TimeDelta::milliseconds(1));
            assert_eq!(wait(&kits[0], "ada", &from_elsewhere()).await, 0);
        }
        assert_eq!(wait(&kits[0], "grace", "10.0.0.1").await, 0);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn one_address_is_slowed_over_many_accounts_in_all_processes(pool: PgPool) {
        let (kits, _) = two_processes(&pool);
        for turn in 0..50 {
            let account = format!("person {turn}");
            assert_eq!(wait(&kits[turn % 2], &account, "10.0.0.1").await, 0);
        }
        assert_eq!(wait(&kits[0], "one more", "10.0.0.1").await, 1);
        assert_eq!(wait(&kits[1], "one more", "10.0.0.2").await, 0);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_right_password_is_forgiven_and_time_heals(pool: PgPool) {
        let ([kit, _], clock) = two_processes(&pool);
        for _ in 0..60 {
            assert_eq!(wait(&kit, "ada", "10.0.0.1").await, 0);
            forgive(&kit, Door::SignIn, "ada", "10.0.0.1")
                .await
                .unwrap();
        }
        for _ in 0..5 {
            assert_eq!(wait(&kit, "ada", "10.0.0.1").await, 0);
        }
        assert_eq!(wait(&kit, "ada", "10.0.0.1").await, 1);
        clock.advance(TimeDelta::minutes(61));
        assert_eq!(wait(&kit, "ada", "10.0.0.1").await, 0);
        assert_eq!(wait(&kit, "ada", "10.0.0.1").await, 0);
        forget(&pool, noon() + TimeDelta::days(1)).await.unwrap();
        let left = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM registration.tries"#);
        assert_eq!(left.fetch_one(&pool).await.unwrap(), 0);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn many_tries_at_once_do_not_slip_by(pool: PgPool) {
        let (kits, _) = two_processes(&pool);
        let tries = (0..20).map(|turn| wait(&kits[turn % 2], "ada", "10.0.0.1"));
        let waits = futures_util::future::join_all(tries).await;
        assert_eq!(waits.iter().filter(|wait| **wait == 0).count(), 5);
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let [account, _] = Door::SignIn.rules();
        let wait = |count| {
            let tries = Tries {
                count,
                last: noon(),
            };
            wait_s(&account, tries, noon())
        };
        assert_eq!([4, 5, 6, 7, 14, 15].map(wait), [0, 1, 2, 4, 512, 900]);
        assert_eq!(wait(u32::MAX), 900);
    }

    #[test]
    fn of_ipv6_a_network_is_one_address() {
        let one = network("2001:db8:1:2:3::4".parse().unwrap());
        assert_eq!(one, "2001:db8:1:2::/64");
        assert_eq!(one, network("2001:db8:1:2:ffff::1".parse().unwrap()));
        assert_eq!(network("::ffff:1.2.3.4".parse().unwrap()), "1.2.3.4");
    }
}
