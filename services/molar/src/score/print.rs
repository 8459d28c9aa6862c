//! A table for people, JSON and CSV for programs.

use std::collections::BTreeSet;

use comfy_table::{CellAlignment, Table};
use molar_domain::evaluation::SCORER_VERSION;
use molar_metrics::Measure;
use molar_volumes::{LabelResult, Plan};
use serde_json::{Map, Value, json};

use super::Args;
use super::measure::Outcome;

pub struct Results<'a> {
    /// By name.
    pub cases: Vec<(&'a str, &'a Outcome)>,
    pub args: &'a Args,
    pub plan: &'a Plan,
}

impl Outcome {
    fn failure(&self) -> Option<&str> {
        match self {
            Self::Scored(_) => None,
            Self::Failed { reason, .. } | Self::Unfit(reason) => Some(reason),
        }
    }

    fn notes(&self) -> Vec<String> {
        match self {
            Self::Scored(scored) => scored.notes.iter().map(ToString::to_string).collect(),
            Self::Failed { .. } | Self::Unfit(_) => Vec::new(),
        }
    }

    /// What a zip with this prediction would be refused for.
    pub fn complaints(&self) -> Vec<String> {
        match self {
            Self::Scored(scored) => scored.complaints.iter().map(ToString::to_string).collect(),
            Self::Failed { .. } | Self::Unfit(_) => Vec::new(),
        }
    }
}

