//! `molar score`: what the platform would score, at home and before anything is handed in.

mod cases;
mod explain;
mod measure;
mod pairs;
mod print;

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use molar_domain::labels;
use molar_metrics::{Groups, Measure, Metric, Spacing};
use molar_volumes::Plan;

use measure::Outcome;
use print::Results;

pub use pairs::{Scores, score};

const UNREADABLE: u8 = 3;
const UNFIT: u8 = 4;

const HELP: &str = "\
REFERENCE and PREDICTION are two files, two folders, or a folder of references and a zip of predictions \
as it would be handed in. Labels are polygons (.json, labelme) or volumes (.nii.gz, .nii); cases are \
matched by name, with `_Mask` left out.

A prediction that is missing or cannot be read scores the worst, as on the platform: 0, and for lengths \
the diagonal of the image.

Metrics are the protocol's seven (image_DSC, image_IoU, image_NSD, instance_DSC, instance_IoU, instance_NSD, \
IA) or any that a challenge can choose:
  image_HD  image_HD95  image_ASSD  image_NSD@1.5mm (any tolerance)   in mm, the same with instance_
  instance_DSC/GROUP …   over permanent, deciduous, upper, lower, incisors, canines, premolars, molars,
      or what --group says
  PQ  SQ  RQ  detection_precision  detection_recall  detection_F1
      matched by label; with @greedy or @optimal whatever the labels

Exit codes: 0 all scored; 1 a folder or zip cannot be opened, the case to explain is unknown, or its \
picture cannot be written; 2 the command line is wrong; 3 a prediction is missing, cannot be read, belongs to \
no case, or would be refused in a zip; 4 a reference cannot be scored against.

Example: molar score references/ predictions.zip --labels";

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// A file, or a folder of them.
    reference: PathBuf,
    /// A file, a folder of them, or a zip.
    prediction: PathBuf,
    /// Which metrics, by name and separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = measure, default_values_t = Metric::ALL.map(Measure::from))]
    metrics: Vec<Measure>,
    /// How far apart the pixels of images are, for metrics in mm; volumes have their own.
    #[arg(long, value_name = "MM", default_value_t = 1.0, value_parser = spacing)]
    pixel_spacing: f64,
    /// A group of labels beside the usual ones, or instead of one, such as `left=21,22`.
    #[arg(long = "group", value_name = "NAME=LABELS", value_parser = group)]
    groups: Vec<(String, Vec<i32>)>,
    /// How many cases are scored at once; all cores if not given. Distances of one case use all of them.
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// Results by label as well.
    #[arg(long)]
    labels: bool,
    /// Answer in JSON, with every digit.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Answer in CSV, with every digit: a row for each case, or for each label of each case.
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    explain: explain::Explain,
}

fn measure(name: &str) -> Result<Measure, String> {
    name.parse()
        .map_err(|error| format!("{error}; --help lists them"))
}

fn group(text: &str) -> Result<(String, Vec<i32>), String> {
    let (name, labels) = text.split_once('=').ok_or("write NAME=LABEL,LABEL…")?;
    let labels: Result<Vec<i32>, _> = labels.split(',').map(str::parse).collect();
    Groups::new([(name, [0])]).map_err(|error| error.to_string())?;
    let labels = labels.map_err(|error| format!("{error}: write NAME=LABEL,LABEL…"))?;
    Ok((name.to_owned(), labels))
}

fn spacing(mm: &str) -> Result<f64, String> {
    let mm = mm.parse().map_err(|error| format!("{error}"))?;
    Spacing::new([mm; 3]).map_err(|error| error.to_string())?;
    Ok(mm)
}

/// What is asked for beside the protocol's seven.
fn plan(args: &Args) -> anyhow::Result<Plan> {
    let mut measures = args.metrics.clone();
    measures.retain(|measure| !Metric::ALL.map(Measure::from).contains(measure));
    let mut groups = labels::groups();
    groups.extend(args.groups.iter().cloned());
    let is_known = |group: &&str| groups.contains_key(*group);
    let mut asked = measures.iter().filter_map(Measure::group);
    if let Some(unknown) = asked.find(|group| !is_known(group)) {
        let known: Vec<_> = groups.keys().map(String::as_str).collect();
        let known = known.join(", ");
        anyhow::bail!("there is no group {unknown:?}; known are {known}, or give one with --group");
    }
    Ok(Plan::new(
        measures,
        Groups::new(groups)?,
        args.pixel_spacing,
    )?)
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let plan = plan(args)?;
    let mut found = cases::find(&args.reference, &args.prediction)?;
    let explanation = args.explain.begin(&mut found.cases)?;
    let jobs = args
        .jobs
        .or_else(|| std::thread::available_parallelism().ok());
    let bar = bar(found.cases.len());
    let outcomes = measure::all(&found.cases, &plan, jobs.map_or(1, NonZero::get), || {
        bar.inc(1)
    });
    bar.finish_and_clear();

    let results: Vec<_> = found
        .cases
        .iter()
        .map(|case| &*case.name)
        .zip(&outcomes)
        .collect();
    let results = Results {
        cases: results,
        args,
        plan: &plan,
    };
    if args.json {
        say!("{}", serde_json::to_string_pretty(&results.json())?);
    } else if args.csv {
        results.csv()?;
    } else {
        results.table();
    }
    if let Some(explanation) = explanation {
        explanation.finish(&found.cases[0], results.cases[0].1)?;
    }
    for stray in &found.strays {
        eprintln!(
            "molar: {stray} belongs to no case: name it after its reference, or leave it out"
        );
    }
    let has_strays = !found.strays.is_empty();
    Ok(match code(&results) {
        0 if has_strays => UNREADABLE.into(),
        code => code.into(),
    })
}

fn code(results: &Results<'_>) -> u8 {
    let is_unfit = |outcome: &Outcome| matches!(outcome, Outcome::Unfit(_));
    let is_refused = |outcome: &Outcome| {
        matches!(outcome, Outcome::Failed { .. }) || !outcome.complaints().is_empty()
    };
    if results.any(is_unfit) {
        UNFIT
    } else if results.any(is_refused) {
        UNREADABLE
    } else {
        0
    }
}

/// On standard error, and only where that is a terminal.
fn bar(cases: usize) -> ProgressBar {
    let bar = ProgressBar::new(cases as u64);
    let style = ProgressStyle::with_template("scoring {bar:40} {pos}/{len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
