//! The measures a board can show: name, direction and unit.

use std::fmt;
use std::str::FromStr;

use molar_metrics::{Detection, Matching, Measure, Quantity};

use crate::spelling::UnknownWord;

const RUNNING_TIME: &str = "running_time_s";
const GPU_MEMORY_AREA: &str = "gpu_memory_area_mib_s";

/// What a phase can rank by. Accuracy is measured by scoring, time and area by the run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    Accuracy(Measure),
    RunningTime,
    GpuMemoryArea,
}

impl Metric {
    pub fn is_higher_better(&self) -> bool {
        match self {
            Self::Accuracy(measure) => measure.higher_is_better(),
            Self::RunningTime | Self::GpuMemoryArea => false,
        }
    }

    /// Whether it is measured on the run and not on the output.
    pub fn is_of_run(&self) -> bool {
        matches!(self, Self::RunningTime | Self::GpuMemoryArea)
    }

    pub fn title(&self) -> String {
        match self {
            Self::RunningTime => "Time".to_owned(),
            Self::GpuMemoryArea => "GPU area".to_owned(),
            Self::Accuracy(measure) => title(measure),
        }
    }

    pub fn unit(&self) -> Option<&'static str> {
        match self {
            Self::RunningTime => Some("s"),
            Self::GpuMemoryArea => Some("MiB·s"),
            Self::Accuracy(measure) => measure.unit(),
        }
    }

    /// Digits that are shown after the point.
    pub fn decimals(&self) -> usize {
        match self.unit() {
            Some("mm") => 3,
            Some(_) => 1,
            None => 4,
        }
    }

    /// In words, for who named one that there is not.
    pub fn known() -> String {
        let catalogue = Measure::catalogue().into_iter();
        let plain = catalogue.filter(|measure| {
            measure.matching().unwrap_or_default() == Matching::Label && !is_within(measure)
        });
        let names: Vec<_> = plain.map(|measure| measure.to_string()).collect();
        format!(
            "{}, {RUNNING_TIME}, {GPU_MEMORY_AREA}; image_NSD@1.5mm and instance_NSD@1.5mm with any tolerance; \
             instance_DSC/GROUP and so on with a group of the track; PQ@greedy, PQ@optimal and so on with a matching",
            names.join(", ")
        )
    }
}

fn is_within(measure: &Measure) -> bool {
    matches!(
        measure,
        Measure::Image(Quantity::NsdWithin(_))
            | Measure::Instance {
                quantity: Quantity::NsdWithin(_),
                ..
            }
    )
}

fn title(measure: &Measure) -> String {
    let quantity = |quantity: &Quantity| match quantity {
        Quantity::NsdWithin(tolerance) => format!("NSD at {} mm", tolerance.mm()),
        plain => plain.to_string(),
    };
    match measure {
        Measure::Image(of) => format!("{} (image)", quantity(of)),
        Measure::Instance {
            quantity: of,
            group: None,
        } => format!("{} (instance)", quantity(of)),
        Measure::Instance {
            quantity: of,
            group: Some(group),
        } => format!("{} ({group})", quantity(of)),
        Measure::Ia => "IA".to_owned(),
        Measure::Detection(of, Matching::Label) => detection(*of).to_owned(),
        Measure::Detection(of, matching) => format!("{} ({matching})", detection(*of)),
    }
}

fn detection(of: Detection) -> &'static str {
    match of {
        Detection::Precision => "Precision",
        Detection::Recall => "Recall",
        Detection::F1 => "F1",
        Detection::Pq | Detection::Sq | Detection::Rq => of.name(),
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accuracy(measure) => measure.fmt(f),
            Self::RunningTime => f.write_str(RUNNING_TIME),
            Self::GpuMemoryArea => f.write_str(GPU_MEMORY_AREA),
        }
    }
}

impl FromStr for Metric {
    type Err = UnknownWord;

    fn from_str(name: &str) -> Result<Self, UnknownWord> {
        match name {
            RUNNING_TIME => Ok(Self::RunningTime),
            GPU_MEMORY_AREA => Ok(Self::GpuMemoryArea),
            _ => name.parse().map(Self::Accuracy).map_err(|_| UnknownWord {
                kind: "metric",
                word: name.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str) -> Metric {
        name.parse().unwrap()
    }

    #[test]
    fn every_measure_and_what_the_run_shows_has_a_name_a_title_and_a_direction() {
        let accuracy = Measure::catalogue().into_iter().map(Metric::Accuracy);
        let all = accuracy.chain([Metric::RunningTime, Metric::GpuMemoryArea]);
        let mut titles = std::collections::BTreeSet::new();
        for one in all {
            assert_eq!(one.to_string().parse(), Ok(one.clone()));
            assert_eq!(one.is_higher_better(), one.unit().is_none(), "{one}");
            assert!(titles.insert(one.title()), "{one}");
        }
    }

    #[test]
    fn the_protocol_keeps_its_titles() {
        let titles = [
            "image_DSC",
            "instance_IoU",
            "instance_NSD",
            "IA",
            RUNNING_TIME,
        ]
        .map(|name| metric(name).title());
        let expected = [
            "DSC (image)",
            "IoU (instance)",
            "NSD (instance)",
            "IA",
            "Time",
        ];
        assert_eq!(titles, expected);
    }

    #[test]
    fn what_a_metric_was_asked_for_stands_in_its_title() {
        let titles = ["instance_NSD@0.5mm/deciduous", "image_HD95", "PQ@optimal"]
            .map(|name| metric(name).title());
        assert_eq!(
            titles,
            ["NSD at 0.5 mm (deciduous)", "HD95 (image)", "PQ (optimal)"]
        );
    }

    #[test]
    fn an_unknown_name_is_told_apart_from_the_known() {
        assert!("HD95".parse::<Metric>().is_err());
        for name in ["instance_HD95", "detection_F1", RUNNING_TIME, "IA"] {
            assert!(Metric::known().contains(name), "{}", Metric::known());
        }
    }
}
