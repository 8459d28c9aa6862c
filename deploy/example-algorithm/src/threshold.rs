//! Thresholds from histograms, and box filters.

const BINS: usize = 96;

/// The highest of the thresholds that part the values into `classes` (2 to 4) classes, chosen so that
/// the variance between the classes is largest (Otsu 1979, Liao 2001).
pub fn highest_otsu(values: impl Iterator<Item = f32> + Clone, classes: usize) -> f32 {
    let (low, high) = values
        .clone()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
    if low >= high {
        return high;
    }
    let width = (high - low) / BINS as f32;
    let mut histogram = [0f64; BINS];
    for value in values {
        histogram[(((value - low) / width) as usize).min(BINS - 1)] += 1.0;
    }
    low + width * best_cut(&histogram, classes) as f32
}

/// The bin at which the uppermost class begins.
fn best_cut(histogram: &[f64; BINS], classes: usize) -> usize {
    let mut count = [0f64; BINS + 1];
    let mut sum = [0f64; BINS + 1];
    for bin in 0..BINS {
        count[bin + 1] = count[bin] + histogram[bin];
        sum[bin + 1] = sum[bin] + histogram[bin] * bin as f64;
    }
    let between = |from: usize, to: usize| {
        let (n, s) = (count[to] - count[from], sum[to] - sum[from]);
        if n > 0.0 { s * s / n } else { 0.0 }
    };
    // best[k][end]: the best partition of the bins before `end` into k + 1 classes, and its last cut.
    let mut best: Vec<(f64, usize)> = (0..=BINS).map(|end| (between(0, end), 0)).collect();
    for _ in 1..classes {
        best = (0..=BINS)
            .map(|end| {
                (0..=end)
                    .map(|cut| (best[cut].0 + between(cut, end), cut))
                    .fold((f64::NEG_INFINITY, 0), |a, b| if b.0 > a.0 { b } else { a })
            })
            .collect();
    }
    best[BINS].1
}

/// Mean over a window of `2 · radius + 1` along one axis of a grid, edges repeated.
pub fn box_filter(values: &mut [f32], length: usize, stride: usize, radius: usize) {
    if radius == 0 || length < 2 {
        return;
    }
    let mut line = vec![0f32; length];
    let mut prefix = vec![0f64; length + 1];
    for block in values.chunks_exact_mut(length * stride) {
        for offset in 0..stride {
            for (at, value) in line.iter_mut().enumerate() {
                *value = block[offset + at * stride];
                prefix[at + 1] = prefix[at] + f64::from(*value);
            }
            for at in 0..length {
                let (from, to) = (at.saturating_sub(radius), (at + radius + 1).min(length));
                let mean = (prefix[to] - prefix[from]) / (to - from) as f64;
                block[offset + at * stride] = mean as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_threshold_parts_the_brightest_class() {
        let values = [10.0f32, 12.0, 100.0, 104.0, 200.0, 205.0];
        let cut = highest_otsu(values.iter().copied(), 3);
        assert!((105.0..=200.0).contains(&cut), "{cut}");
    }

    #[test]
    fn a_box_filter_keeps_what_is_constant() {
        let mut values = vec![3.0f32; 24];
        box_filter(&mut values, 4, 6, 2);
        assert!(values.iter().all(|&value| value == 3.0));
    }
}
