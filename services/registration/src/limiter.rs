//! Slows guessing of passwords, flooding with mails and making accounts: by what is tried from one network, by the
//! network, whatever it tries, and by the account, whoever asks.
//!
//! Kept in the database, so that it holds for several processes and over a restart; of account and
//! address only a keyed hash.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::HttpRequest;
use chrono::{DateTime, TimeDelta, Utc};
use molar_web_kit::Kit;
use sqlx::PgPool;

use crate::{Error, keyed};

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    SignIn,
    /// Telling a password, or a link's secret, beside another proof: strangers cannot come this far.
    Password,
    /// Asking for a mail to an address that anybody can type.
    Mail,
    /// Making an account: work for the hash, and a mail to an address that anybody can type.
    Register,
}

/// What the tries of a rule have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Account,
    Address,
    /// This account from this address.
    Both,
}

/// How a door treats one kind of key.
struct Rule {
    label: &'static str,
    of: Of,
    /// Tries that cost nothing: people mistype.
    free: u32,
    /// The first wait; it doubles up to the longest.
    first_wait_s: i64,
    longest_wait_s: i64,
}

const fn rule(
    label: &'static str,
    of: Of,
    free: u32,
    first_wait_s: i64,
    longest_wait_s: i64,
) -> Rule {
    Rule {
        label,
        of,
        free,
        first_wait_s,
        longest_wait_s,
    }
}

impl Door {
    /// An address may be that of a whole lab, or of a summer school.
    const fn rules(self) -> &'static [Rule] {
        match self {
            // Whoever guesses from one place is slowed there, and keeps nobody out elsewhere. Many places together are
            // slowed as well, but for where the account has signed in before.
            Self::SignIn => {
                &const {
                    [
                        rule("sign-in account and address", Of::Both, 5, 1, 15 * 60),
                        rule("sign-in address", Of::Address, 50, 1, 15 * 60),
                        rule("sign-in account", Of::Account, 100, 1, 15 * 60),
                    ]
                }
            }
            Self::Password => {
                &const {
                    [
                        rule("sign-in account and address", Of::Both, 5, 1, 15 * 60),
                        rule("sign-in address", Of::Address, 50, 1, 15 * 60),
                    ]
                }
            }
            Self::Mail => {
                &const {
                    [
                        rule("mail account", Of::Account, 3, 60, 3600),
                        rule("mail address", Of::Address, 20, 60, 3600),
                    ]
                }
            }
            // A mailbox is one, whatever fills it.
            Self::Register => {
                &const {
                    [
                        rule("mail account", Of::Account, 3, 60, 3600),
                        rule("register address", Of::Address, 60, 1, 60),
                    ]
                }
            }
        }
    }

    fn keys(self, kit: &Kit, account: &str, address: &str) -> Vec<(&'static Rule, Vec<u8>)> {
        let key = |rule: &'static Rule| {
            let of = match rule.of {
                Of::Account => account.to_owned(),
                Of::Address => address.to_owned(),
                Of::Both => both(account, address),
            };
            (rule, keyed::digest(kit, rule.label, of.as_bytes()).to_vec())
        };
        self.rules().iter().map(key).collect()
    }
}

/// No account and no address has a line break.
fn both(account: &str, address: &str) -> String {
    format!("{account}\n{address}")
}

/// For how long a network from which an account signed in is known.
const KNOWN: TimeDelta = TimeDelta::days(90);

fn known_key(kit: &Kit, account: &str, address: &str) -> Vec<u8> {
    let of = both(account, address);
    keyed::digest(kit, "known network", of.as_bytes()).to_vec()
}

/// After how long the tries of a key are forgotten.
const MEMORY: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, Clone, Copy)]
struct Tries {
    count: u32,
    last: DateTime<Utc>,
}

