//! The same scoring for another command, of files that it has paired itself.

use std::path::PathBuf;

use clap::Parser;
use molar_volumes::{Format, Plan};
use serde_json::Value;

use super::cases::{Case, Prediction};
use super::measure::{self, Outcome};
use super::print::Results;
use super::{Args, code, plan};

/// With the protocol's seven metrics.
pub struct Scores {
    args: Args,
    plan: Plan,
    cases: Vec<(String, Outcome)>,
}

/// A command line without an option.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Of (case, reference, prediction); a prediction that is not there scores the worst.
pub fn score(format: Format, mut pairs: Vec<(String, PathBuf, PathBuf)>) -> anyhow::Result<Scores> {
    pairs.sort();
    let Line { args } = Line::try_parse_from(["score", "references", "predictions"])?;
    let plan = plan(&args)?;
    let cases = pairs.into_iter().map(|(name, reference, prediction)| Case {
        name,
        format,
        reference,
        prediction: prediction.is_file().then_some(Prediction::File(prediction)),
    });
    let cases: Vec<_> = cases.collect();
    let outcomes = measure::all(&cases, &plan, 1, || {});
    let names = cases.into_iter().map(|case| case.name);
    Ok(Scores {
        args,
        plan,
        cases: names.zip(outcomes).collect(),
    })
}

impl Scores {
    pub fn json(&self) -> Value {
        self.with(|results| results.json())
    }

    pub fn table(&self) {
        self.with(|results| results.table());
    }

    /// As `molar score` would exit.
    pub fn code(&self) -> u8 {
        self.with(code)
    }

    fn with<T>(&self, of: impl FnOnce(&Results<'_>) -> T) -> T {
        let Self { args, plan, cases } = self;
        let cases = cases.iter().map(|(name, outcome)| (&**name, outcome));
        of(&Results {
            cases: cases.collect(),
            args,
            plan,
        })
    }
}
