//! Case by case who is better, and by how much.

use molar_domain::metric::Metric;
use serde_json::Value;

use super::rows::Case;
use crate::digits;

/// What both have in a case by one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Both {
    pub case: String,
    pub a: Option<f64>,
    pub b: Option<f64>,
}

/// In how many cases who is better; where one has no value nobody is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub a: usize,
    pub b: usize,
    pub equal: usize,
}

/// `is_exact`: for those who see everything. All others are told what a run used as [`digits`] says.
pub fn by(name: &str, metric: &Metric, cases: &[Case], is_exact: bool) -> Vec<Both> {
    let told = |value: f64| match is_exact {
        true => value,
        false => digits::rounded(metric, value),
    };
    let value = |values: &Option<Value>| Some(told(values.as_ref()?.get(name)?.as_f64()?));
    let both = |case: &Case| Both {
        case: case.name.clone(),
        a: value(&case.a),
        b: value(&case.b),
    };
    cases.iter().map(both).collect()
}

impl Both {
    /// Above zero where the first is better.
    pub fn gap(&self, metric: &Metric) -> Option<f64> {
        let (a, b) = (self.a?, self.b?);
        Some(match metric.is_higher_better() {
            true => a - b,
            false => b - a,
        })
    }
}

impl Tally {
    pub fn of(cases: &[Both], metric: &Metric) -> Self {
        let mut tally = Self::default();
        for gap in cases.iter().filter_map(|both| both.gap(metric)) {
            match gap {
                gap if gap > 0.0 => tally.a += 1,
                gap if gap < 0.0 => tally.b += 1,
                _ => tally.equal += 1,
            }
        }
        tally
    }
}

/// The largest difference first, whoever is better; where one has no value last.
pub fn sort(cases: &mut [Both], metric: &Metric) {
    let size = |both: &Both| both.gap(metric).map_or(-1.0, f64::abs);
    cases.sort_by(|a, b| size(b).total_cmp(&size(a)));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(name: &str, a: Value, b: Value) -> Case {
        Case {
            name: name.to_owned(),
            a: Some(a),
            b: Some(b),
        }
    }

    #[test]
    fn less_time_is_better_and_is_told_to_a_tenth() {
        let time = |a: f64, b: f64| {
            let values = |s: f64| json!({"running_time_s": s});
            case("c", values(a), values(b))
        };
        let cases = [
            time(1.04, 1.01),
            time(1.26, 2.0),
            case("d", json!({}), json!({})),
        ];
        let metric = Metric::RunningTime;
        let told = by("running_time_s", &metric, &cases, false);
        assert_eq!((told[0].a, told[0].b), (Some(1.0), Some(1.0)));
        assert_eq!(told[1].a, Some(1.3));
        let tally = |a, b, equal| Tally { a, b, equal };
        assert_eq!(Tally::of(&told, &metric), tally(1, 0, 1));
        let exact = by("running_time_s", &metric, &cases, true);
        assert_eq!(exact[1].a, Some(1.26));
        assert_eq!(Tally::of(&exact, &metric), tally(1, 1, 0));
    }

    #[test]
    fn the_largest_difference_stands_first_and_what_is_missing_last() {
        let metric: Metric = "IA".parse().unwrap();
        let ia =
            |name: &str, a: Option<f64>, b: f64| case(name, json!({"IA": a}), json!({"IA": b}));
        let cases = [
            ia("missing", None, 0.5),
            ia("small", Some(0.5), 0.4),
            ia("large", Some(0.1), 0.9),
        ];
        let mut both = by("IA", &metric, &cases, true);
        sort(&mut both, &metric);
        let names: Vec<_> = both.iter().map(|both| both.case.as_str()).collect();
        assert_eq!(names, ["large", "small", "missing"]);
    }
}
