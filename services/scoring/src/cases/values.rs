//! Numbers of a case as the boards read them.

use molar_domain::metric::Metric;
use molar_metrics::{CaseScores, LabelScore};
use molar_volumes::Label;
use serde_json::{Map, Value, json};

use super::task::Run;

/// Values of a case that was measured.
pub fn measured(scores: &CaseScores<Label>, run: Option<&Run>) -> Value {
    values(|metric| match metric {
        Metric::ImageDsc => Some(scores.image_dsc),
        Metric::ImageIou => Some(scores.image_iou),
        Metric::ImageNsd => Some(scores.image_nsd),
        Metric::InstanceDsc => Some(scores.instance_dsc),
        Metric::InstanceIou => Some(scores.instance_iou),
        Metric::InstanceNsd => Some(scores.instance_nsd),
        Metric::IdentificationAccuracy => Some(scores.ia),
        Metric::RunningTime => run?.wall_ms.map(|ms| ms as f64 / 1000.0),
        Metric::GpuMemoryArea => run?.gpu_area_mib_s,
    })
}

/// The worst that a case can have: for one without a readable prediction.
pub fn worst(run: Option<&Run>) -> Value {
    values(|metric| match metric {
        Metric::ImageDsc
        | Metric::ImageIou
        | Metric::ImageNsd
        | Metric::InstanceDsc
        | Metric::InstanceIou
        | Metric::InstanceNsd
        | Metric::IdentificationAccuracy => Some(0.0),
        Metric::RunningTime => run.map(|run| f64::from(run.wall_limit_s)),
        Metric::GpuMemoryArea => {
            let run = run?;
            run.gpu_total_mib
                .map(|total| f64::from(run.wall_limit_s) * total)
        }
    })
}

/// What was not measured is left out.
fn values(value: impl Fn(Metric) -> Option<f64>) -> Value {
    let entry = |metric: &Metric| Some((metric.as_str().to_owned(), json!(value(*metric)?)));
    Value::Object(Metric::ALL.iter().filter_map(entry).collect::<Map<_, _>>())
}

/// The results behind the instance metrics, by label.
pub fn labels(scores: &CaseScores<Label>) -> Value {
    scores.labels.iter().map(label).collect()
}

fn label(score: &LabelScore<Label>) -> Value {
    json!({
        "label": score.label.to_string(),
        "present_in_reference": score.present_in_reference,
        "present_in_prediction": score.present_in_prediction,
        "DSC": score.dsc,
        "IoU": score.iou,
        "NSD": score.nsd,
        "is_match": score.is_match,
        "reference_voxels": score.reference_voxels,
        "prediction_voxels": score.prediction_voxels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        Run {
            wall_limit_s: 300,
            wall_ms: Some(1500),
            gpu_area_mib_s: Some(12.5),
            gpu_total_mib: Some(1000.0),
        }
    }

    fn scores() -> CaseScores<Label> {
        CaseScores {
            image_dsc: 0.1,
            image_iou: 0.2,
            image_nsd: 0.3,
            instance_dsc: 0.4,
            instance_iou: 0.5,
            instance_nsd: 0.6,
            ia: 0.7,
            labels: Vec::new(),
        }
    }

    #[test]
    fn a_container_has_nine_values_under_the_names_of_the_boards() {
        insta::assert_json_snapshot!(measured(&scores(), Some(&run())), @r#"
        {
          "IA": 0.7,
          "gpu_memory_area_mib_s": 12.5,
          "image_DSC": 0.1,
          "image_IoU": 0.2,
          "image_NSD": 0.3,
          "instance_DSC": 0.4,
          "instance_IoU": 0.5,
          "instance_NSD": 0.6,
          "running_time_s": 1.5
        }
        "#);
    }

    #[test]
    fn the_worst_is_zero_the_wall_limit_and_the_whole_device_for_so_long() {
        let worst_of = worst(Some(&run()));
        assert_eq!(worst_of["IA"], 0.0);
        assert_eq!(worst_of["running_time_s"], 300.0);
        assert_eq!(worst_of["gpu_memory_area_mib_s"], 300_000.0);
        assert_eq!(worst_of.as_object().unwrap().len(), 9);
    }

    #[test]
    fn what_the_machine_does_not_have_and_what_a_zip_does_not_have_is_left_out() {
        let without_gpu = Run {
            gpu_area_mib_s: None,
            gpu_total_mib: None,
            ..run()
        };
        assert_eq!(worst(Some(&without_gpu)).get("gpu_memory_area_mib_s"), None);
        for zip in [worst(None), measured(&scores(), None)] {
            assert_eq!(zip.as_object().unwrap().len(), 7, "{zip}");
        }
    }
}
