use std::{fmt, str::FromStr};

use crate::{Error, Matching, Metric, SurfaceDistances, groups};

/// One number about a case, by its name: what an organizer chooses from.
///
/// ```text
/// image_DSC  image_IoU  image_NSD  instance_DSC  instance_IoU  instance_NSD  IA    the protocol's
/// image_HD   image_HD95   image_ASSD   image_NSD@1.5mm        the foregrounds, in mm
/// instance_… (as above)   instance_…/deciduous                mean over labels, or over a group
/// PQ  SQ  RQ  detection_precision  detection_recall  detection_F1
///     …@label (as without)  …@greedy  …@optimal
/// ```
///
/// The name that [`Display`](fmt::Display) writes is read back as the same measure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Of the two foregrounds.
    Image(Quantity),
    /// Mean over the reference's labels, or those of them in a group, each matched by label.
    Instance {
        quantity: Quantity,
        group: Option<String>,
    },
    Ia,
    Detection(Detection, Matching),
}

/// How two masks are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    Dsc,
    Iou,
    /// The protocol's: at unit spacing, within 2 voxels.
    Nsd,
    /// In mm, at the real spacing.
    NsdWithin(Tolerance),
    Hd,
    Hd95,
    Assd,
}

/// How instances were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detection {
    Pq,
    Sq,
    Rq,
    Precision,
    Recall,
    F1,
}

/// A distance in mm, finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance(f64);

impl Tolerance {
    pub(crate) const ONE_MM: Self = Self(1.0);

    pub fn new(mm: f64) -> Result<Self, Error> {
        match mm.is_finite() && mm >= 0.0 {
            // Adding 0 turns -0 into 0, so that equal tolerances are written alike.
            true => Ok(Self(mm + 0.0)),
            false => Err(Error::Tolerance { mm: mm.to_string() }),
        }
    }

    pub fn mm(self) -> f64 {
        self.0
    }
}

impl Eq for Tolerance {}

impl Ord for Tolerance {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Tolerance {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl std::hash::Hash for Tolerance {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Quantity {
    /// Whether it is the protocol's, in voxels; the others need the spacing.
    pub fn is_of_the_protocol(self) -> bool {
        matches!(self, Self::Dsc | Self::Iou | Self::Nsd)
    }

    /// A length in mm, where less is better; the others are shares.
    pub fn is_length(self) -> bool {
        matches!(self, Self::Hd | Self::Hd95 | Self::Assd)
    }

    /// Of two masks with a surface each; `None` for what is not made of surface distances.
    pub(crate) fn of_surfaces(self, distances: &SurfaceDistances) -> Option<f64> {
        match self {
            Self::Dsc | Self::Iou | Self::Nsd => None,
            Self::NsdWithin(tolerance) => Some(distances.surface_dice(tolerance.mm())),
            Self::Hd => Some(distances.hausdorff()),
            Self::Hd95 => Some(distances.robust_hausdorff(95.0)),
            Self::Assd => Some(distances.assd()),
        }
    }

    pub(crate) fn worst(self, diagonal_mm: f64) -> f64 {
        if self.is_length() { diagonal_mm } else { 0.0 }
    }

