//! To how many digits is told what a container used in single hidden cases.

use molar_domain::metric::Metric;

/// Digits behind the point; none where every digit is told.
///
/// A container sees the image of a hidden case and could write it into the digits of what it uses. The quartiles of five
/// cases are two of them, so this is for whatever is made of few cases, and not for the mean of all.
pub fn decimals(metric: &Metric) -> Option<u8> {
    match metric {
        Metric::RunningTime => Some(1),
        Metric::GpuMemoryArea => Some(0),
        Metric::Accuracy(_) => None,
    }
}

/// To a tenth of a second and a whole MiB·s; what is measured on the output stays as it is.
pub fn rounded(metric: &Metric, value: f64) -> f64 {
    let Some(decimals) = decimals(metric) else {
        return value;
    };
    let by = 10_f64.powi(i32::from(decimals));
    (value * by).round() / by
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_used_is_rounded_and_what_its_output_is_worth_is_not() {
        let rounded = |name: &str| rounded(&name.parse().unwrap(), 1.2567);
        assert_eq!(rounded("running_time_s"), 1.3);
        assert_eq!(rounded("gpu_memory_area_mib_s"), 1.0);
        for name in ["IA", "image_HD95"] {
            assert_eq!(rounded(name), 1.2567, "{name}");
        }
    }
}
