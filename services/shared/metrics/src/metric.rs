use std::{fmt, ops::RangeInclusive, str::FromStr};

use crate::{CaseScores, Error};

/// One of the challenge's accuracy metrics. All lie in 0 to 1, and higher is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    ImageDsc,
    ImageIou,
    ImageNsd,
    InstanceDsc,
    InstanceIou,
    InstanceNsd,
    /// Identification accuracy: the share of labels whose instance is matched.
    Ia,
}

impl Metric {
    pub const ALL: [Self; 7] = [
        Self::ImageDsc,
        Self::ImageIou,
        Self::ImageNsd,
        Self::InstanceDsc,
        Self::InstanceIou,
        Self::InstanceNsd,
        Self::Ia,
    ];

    /// As the challenge writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageDsc => "image_DSC",
            Self::ImageIou => "image_IoU",
            Self::ImageNsd => "image_NSD",
            Self::InstanceDsc => "instance_DSC",
            Self::InstanceIou => "instance_IoU",
            Self::InstanceNsd => "instance_NSD",
            Self::Ia => "IA",
        }
    }

    /// Worst to best.
    pub fn range(self) -> RangeInclusive<f64> {
        0.0..=1.0
    }

    pub fn higher_is_better(self) -> bool {
        true
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|metric| metric.name() == name);
        known.ok_or_else(|| Error::UnknownMetric {
            name: name.to_owned(),
        })
    }
}

impl<L> CaseScores<L> {
    pub fn value(&self, metric: Metric) -> f64 {
        match metric {
            Metric::ImageDsc => self.image_dsc,
            Metric::ImageIou => self.image_iou,
            Metric::ImageNsd => self.image_nsd,
            Metric::InstanceDsc => self.instance_dsc,
            Metric::InstanceIou => self.instance_iou,
            Metric::InstanceNsd => self.instance_nsd,
            Metric::Ia => self.ia,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_are_exact() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
        }
        for name in ["image_dsc", "IA ", "", "HD95"] {
            assert_eq!(
                name.parse::<Metric>(),
                Err(Error::UnknownMetric { name: name.into() })
            );
        }
    }
}