    const PLAIN: [(Self, &'static str); 6] = [
        (Self::Dsc, "DSC"),
        (Self::Iou, "IoU"),
        (Self::Nsd, "NSD"),
        (Self::Hd, "HD"),
        (Self::Hd95, "HD95"),
        (Self::Assd, "ASSD"),
    ];
}

impl Detection {
    pub const ALL: [Self; 6] = [
        Self::Pq,
        Self::Sq,
        Self::Rq,
        Self::Precision,
        Self::Recall,
        Self::F1,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pq => "PQ",
            Self::Sq => "SQ",
            Self::Rq => "RQ",
            Self::Precision => "detection_precision",
            Self::Recall => "detection_recall",
            Self::F1 => "detection_F1",
        }
    }
}

impl From<Metric> for Measure {
    fn from(metric: Metric) -> Self {
        match metric {
            Metric::ImageDsc => Self::Image(Quantity::Dsc),
            Metric::ImageIou => Self::Image(Quantity::Iou),
            Metric::ImageNsd => Self::Image(Quantity::Nsd),
            Metric::InstanceDsc => Self::instance(Quantity::Dsc),
            Metric::InstanceIou => Self::instance(Quantity::Iou),
            Metric::InstanceNsd => Self::instance(Quantity::Nsd),
            Metric::Ia => Self::Ia,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NsdWithin(tolerance) => write!(f, "NSD@{}mm", tolerance.mm()),
            plain => match Self::PLAIN.iter().find(|(quantity, _)| quantity == plain) {
                Some((_, name)) => f.write_str(name),
                None => Ok(()),
            },
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(quantity) => write!(f, "image_{quantity}"),
            Self::Instance {
                quantity,
                group: None,
            } => write!(f, "instance_{quantity}"),
            Self::Instance {
                quantity,
                group: Some(group),
            } => write!(f, "instance_{quantity}/{group}"),
            Self::Ia => f.write_str("IA"),
            Self::Detection(detection, Matching::Label) => f.write_str(detection.name()),
            Self::Detection(detection, matching) => write!(f, "{}@{matching}", detection.name()),
        }
    }
}

impl FromStr for Measure {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        parse(name).ok_or_else(|| Error::UnknownMetric {
            name: name.to_owned(),
        })
    }
}

fn parse(name: &str) -> Option<Measure> {
    if name == "IA" {
        return Some(Measure::Ia);
    }
    if let Some(quantity) = name.strip_prefix("image_") {
        return quantity_of(quantity).map(Measure::Image);
    }
    if let Some(instance) = name.strip_prefix("instance_") {
        let (quantity, group) = match instance.split_once('/') {
            Some((quantity, group)) => (quantity, Some(group)),
            None => (instance, None),
        };
        if !group.is_none_or(groups::is_name) {
            return None;
        }
        return Some(Measure::Instance {
            quantity: quantity_of(quantity)?,
            group: group.map(str::to_owned),
        });
    }
    let (detection, matching) = match name.split_once('@') {
        Some((detection, matching)) => (detection, matching.parse().ok()?),
        None => (name, Matching::default()),
    };
    let known = Detection::ALL
        .into_iter()
        .find(|known| known.name() == detection)?;
    Some(Measure::Detection(known, matching))
}

fn quantity_of(name: &str) -> Option<Quantity> {
    if let Some(mm) = name
        .strip_prefix("NSD@")
        .and_then(|rest| rest.strip_suffix("mm"))
    {
        let is_plain = mm.starts_with(|c: char| c.is_ascii_digit())
            && mm.chars().all(|c| c.is_ascii_digit() || c == '.');
        let mm = is_plain.then(|| mm.parse().ok()).flatten()?;
        return Tolerance::new(mm).ok().map(Quantity::NsdWithin);
    }
    let plain = Quantity::PLAIN.iter().find(|(_, known)| *known == name)?;
    Some(plain.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in [
            "image_DSC",
            "image_HD95",
            "image_NSD@1.5mm",
            "instance_NSD@0.5mm",
            "instance_NSD@0mm/upper",
            "instance_DSC/deciduous",
            "instance_ASSD/tooth-type_1",
            "IA",
            "PQ",
            "SQ@greedy",
            "RQ@optimal",
            "detection_precision",
            "detection_recall@greedy",
            "detection_F1@optimal",
        ] {
            let measure: Measure = name.parse().unwrap();
            assert_eq!(measure.to_string(), name);
        }
        assert_eq!("PQ@label".parse::<Measure>(), "PQ".parse());
        assert_eq!(
            "image_NSD@2.0mm".parse::<Measure>(),
            "image_NSD@2mm".parse()
        );
    }

    #[test]
    fn the_protocol_keeps_its_names() {
        for metric in Metric::ALL {
            let measure = Measure::from(metric);
            assert_eq!(measure.to_string(), metric.name());
            assert_eq!(metric.name().parse(), Ok(measure));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in [
            "",
            "HD95",
            "image_hd95",
            "image_HD95/upper",
            "image_NSD@2",
            "image_NSD@-1mm",
            "image_NSD@1e3mm",
            "image_NSD@infmm",
            "image_NSD@NaNmm",
            "image_NSD@1.2.3mm",
            "image_NSD@mm",
            "instance_DSC/",
            "instance_DSC/a b",
            "IA@greedy",
            "PQ@best",
            "PQ/upper",
            " PQ",
        ] {
            let unknown = Error::UnknownMetric { name: name.into() };
            assert_eq!(name.parse::<Measure>(), Err(unknown));
        }
    }

    #[test]
    fn a_tolerance_is_finite_and_not_negative() {
        for bad in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(Tolerance::new(bad).is_err(), "{bad}");
        }
        assert_eq!(Tolerance::new(-0.0).unwrap().mm().to_bits(), 0);
    }

    proptest! {
        #[test]
        fn any_tolerance_round_trips(mm in 0.0..1e9f64) {
            let measure = Measure::Image(Quantity::NsdWithin(Tolerance::new(mm).unwrap()));
            prop_assert_eq!(measure.to_string().parse(), Ok(measure));
        }

        #[test]
        fn what_is_read_is_written_as_it_will_be_read(
            head in "image|instance|detection|PQ|IA",
            tail in "(_(NSD|HD|F1|IoU))?(@[0-9.]{0,4}mm|@greedy|@label)?(/[a-z -]{0,3})?",
        ) {
            if let Ok(measure) = format!("{head}{tail}").parse::<Measure>() {
                prop_assert_eq!(measure.to_string().parse(), Ok(measure));
            }
        }
    }
}