/// What a try counts for: where an account is known it does not count among those of strangers.
async fn counted(
    kit: &Kit,
    door: Door,
    account: &str,
    address: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(&'static Rule, Vec<u8>)>, Error> {
    let mut keys = door.keys(kit, account, address);
    if door == Door::SignIn && is_known(kit, account, address, now).await? {
        keys.retain(|(rule, _)| rule.of != Of::Account);
    }
    Ok(keys)
}

/// Counts a try as failed before it is looked at, so that many at once do not slip by. One that is
/// answered with a wait does not count.
pub async fn attempt(kit: &Kit, door: Door, account: &str, address: &str) -> Result<(), Error> {
    let now = kit.clock.now();
    let keys = counted(kit, door, account, address, now).await?;
    let mut sorted: Vec<_> = keys.iter().map(|(_, key)| key.clone()).collect();
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
    let waits = keys.iter().map(|(rule, key)| {
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

/// The try was right: from here the account starts afresh and is known, others get this one back.
pub async fn forgive(kit: &Kit, door: Door, account: &str, address: &str) -> Result<(), Error> {
    let keys = counted(kit, door, account, address, kit.clock.now()).await?;
    let (own, others): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|(rule, _)| rule.of == Of::Both);
    let key = |(_, key)| key;
    let own: Vec<Vec<u8>> = own.into_iter().map(key).collect();
    let others: Vec<Vec<u8>> = others.into_iter().map(key).collect();
    sqlx::query!(
        "UPDATE registration.tries SET count = CASE WHEN key = ANY($1) THEN 0 ELSE greatest(0, count - 1) END
         WHERE key = ANY($1) OR key = ANY($2)",
        &own,
        &others,
    )
    .execute(&kit.db)
    .await?;
    if door != Door::SignIn {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO registration.known_networks (key, until) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET until = excluded.until",
        known_key(kit, account, address),
        kit.clock.now() + KNOWN,
    )
    .execute(&kit.db)
    .await?;
    Ok(())
}

async fn is_known(
    kit: &Kit,
    account: &str,
    address: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM registration.known_networks WHERE key = $1 AND until > $2) AS "is!""#,
        known_key(kit, account, address),
        now,
    )
    .fetch_one(&kit.db)
    .await
}

/// What is forgotten slows nobody any more.
pub async fn forget(db: &PgPool, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM registration.tries WHERE last_at < $1",
        now - MEMORY
    )
    .execute(db)
    .await?;
    sqlx::query!(
        "DELETE FROM registration.known_networks WHERE until <= $1",
        now
    )
    .execute(db)
    .await?;
    Ok(())
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
    use molar_domain::{Clock as _, MockClock};
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
    async fn who_guesses_is_slowed_at_the_account_in_all_processes_and_keeps_nobody_else_out(
        pool: PgPool,
    ) {
        let (kits, clock) = two_processes(&pool);
        for turn in 0..5 {
            assert_eq!(wait(&kits[turn % 2], "ada", "10.0.0.1").await, 0);
        }
        for expected in [1, 2, 4, 8] {
            assert_eq!(wait(&kits[1], "ada", "10.0.0.1").await, expected);
            let expected = i64::try_from(expected).unwrap();
            clock.advance(TimeDelta::milliseconds(expected * 1000 - 1));
            assert_eq!(wait(&kits[0], "ada", "10.0.0.1").await, 1);
            clock.advance(TimeDelta::milliseconds(1));
            assert_eq!(wait(&kits[0], "ada", "10.0.0.1").await, 0);
        }
        assert_eq!(wait(&kits[0], "grace", "10.0.0.1").await, 0);
        assert_eq!(wait(&kits[0], "ada", "10.0.0.2").await, 0);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn many_places_together_are_slowed_but_not_where_the_account_signed_in_before(
        pool: PgPool,
    ) {
        let ([kit, _], clock) = two_processes(&pool);
        forgive(&kit, Door::SignIn, "ada", "10.9.9.9")
            .await
            .unwrap();
        for turn in 0..100 {
            assert_eq!(wait(&kit, "ada", &format!("10.0.1.{turn}")).await, 0);
        }
        assert_eq!(wait(&kit, "ada", "10.0.2.1").await, 1);
        assert_eq!(wait(&kit, "ada", "10.9.9.9").await, 0);
        // Signing in there again gives strangers no try back, and a password told within a session is no stranger's.
        forgive(&kit, Door::SignIn, "ada", "10.9.9.9")
            .await
            .unwrap();
        assert_eq!(wait(&kit, "ada", "10.0.2.1").await, 1);
        attempt(&kit, Door::Password, "ada", "token 1")
            .await
            .unwrap();
        forgive(&kit, Door::Password, "ada", "token 1")
            .await
            .unwrap();
        assert_eq!(known(&pool).await, 1);
        assert_eq!(wait(&kit, "ada", "10.9.9.9").await, 0);
        // Also there guessing is slowed.
        for _ in 0..4 {
            assert_eq!(wait(&kit, "ada", "10.9.9.9").await, 0);
        }
        assert_eq!(wait(&kit, "ada", "10.9.9.9").await, 1);
        clock.advance(KNOWN);
        forget(&pool, clock.now()).await.unwrap();
        assert_eq!(known(&pool).await, 0);
    }

    async fn known(pool: &PgPool) -> i64 {
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM registration.known_networks"#)
            .fetch_one(pool)
            .await
            .unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_mailbox_is_not_filled_by_accounts_and_resets_together(pool: PgPool) {
        let ([kit, _], _) = two_processes(&pool);
        for (door, place) in [(Door::Register, 1), (Door::Mail, 2), (Door::Register, 3)] {
            attempt(&kit, door, "ada", &format!("10.0.0.{place}"))
                .await
                .unwrap();
        }
        for door in [Door::Register, Door::Mail] {
            let slowed = attempt(&kit, door, "ada", "10.0.0.4").await;
            assert!(
                matches!(slowed, Err(Error::TooManyAttempts { retry_after_s: 60 })),
                "{slowed:?}"
            );
        }
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
        let account = &Door::SignIn.rules()[0];
        let wait = |count| {
            let tries = Tries {
                count,
                last: noon(),
            };
            wait_s(account, tries, noon())
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
