//! Tooth numbering after FDI (ISO 3950): quadrant, then place from the midline.

use std::collections::BTreeMap;

/// Permanent teeth: 11–18, 21–28, 31–38, 41–48.
pub fn permanent() -> Vec<i32> {
    quadrants(1..=4, 8)
}

/// Deciduous teeth: 51–55, 61–65, 71–75, 81–85.
pub fn deciduous() -> Vec<i32> {
    quadrants(5..=8, 5)
}

/// The usual groups of teeth, for means over a part of the dentition.
pub fn groups() -> BTreeMap<String, Vec<i32>> {
    let teeth = || permanent().into_iter().chain(deciduous());
    let of = |name: &str, is_in: &dyn Fn(i32, i32) -> bool| {
        let labels = teeth().filter(|label| is_in(label / 10, label % 10));
        (name.to_owned(), labels.collect())
    };
    let is_permanent = |quadrant: i32| quadrant <= 4;
    BTreeMap::from([
        of("permanent", &|quadrant, _| is_permanent(quadrant)),
        of("deciduous", &|quadrant, _| !is_permanent(quadrant)),
        of("upper", &|quadrant, _| matches!(quadrant, 1 | 2 | 5 | 6)),
        of("lower", &|quadrant, _| matches!(quadrant, 3 | 4 | 7 | 8)),
        of("incisors", &|_, place| place <= 2),
        of("canines", &|_, place| place == 3),
        of("premolars", &|quadrant, place| {
            is_permanent(quadrant) && matches!(place, 4 | 5)
        }),
        // A deciduous molar stands where a premolar will.
        of("molars", &|quadrant, place| {
            place >= 6 || !is_permanent(quadrant) && place >= 4
        }),
    ])
}

fn quadrants(quadrants: std::ops::RangeInclusive<i32>, teeth: i32) -> Vec<i32> {
    quadrants
        .flat_map(|q| (1..=teeth).map(move |t| q * 10 + t))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_tooth_is_in_one_group_of_each_kind() {
        let groups = super::groups();
        let size = |name: &str| groups[name].len();
        for kind in [
            vec!["permanent", "deciduous"],
            vec!["upper", "lower"],
            vec!["incisors", "canines", "premolars", "molars"],
        ] {
            let mut all: Vec<i32> = kind.iter().flat_map(|name| groups[*name].clone()).collect();
            all.sort_unstable();
            let mut teeth = [super::permanent(), super::deciduous()].concat();
            teeth.sort_unstable();
            assert_eq!(all, teeth, "{kind:?}");
        }
        assert_eq!(size("premolars"), 8);
        assert_eq!(size("molars"), 12 + 8);
        assert!(groups["lower"].contains(&38) && groups["upper"].contains(&65));
    }

    #[test]
    fn a_full_dentition_has_52_numbers() {
        assert_eq!(super::permanent().len(), 32);
        assert_eq!(super::deciduous().len(), 20);
        assert_eq!(super::deciduous()[..3], [51, 52, 53]);
    }
}
