//! A table for people, JSON and CSV for programs.

use comfy_table::{CellAlignment, Table};
use molar_domain::evaluation::SCORER_VERSION;
use molar_metrics::{LabelScore, Metric};
use molar_volumes::Label;
use serde_json::{Map, Value, json};

use super::Args;
use super::measure::Outcome;

type Results<'a> = [(&'a str, Outcome)];

impl Outcome {
    /// What cannot be read is worth nothing; without a reference there is no value.
    fn value(&self, metric: Metric) -> Option<f64> {
        match self {
            Self::Scored(scored) => Some(scored.scores.value(metric)),
            Self::Failed(_) => Some(0.0),
            Self::Unfit(_) => None,
        }
    }

    fn labels(&self) -> &[LabelScore<Label>] {
        match self {
            Self::Scored(scored) => &scored.scores.labels,
            Self::Failed(_) | Self::Unfit(_) => &[],
        }
    }

    fn failure(&self) -> Option<&str> {
        match self {
            Self::Scored(_) => None,
            Self::Failed(reason) | Self::Unfit(reason) => Some(reason),
        }
    }

    fn notes(&self) -> Vec<String> {
        match self {
            Self::Scored(scored) => scored.notes.iter().map(ToString::to_string).collect(),
            Self::Failed(_) | Self::Unfit(_) => Vec::new(),
        }
    }
}

/// Over the cases that have a value.
fn mean(results: &Results<'_>, metric: Metric) -> Option<f64> {
    let values = results
        .iter()
        .filter_map(|(_, outcome)| outcome.value(metric));
    let (count, sum) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

pub fn json(results: &Results<'_>, args: &Args) -> anyhow::Result<()> {
    let values = |value: &dyn Fn(Metric) -> Option<f64>| {
        let entry = |metric: &Metric| (metric.name().to_owned(), json!(value(*metric)));
        Value::Object(args.metrics.iter().map(entry).collect::<Map<_, _>>())
    };
    let case = |(name, outcome): &(&str, Outcome)| {
        json!({
            "case": name,
            "values": values(&|metric| outcome.value(metric)),
            "labels": outcome.labels().iter().map(label).collect::<Vec<_>>(),
            "notes": outcome.notes(),
            "failure": outcome.failure(),
        })
    };
    let all = json!({
        "scorer_version": SCORER_VERSION,
        "cases": results.iter().map(case).collect::<Vec<_>>(),
        "mean": values(&|metric| mean(results, metric)),
    });
    say!("{}", serde_json::to_string_pretty(&all)?);
    Ok(())
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

pub fn csv(results: &Results<'_>, args: &Args) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if args.labels {
        writer.write_record(["case", "label", "DSC", "IoU", "NSD", "is_match"])?;
        for (name, outcome) in results {
            for score in outcome.labels() {
                let values = [score.dsc, score.iou, score.nsd].map(|value| value.to_string());
                let words = [(*name).to_owned(), score.label.to_string()];
                let is_match = [score.is_match.to_string()];
                writer.write_record(words.iter().chain(&values).chain(&is_match))?;
            }
        }
    } else {
        let names = args.metrics.iter().map(|metric| metric.name());
        writer.write_record(["case"].into_iter().chain(names).chain(["failure"]))?;
        for (name, outcome) in results {
            let values = args.metrics.iter().map(|metric| outcome.value(*metric));
            let values = values.map(|value| value.map(|v| v.to_string()).unwrap_or_default());
            let failure = outcome.failure().unwrap_or_default().to_owned();
            let words = [(*name).to_owned()].into_iter();
            writer.write_record(words.chain(values).chain([failure]))?;
        }
    }
    say!("{}", String::from_utf8(writer.into_inner()?)?.trim_end());
    Ok(())
}

pub fn table(results: &Results<'_>, args: &Args) {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
    let headings = args
        .metrics
        .iter()
        .map(|metric| metric.name().replace('_', "\n"));
    let mut table = numbers(["case".to_owned()].into_iter().chain(headings));
    for (name, outcome) in results {
        let values = args
            .metrics
            .iter()
            .map(|metric| number(outcome.value(*metric)));
        table.add_row([(*name).to_owned()].into_iter().chain(values));
    }
    if results.len() > 1 {
        let means = args
            .metrics
            .iter()
            .map(|metric| number(mean(results, *metric)));
        table.add_row(["mean".to_owned()].into_iter().chain(means));
    }
    say!("{table}");
    for (name, outcome) in results {
        if args.labels && !outcome.labels().is_empty() {
            say!("\n{name}\n{}", by_label(outcome.labels()));
        }
        for note in outcome.notes() {
            say!("{name}: {note}");
        }
        if let Some(failure) = outcome.failure() {
            eprintln!("molar: {name}: {failure}");
        }
    }
}

fn by_label(labels: &[LabelScore<Label>]) -> Table {
    let heading = [
        "label",
        "DSC",
        "IoU",
        "NSD",
        "match",
        "reference",
        "prediction",
    ];
    let mut table = numbers(heading.map(str::to_owned));
    for score in labels {
        let values = [score.dsc, score.iou, score.nsd].map(|value| format!("{value:.4}"));
        let [dsc, iou, nsd] = values;
        let is_match = if score.is_match { "yes" } else { "no" };
        let voxels = [score.reference_voxels, score.prediction_voxels].map(|n| n.to_string());
        let [reference, prediction] = voxels;
        let label = score.label.to_string();
        table.add_row([
            label,
            dsc,
            iou,
            nsd,
            is_match.to_owned(),
            reference,
            prediction,
        ]);
    }
    table
}

/// All columns but the first to the right.
fn numbers(heading: impl IntoIterator<Item = String>) -> Table {
    let mut table = crate::client::table();
    table.set_header(heading);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
        column.set_padding((0, 1));
    }
    table
}
