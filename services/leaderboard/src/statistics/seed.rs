use molar_domain::PhaseId;
use sha2::{Digest, Sha256};

/// Of the draws for a version of a phase's ranking: the first 13 hexadecimal digits of the SHA-256 of
/// `PHASE_ID/VERSION`, which every reader of JSON holds without loss.
///
/// `printf '%s/%s' "$phase_id" "$version" | sha256sum | cut -c 1-13`
pub fn seed(phase_id: PhaseId, version: i32) -> u64 {
    let digest = Sha256::digest(format!("{phase_id}/{version}"));
    let first = digest.iter().take(7);
    first.fold(0, |seed, byte| (seed << 8) | u64::from(*byte)) >> 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_what_the_shell_makes_of_phase_and_version() {
        let phase: PhaseId = "0192f3a0-0000-7000-8000-000000000001".parse().unwrap();
        assert_eq!(seed(phase, 7), 0x2_0fba_0b7f_f66f);
        assert_ne!(seed(phase, 7), seed(phase, 8));
    }
}