impl Results<'_> {
    pub fn any(&self, is_it: impl Fn(&Outcome) -> bool) -> bool {
        self.cases.iter().any(|(_, outcome)| is_it(outcome))
    }

    fn values(&self, outcome: &Outcome) -> Vec<Option<f64>> {
        let metrics = self.args.metrics.iter();
        metrics
            .map(|measure| outcome.value(self.plan, measure))
            .collect()
    }

    /// Over the cases that have a value.
    fn means(&self) -> Vec<Option<f64>> {
        let mean = |measure: &Measure| {
            let values = self.cases.iter();
            let values = values.filter_map(|(_, outcome)| outcome.value(self.plan, measure));
            let (count, sum) =
                values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
            (count > 0).then(|| sum / f64::from(count))
        };
        self.args.metrics.iter().map(mean).collect()
    }

    fn labels(&self, outcome: &Outcome) -> Vec<LabelResult> {
        match outcome {
            Outcome::Scored(scored) => scored.labels(self.plan),
            Outcome::Failed { .. } | Outcome::Unfit(_) => Vec::new(),
        }
    }

    pub fn json(&self) -> Value {
        let named = |values: Vec<Option<f64>>| {
            let names = self.args.metrics.iter().map(Measure::to_string);
            let entries = names.zip(values).map(|(name, value)| (name, json!(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        };
        let case = |(name, outcome): &(&str, &Outcome)| {
            json!({
                "case": name,
                "values": named(self.values(outcome)),
                "labels": self.labels(outcome),
                "notes": outcome.notes(),
                "complaints": outcome.complaints(),
                "failure": outcome.failure(),
            })
        };
        json!({
            "scorer_version": SCORER_VERSION,
            "cases": self.cases.iter().map(case).collect::<Vec<_>>(),
            "mean": named(self.means()),
        })
    }

    pub fn csv(&self) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        if self.args.labels {
            let further = self.further();
            let names = ["case", "label", "DSC", "IoU", "NSD", "is_match"].map(str::to_owned);
            writer.write_record(names.iter().chain(&further))?;
            for (name, outcome) in &self.cases {
                for one in self.labels(outcome) {
                    let values = [one.dsc, one.iou, one.nsd].map(|value| value.to_string());
                    let is_match = [one.is_match.to_string()];
                    let more = further.iter().map(|name| one.further.get(name));
                    let more = more.map(|value| value.map(f64::to_string).unwrap_or_default());
                    let words = [(*name).to_owned(), one.label].into_iter();
                    writer.write_record(words.chain(values).chain(is_match).chain(more))?;
                }
            }
        } else {
            let names = self.args.metrics.iter().map(Measure::to_string);
            let case = || ["case".to_owned()].into_iter();
            writer.write_record(case().chain(names).chain(["failure".to_owned()]))?;
            for (name, outcome) in &self.cases {
                let values = self.values(outcome).into_iter();
                let values = values.map(|value| value.map(|v| v.to_string()).unwrap_or_default());
                let failure = outcome.failure().unwrap_or_default().to_owned();
                let words = [(*name).to_owned()].into_iter();
                writer.write_record(words.chain(values).chain([failure]))?;
            }
        }
        say!("{}", String::from_utf8(writer.into_inner()?)?.trim_end());
        Ok(())
    }

    pub fn table(&self) {
        let numbers = |values: Vec<Option<f64>>| {
            let shown = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.4}"));
            values.into_iter().map(shown)
        };
        let titles = self.args.metrics.iter().map(title);
        let mut table = aligned(["case".to_owned()].into_iter().chain(titles));
        for (name, outcome) in &self.cases {
            let values = numbers(self.values(outcome));
            table.add_row([(*name).to_owned()].into_iter().chain(values));
        }
        if self.cases.len() > 1 {
            let means = numbers(self.means());
            table.add_row(["mean".to_owned()].into_iter().chain(means));
        }
        say!("{table}");
        for (name, outcome) in &self.cases {
            let labels = self.labels(outcome);
            if self.args.labels && !labels.is_empty() {
                say!("\n{name}\n{}", self.by_label(&labels));
            }
            for note in outcome.notes() {
                say!("{name}: {note}");
            }
            for complaint in outcome.complaints() {
                eprintln!("molar: {name}: the platform refuses this in a zip: {complaint}");
            }
            if let Some(failure) = outcome.failure() {
                eprintln!("molar: {name}: {failure}");
            }
        }
    }

    /// What any label has beside the protocol's values.
    fn further(&self) -> Vec<String> {
        let quantity = |measure: &Measure| match measure {
            Measure::Instance { quantity, .. } => Some(quantity.to_string()),
            Measure::Image(_) | Measure::Ia | Measure::Detection(..) => None,
        };
        let names: BTreeSet<_> = self.plan.measures().iter().filter_map(quantity).collect();
        let is_further = |name: &String| !["DSC", "IoU", "NSD"].contains(&name.as_str());
        names.into_iter().filter(is_further).collect()
    }

    fn by_label(&self, labels: &[LabelResult]) -> Table {
        let further = self.further();
        let heading = ["label", "DSC", "IoU", "NSD"].map(str::to_owned);
        let voxels = ["match", "reference", "prediction"].map(str::to_owned);
        let mut table = aligned(heading.iter().chain(&further).chain(&voxels).cloned());
        for one in labels {
            let shown = |value: &f64| format!("{value:.4}");
            let values = [one.dsc, one.iou, one.nsd].map(|value| shown(&value));
            let more = further.iter().map(|name| one.further.get(name));
            let more = more.map(|value| value.map_or("–".to_owned(), shown));
            let is_match = if one.is_match { "yes" } else { "no" };
            let voxels = [one.reference_voxels, one.prediction_voxels].map(|n| n.to_string());
            let label = [one.label.clone()].into_iter().chain(values).chain(more);
            table.add_row(label.chain([is_match.to_owned()]).chain(voxels));
        }
        table
    }
}

/// On lines of their own what is measured and of what, with the unit.
fn title(measure: &Measure) -> String {
    let name = measure.to_string().replace(['_', '/'], "\n");
    match measure.unit() {
        Some(unit) => format!("{name}\n{unit}"),
        None => name,
    }
}

/// All columns but the first to the right.
fn aligned(heading: impl IntoIterator<Item = String>) -> Table {
    let mut table = crate::client::table();
    table.set_header(heading);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
        column.set_padding((0, 1));
    }
    table
}
