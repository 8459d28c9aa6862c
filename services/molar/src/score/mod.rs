//! `molar score`: what the platform would score, at home and before anything is handed in.

mod cases;
mod explain;
mod measure;
mod print;

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use molar_metrics::Metric;

use measure::Outcome;

const UNREADABLE: u8 = 3;
const UNFIT: u8 = 4;

const HELP: &str = "\
REFERENCE and PREDICTION are two files, two folders, or a folder of references and a zip of predictions \
as it would be handed in. Labels are polygons (.json, labelme) or volumes (.nii.gz, .nii); cases are \
matched by name, with `_Mask` left out.

A prediction that is missing or cannot be read scores 0 throughout, as on the platform.

Exit codes: 0 all scored; 1 a folder or zip cannot be opened, the case to explain is unknown, or its \
picture cannot be written; 2 the command line is wrong; 3 a prediction is missing, cannot be read, or belongs to no case; 4 a reference cannot be scored against.

Example: molar score references/ predictions.zip --labels";

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// A file, or a folder of them.
    reference: PathBuf,
    /// A file, a folder of them, or a zip.
    prediction: PathBuf,
    /// Which metrics, by name and separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = metric, default_values_t = Metric::ALL)]
    metrics: Vec<Metric>,
    /// How many cases are scored at once; all cores if not given.
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

fn metric(name: &str) -> Result<Metric, String> {
    name.parse().map_err(|error| {
        let known = Metric::ALL.map(Metric::name).join(", ");
        format!("{error}; known are {known}")
    })
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut found = cases::find(&args.reference, &args.prediction)?;
    let explanation = args.explain.begin(&mut found.cases)?;
    let jobs = args
        .jobs
        .or_else(|| std::thread::available_parallelism().ok());
    let bar = bar(found.cases.len());
    let outcomes = measure::all(&found.cases, jobs.map_or(1, NonZero::get), || bar.inc(1));
    bar.finish_and_clear();

    let results: Vec<_> = found
        .cases
        .iter()
        .map(|case| &*case.name)
        .zip(outcomes)
        .collect();
    if args.json {
        print::json(&results, args)?;
    } else if args.csv {
        print::csv(&results, args)?;
    } else {
        print::table(&results, args);
    }
    if let Some(explanation) = explanation {
        explanation.finish(&found.cases[0], &results[0].1)?;
    }
    for stray in &found.strays {
        eprintln!(
            "molar: {stray} belongs to no case: name it after its reference, or leave it out"
        );
    }
    let is_unfit = |outcome: &Outcome| matches!(outcome, Outcome::Unfit(_));
    let is_failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
    Ok(if results.iter().any(|(_, outcome)| is_unfit(outcome)) {
        UNFIT.into()
    } else if !found.strays.is_empty() || results.iter().any(|(_, outcome)| is_failed(outcome)) {
        UNREADABLE.into()
    } else {
        ExitCode::SUCCESS
    })
}

/// On standard error, and only where that is a terminal.
fn bar(cases: usize) -> ProgressBar {
    let bar = ProgressBar::new(cases as u64);
    let style = ProgressStyle::with_template("scoring {bar:40} {pos}/{len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
