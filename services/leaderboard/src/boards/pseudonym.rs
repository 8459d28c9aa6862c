//! Under what name a team stands on an anonymous board.

use hmac::{Hmac, KeyInit, Mac};
use molar_domain::PhaseId;
use molar_web_kit::Kit;
use secrecy::ExposeSecret;
use sha2::Sha256;
use uuid::Uuid;

/// No vowels, so that no word comes out.
const LETTERS: &[u8; 28] = b"23456789BCDFGHJKLMNPQRSTVWXZ";

/// The same for a team in each answer about a phase, and another in every other phase.
///
/// Ids are made from the time: anything that could be counted back to one would tell who registered when. Only holders
/// of the roles' key can go from a team to its name, and nobody back; 48 bits keep 1,000 teams apart.
pub fn of(kit: &Kit, phase: PhaseId, team: Uuid) -> String {
    // Unwrap safety: HMAC takes a key of any length.
    #[expect(clippy::unwrap_used, reason = "see above")]
    let mut mac = Hmac::<Sha256>::new_from_slice(kit.csrf_key.expose_secret().as_bytes()).unwrap();
    mac.update(b"pseudonym on a board\0");
    mac.update(phase.0.as_bytes());
    mac.update(team.as_bytes());
    let digest = mac.finalize().into_bytes();
    let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
    let letters: String = digest.iter().take(10).map(letter).collect();
    format!("Team {}-{}", &letters[..5], &letters[5..])
}

#[cfg(test)]
mod tests {
    use molar_domain::MockClock;
    use molar_service::Role;
    use molar_testkit::noon;
    use molar_web_kit::testing;
    use sqlx::PgPool;

    use super::*;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn it_is_stable_in_a_phase_another_in_the_next_and_in_no_order(db: PgPool) {
        let kit = testing::kit(Role::Leaderboard, db, MockClock::at(noon()));
        let (phase, next) = (PhaseId(Uuid::from_u128(1)), PhaseId(Uuid::from_u128(2)));
        let teams: Vec<_> = (1..200).map(Uuid::from_u128).collect();
        let names = |phase| teams.iter().map(move |team| of(&kit, phase, *team));
        let first: Vec<_> = names.clone()(phase).collect();
        assert_eq!(first, names.clone()(phase).collect::<Vec<_>>());
        let both: std::collections::BTreeSet<_> =
            first.iter().cloned().chain(names(next)).collect();
        assert_eq!(both.len(), 2 * teams.len());
        let risen = first.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((60..140).contains(&risen), "{risen} of 198 rise");
    }
}
