use chrono::TimeDelta;

/// How long to leave work alone before attempt number `attempt + 1`.
///
/// 15 s, 30 s, 1 min … capped at 15 min, so that a broken node cannot burn all attempts while the
/// person on call is still reading the alert.
pub fn backoff(attempt: u32) -> TimeDelta {
    // 2^6 × 15 s is beyond the cap already.
    let doublings = attempt.saturating_sub(1).min(6);
    TimeDelta::seconds(15 << doublings).min(TimeDelta::minutes(15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let series: Vec<_> = (1..=9)
            .map(|attempt| backoff(attempt).num_seconds())
            .collect();
        assert_eq!(series, [15, 30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(backoff(0), backoff(1));
        assert_eq!(backoff(u32::MAX), TimeDelta::minutes(15));
    }
}
