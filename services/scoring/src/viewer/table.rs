//! The numbers of a case, as they stand on its page.

use std::collections::BTreeSet;

use molar_domain::metric::Metric;
use molar_pictures::of_label;
use molar_volumes::Label;
use serde_json::{Map, Value};

/// One of the case's values.
pub struct Measured {
    pub title: String,
    pub unit: Option<&'static str>,
    pub value: String,
}

/// In the order of the boards.
pub fn values(values: Option<&Value>) -> Vec<Measured> {
    let values = values.and_then(Value::as_object);
    let named = values.into_iter().flatten();
    let mut metrics: Vec<(Metric, &Value)> = named
        .filter_map(|(name, value)| Some((name.parse().ok()?, value)))
        .collect();
    metrics.sort_by(|(a, _), (b, _)| a.cmp(b));
    metrics
        .into_iter()
        .map(|(metric, value)| Measured {
            title: metric.title(),
            unit: metric.unit(),
            value: number(Some(value), metric.decimals()),
        })
        .collect()
}

pub struct Labels {
    /// What is measured of each beside the protocol's three.
    pub further: Vec<String>,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub label: String,
    /// As it is drawn, `#rrggbb`.
    pub colour: String,
    /// In a word, unless it was found.
    pub remark: &'static str,
    pub dsc: String,
    pub iou: String,
    pub nsd: String,
    pub further: Vec<String>,
    pub reference_voxels: u64,
    pub prediction_voxels: u64,
}

/// The worst first.
pub fn labels(labels: Option<&Value>) -> Labels {
    let all = labels.and_then(Value::as_array);
    let mut all: Vec<&Map<String, Value>> = all
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    let rank = |label: &Map<String, Value>| {
        let of = |name: &str| label.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        [of("DSC"), of("IoU"), of("NSD")]
    };
    all.sort_by(|a, b| {
        let (a, b) = (rank(a), rank(b));
        let pairs = a.iter().zip(&b).map(|(a, b)| a.total_cmp(b));
        pairs.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    let further: BTreeSet<&String> = all
        .iter()
        .flat_map(|label| label.keys())
        .filter(|name| !KNOWN.contains(&name.as_str()))
        .collect();
    let further: Vec<String> = further.into_iter().cloned().collect();
    Labels {
        rows: all.into_iter().map(|label| row(label, &further)).collect(),
        further,
    }
}

const KNOWN: [&str; 9] = [
    "label",
    "present_in_reference",
    "present_in_prediction",
    "DSC",
    "IoU",
    "NSD",
    "is_match",
    "reference_voxels",
    "prediction_voxels",
];

fn row(label: &Map<String, Value>, further: &[String]) -> Row {
    let name = label
        .get("label")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is = |name: &str| label.get(name).and_then(Value::as_bool).unwrap_or(false);
    let voxels = |name: &str| label.get(name).and_then(Value::as_u64).unwrap_or(0);
    Row {
        label: name.to_owned(),
        colour: hex(of_label(&Label::Text(name.to_owned())).0),
        remark: match (is("present_in_reference"), is("present_in_prediction")) {
            (false, _) => "invented",
            (_, false) => "missed",
            _ if !is("is_match") => "no match",
            _ => "",
        },
        dsc: number(label.get("DSC"), 4),
        iou: number(label.get("IoU"), 4),
        nsd: number(label.get("NSD"), 4),
        further: further
            .iter()
            .map(|name| number(label.get(name), 3))
            .collect(),
        reference_voxels: voxels("reference_voxels"),
        prediction_voxels: voxels("prediction_voxels"),
    }
}

pub fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn number(value: Option<&Value>, decimals: usize) -> String {
    match value.and_then(Value::as_f64) {
        Some(value) => format!("{value:.decimals$}"),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_worst_label_comes_first_and_what_it_lacks_is_a_dash() {
        let label = |name: &str, dsc: f64, iou: f64, sides: [bool; 2]| {
            json!({"label": name, "DSC": dsc, "IoU": iou, "NSD": 0.5, "is_match": iou > 0.5,
                   "present_in_reference": sides[0], "present_in_prediction": sides[1],
                   "reference_voxels": 7, "prediction_voxels": 8})
        };
        let mut far = label("12", 0.4, 0.25, [true, true]);
        far["HD95"] = json!(12.5);
        let all = json!([
            label("11", 0.9, 0.8, [true, true]),
            far,
            label("<b>", 0.0, 0.0, [false, true]),
            label("13", 0.0, 0.0, [true, false]),
        ]);
        let labels = labels(Some(&all));
        let told: Vec<_> = labels
            .rows
            .iter()
            .map(|row| (&*row.label, row.remark))
            .collect();
        assert_eq!(
            told,
            [
                ("<b>", "invented"),
                ("13", "missed"),
                ("12", "no match"),
                ("11", "")
            ]
        );
        assert_eq!(labels.further, ["HD95"]);
        assert_eq!(labels.rows[2].further, ["12.500"]);
        assert_eq!(labels.rows[3].further, ["–"]);
    }

    #[test]
    fn values_stand_in_the_order_of_the_boards_with_their_units() {
        let values = values(Some(
            &json!({"running_time_s": 1.25, "IA": 0.5, "image_DSC": null}),
        ));
        let told: Vec<_> = values.iter().map(|one| (&*one.value, one.unit)).collect();
        assert_eq!(told.len(), 3);
        assert_eq!(told[2], ("1.2", Some("s")));
        assert!(told.contains(&("–", None)) && told.contains(&("0.5000", None)));
    }
}
