//! The curves of one run as they are stored: columns, rounded, as gzipped JSON.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

/// An hour at 0.1 s; of a longer run fewer values are kept, each the largest of its stretch.
pub const MOST_VALUES: usize = 36_000;
/// What `MOST_VALUES` come to, with room to spare, packed and as JSON.
pub const MOST_PACKED_BYTES: u64 = 2 << 20;
const MOST_JSON_BYTES: u64 = 8 << 20;

/// A column is empty where nothing was measured, and as long as `t_ms` elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Where the last value ends.
    pub wall_ms: u64,
    /// Since the container was started.
    pub t_ms: Vec<u64>,
    /// Since the value before; 100 is one core.
    pub cpu_percent: Vec<f64>,
    pub memory_mib: Vec<f64>,
    /// Null where the driver did not answer.
    pub gpu_used_mib: Vec<Option<f64>>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not the gzipped JSON of a series")]
    Unreadable(#[from] std::io::Error),
    #[error("columns of different lengths")]
    Uneven,
}

impl Series {
    pub fn pack(&self) -> Result<Vec<u8>, Error> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        serde_json::to_writer(&mut gzip, &self.rounded()).map_err(std::io::Error::from)?;
        gzip.flush()?;
        Ok(gzip.finish()?)
    }

    /// Of whoever wrote it: neither its length nor its columns are trusted.
    pub fn unpack(packed: &[u8]) -> Result<Self, Error> {
        let mut json = Vec::new();
        GzDecoder::new(packed)
            .take(MOST_JSON_BYTES)
            .read_to_end(&mut json)?;
        let series: Self = serde_json::from_slice(&json).map_err(std::io::Error::from)?;
        let lengths = [
            series.cpu_percent.len(),
            series.memory_mib.len(),
            series.gpu_used_mib.len(),
        ];
        let is_even = lengths.iter().all(|&n| n == 0 || n == series.t_ms.len());
        is_even.then_some(series).ok_or(Error::Uneven)
    }

    /// At most `most` values, each the largest of its stretch, so that no peak is lost.
    pub fn thinned(&self, most: usize) -> Self {
        let stretch = self.t_ms.len().div_ceil(most.max(1)).max(1);
        let largest = |column: &[f64]| {
            let stretches = column.chunks(stretch);
            stretches
                .map(|values| values.iter().copied().fold(f64::MIN, f64::max))
                .collect()
        };
        let gpu = self.gpu_used_mib.chunks(stretch).map(|values| {
            let known = values.iter().copied().flatten();
            known.reduce(f64::max)
        });
        Self {
            wall_ms: self.wall_ms,
            t_ms: self.t_ms.iter().copied().step_by(stretch).collect(),
            cpu_percent: largest(&self.cpu_percent),
            memory_mib: largest(&self.memory_mib),
            gpu_used_mib: gpu.collect(),
        }
    }

    fn rounded(&self) -> Self {
        let tenths = |value: f64| (value * 10.0).round() / 10.0;
        let mut kept = self.thinned(MOST_VALUES);
        let gpu = kept.gpu_used_mib.iter_mut().flatten();
        for value in kept
            .cpu_percent
            .iter_mut()
            .chain(&mut kept.memory_mib)
            .chain(gpu)
        {
            *value = tenths(*value);
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: usize) -> Series {
        // Noise of a fixed seed: what gzip likes least.
        let mut seed = 1_u64;
        let mut noise = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as f64 / 997.0
        };
        Series {
            wall_ms: values as u64 * 100,
            t_ms: (1..=values as u64).map(|n| n * 100).collect(),
            cpu_percent: (0..values).map(|_| noise() / 100.0).collect(),
            memory_mib: (0..values).map(|_| noise()).collect(),
            gpu_used_mib: (0..values).map(|n| (n != 2).then(&mut noise)).collect(),
        }
    }

    #[test]
    fn what_is_packed_is_read_again_to_a_tenth() {
        let made = series(300);
        let read = Series::unpack(&made.pack().unwrap()).unwrap();
        assert_eq!(read.t_ms, made.t_ms);
        assert_eq!(read.gpu_used_mib[2], None);
        for (is, was) in read.memory_mib.iter().zip(&made.memory_mib) {
            assert!((is - was).abs() <= 0.05 + 1e-9, "{is} of {was}");
        }
    }

    #[test]
    fn an_hour_of_noise_is_within_the_bound_and_a_day_is_no_longer() {
        let hour = series(MOST_VALUES).pack().unwrap();
        assert!((hour.len() as u64) < MOST_PACKED_BYTES, "{}", hour.len());
        let day = Series::unpack(&series(24 * MOST_VALUES).pack().unwrap()).unwrap();
        assert_eq!(day.t_ms.len(), MOST_VALUES);
        assert_eq!(day.wall_ms, 86_400_000);
    }

    #[test]
    fn thinning_keeps_the_peak() {
        let mut made = series(9000);
        made.memory_mib[4321] = 1e6;
        made.gpu_used_mib[77] = Some(2e6);
        let thin = made.thinned(500);
        assert_eq!((thin.t_ms.len(), thin.memory_mib.len()), (500, 500));
        assert_eq!(thin.memory_mib[4321 / 18], 1e6);
        assert_eq!(thin.gpu_used_mib[77 / 18], Some(2e6));
        assert_eq!(made.thinned(10_000), made);
    }

    #[test]
    fn what_is_no_series_is_refused() {
        let packed = |json: &[u8]| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(json).unwrap();
            gzip.finish().unwrap()
        };
        let uneven =
            br#"{"wall_ms":1,"t_ms":[1,2],"cpu_percent":[],"memory_mib":[1.0],"gpu_used_mib":[]}"#;
        let read = Series::unpack(&packed(uneven));
        assert!(matches!(read, Err(Error::Uneven)), "{read:?}");
        let bomb = packed(&vec![b' '; 100 << 20]);
        for bytes in [&b"{}"[..], &packed(b"{}"), &bomb] {
            let read = Series::unpack(bytes);
            assert!(matches!(read, Err(Error::Unreadable(_))));
        }
    }
}
