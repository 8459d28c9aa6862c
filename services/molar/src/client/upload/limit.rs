//! How many bytes a second go out, over all parts together.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Bytes of a token: a rate of gigabytes is still a number of them.
const TOKEN: u64 = 1024;
/// Taken at a time.
pub const CHUNK: usize = 16 * 1024;

/// A bucket of tokens that all parts draw from.
#[derive(Debug)]
pub struct Limit(DefaultDirectRateLimiter);

impl Limit {
    pub fn per_second(bytes: u64) -> Self {
        let tokens = NonZeroU32::new(u32::try_from(bytes / TOKEN).unwrap_or(u32::MAX));
        let rate = tokens.unwrap_or(NonZeroU32::MIN);
        // What may go at once: a chunk, or a tenth of a second.
        let chunk = NonZeroU32::MIN.saturating_add((CHUNK as u64 / TOKEN) as u32 - 1);
        let burst = NonZeroU32::new(rate.get() / 10).map_or(chunk, |tenth| tenth.max(chunk));
        Self(RateLimiter::direct(
            Quota::per_second(rate).allow_burst(burst),
        ))
    }

    /// Waits until so many bytes, at most `CHUNK`, may go.
    pub async fn pass(&self, bytes: usize) {
        let tokens = u32::try_from((bytes as u64).div_ceil(TOKEN)).unwrap_or(u32::MAX);
        if let Some(tokens) = NonZeroU32::new(tokens) {
            // More than fits into the bucket would never be let through; a chunk does.
            let _ = self.0.until_n_ready(tokens).await;
        }
    }
}

/// `2M`, `500k`, `1.5G` or plain bytes, a second; units of 1024 as curl has them.
pub fn parse_rate(text: &str) -> Result<u64, String> {
    let units = [('k', 10), ('m', 20), ('g', 30)];
    let lower = text.trim().to_ascii_lowercase();
    let unit = units.iter().find(|(unit, _)| lower.ends_with(*unit));
    let number = match unit {
        Some((unit, _)) => lower.trim_end_matches(*unit),
        None => &lower,
    };
    let rate = number.parse::<f64>().map_or(0.0, |number| {
        number * f64::from(1_u32 << unit.map_or(0, |(_, bits)| *bits))
    });
    if rate.is_finite() && rate >= TOKEN as f64 {
        Ok(rate as u64)
    } else {
        Err(format!(
            "`{text}` is no rate; write 2M for two MiB a second, at least 1k"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn rates_are_read_as_curl_reads_them() {
        assert_eq!(parse_rate("2M"), Ok(2 << 20));
        assert_eq!(parse_rate("1.5k"), Ok(1536));
        assert_eq!(parse_rate("4096"), Ok(4096));
        assert_eq!(parse_rate("1G"), Ok(1 << 30));
        for wrong in ["", "fast", "-1M", "0", "1000", "1T", "nan", "inf"] {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn parts_share_one_rate() {
        let limit = Limit::per_second(1 << 20);
        let begun = Instant::now();
        let part = || async {
            for _ in 0..10 {
                limit.pass(CHUNK).await;
            }
        };
        // 480 KiB at 1 MiB a second, of which a tenth of a second's worth goes at once.
        tokio::join!(part(), part(), part());
        let took = begun.elapsed().as_secs_f64();
        assert!((0.3..3.0).contains(&took), "{took}");
    }
}
