//! Numbers of a case as the boards read them.

use molar_domain::metric::Metric;
use molar_metrics::Measure;
use molar_volumes::{Plan, Scored};
use serde_json::{Map, Value, json};

use super::task::Run;

/// Values of a case that was measured: the protocol's seven, those of the plan, and those of the run.
pub fn measured(scored: &Scored, plan: &Plan, run: Option<&Run>) -> Value {
    let further = scored.measured.iter().map(|measured| measured.value);
    let time = |run: &Run| run.wall_ms.map(|ms| ms as f64 / 1000.0);
    values(
        |metric| scored.scores.value(metric),
        plan.measures().iter().zip(further),
        run.and_then(time),
        run.and_then(|run| run.gpu_area_mib_s),
    )
}

/// The worst that a case can have, for one without a readable prediction. `further` is that of the plan.
pub fn worst(plan: &Plan, further: Vec<Option<f64>>, run: Option<&Run>) -> Value {
    let limit = |run: &Run| f64::from(run.wall_limit_s);
    let area = |run: &Run| Some(limit(run) * run.gpu_total_mib?);
    values(
        |_| 0.0,
        plan.measures().iter().zip(further),
        run.map(limit),
        run.and_then(area),
    )
}

/// What was not measured is left out; a mean over a group that the case does not have is null.
fn values<'a>(
    protocol: impl Fn(molar_metrics::Metric) -> f64,
    further: impl Iterator<Item = (&'a Measure, Option<f64>)>,
    time: Option<f64>,
    area: Option<f64>,
) -> Value {
    let seven = molar_metrics::Metric::ALL.into_iter();
    let mut values: Map<_, _> = seven
        .map(|metric| (metric.name().to_owned(), json!(protocol(metric))))
        .collect();
    values.extend(further.map(|(measure, value)| (measure.to_string(), json!(value))));
    for (metric, value) in [(Metric::RunningTime, time), (Metric::GpuMemoryArea, area)] {
        values.extend(value.map(|value| (metric.to_string(), json!(value))));
    }
    Value::Object(values)
}

#[cfg(test)]
mod tests {
    use molar_metrics::{CaseScores, Groups, Measured};
    use molar_volumes::Label;

    use super::*;

    fn run() -> Run {
        Run {
            wall_limit_s: 300,
            wall_ms: Some(1500),
            gpu_area_mib_s: Some(12.5),
            gpu_total_mib: Some(1000.0),
        }
    }

    fn scored() -> Scored {
        let scores = CaseScores {
            image_dsc: 0.1,
            image_iou: 0.2,
            image_nsd: 0.3,
            instance_dsc: 0.4,
            instance_iou: 0.5,
            instance_nsd: 0.6,
            ia: 0.7,
            labels: Vec::new(),
        };
        Scored {
            scores,
            measured: Vec::new(),
            notes: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// HD95 of the one tooth there is, and the mean over a group that is not there.
    fn further() -> (Plan, Scored) {
        let names = ["instance_HD95/upper", "instance_HD95/lower"];
        let measures = names.map(|name| name.parse().unwrap());
        let groups = Groups::new([("upper", [11]), ("lower", [31])]).unwrap();
        let plan = Plan::new(measures.into(), groups, 1.0).unwrap();
        let measured = |labels: Vec<(Label, f64)>| Measured {
            value: labels.first().map(|(_, value)| *value),
            labels,
        };
        let scored = Scored {
            measured: vec![
                measured(vec![(Label::Value(11), 1.5)]),
                measured(Vec::new()),
            ],
            ..scored()
        };
        (plan, scored)
    }

    #[test]
    fn a_container_has_nine_values_under_the_names_of_the_boards() {
        insta::assert_json_snapshot!(measured(&scored(), &Plan::default(), Some(&run())), @r#"
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
        let worst_of = worst(&Plan::default(), Vec::new(), Some(&run()));
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
        let plan = Plan::default();
        let worst_of = |run| worst(&plan, Vec::new(), run);
        assert_eq!(
            worst_of(Some(&without_gpu)).get("gpu_memory_area_mib_s"),
            None
        );
        for zip in [worst_of(None), measured(&scored(), &plan, None)] {
            assert_eq!(zip.as_object().unwrap().len(), 7, "{zip}");
        }
    }

    #[test]
    fn what_the_phase_asks_for_beside_the_protocol_stands_under_its_name() {
        let (plan, scored) = further();
        let values = measured(&scored, &plan, None);
        assert_eq!(values["instance_HD95/upper"], 1.5);
        // Not "not measured": the case has no such tooth.
        assert_eq!(values.get("instance_HD95/lower"), Some(&Value::Null));
        assert_eq!(values["IA"], 0.7);
        let worst_of = worst(&plan, vec![Some(70.0), None], None);
        assert_eq!(worst_of["instance_HD95/upper"], 70.0);
        assert_eq!(worst_of.as_object().unwrap().len(), 9);
    }
}
