//! How exactly a team is told what its container used.
//!
//! A container sees the image of a hidden case, and could write it into the milliseconds that it takes and
//! the bytes that it holds. The scores themselves stay as they are: boards and ranks are of the exact ones.

use molar_domain::metric::Metric;
use serde_json::{Value, json};

pub fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

pub fn mib(bytes: i64) -> f64 {
    (bytes as f64 / f64::from(1 << 20)).round()
}

/// The values of a case by metric, those rounded that the container itself decides.
pub fn values(mut values: Value) -> Value {
    let mut round = |metric: Metric, rounded: fn(f64) -> f64| {
        if let Some(value) = values.get_mut(metric.to_string())
            && let Some(exact) = value.as_f64()
        {
            *value = json!(rounded(exact));
        }
    };
    round(Metric::RunningTime, tenths);
    round(Metric::GpuMemoryArea, f64::round);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_container_decides_itself_is_rounded() {
        let exact = json!({
            "IA": 0.123_456, "running_time_s": 1.251, "gpu_memory_area_mib_s": 10.6, "image_DSC": null,
        });
        let told = json!({
            "IA": 0.123_456, "running_time_s": 1.3, "gpu_memory_area_mib_s": 11.0, "image_DSC": null,
        });
        assert_eq!(values(exact), told);
        assert_eq!(
            values(json!({"running_time_s": null})),
            json!({"running_time_s": null})
        );
    }
}
