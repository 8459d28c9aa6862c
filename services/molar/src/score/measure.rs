//! The same reading and scoring as the role `scoring`.

use std::fs::File;
use std::io::BufReader;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use molar_domain::labels;
use molar_metrics::Measure;
use molar_volumes::{Format, Label, Plan, Reference, Scored};

use super::cases::Case;

pub enum Outcome {
    Scored(Box<Scored>),
    /// There is no prediction that can be read.
    Failed {
        reason: String,
        /// What each measure of the plan is then.
        further: Vec<Option<f64>>,
    },
    /// The reference itself cannot be used; the reason.
    Unfit(String),
}

impl Outcome {
    /// What cannot be read is worth the worst; without a reference there is no value.
    pub fn value(&self, plan: &Plan, measure: &Measure) -> Option<f64> {
        match self {
            Self::Scored(scored) => scored.value(plan, measure),
            Self::Failed { further, .. } => {
                let mut further = plan.measures().iter().zip(further);
                let found = further.find(|(one, _)| *one == measure);
                found.map_or(Some(0.0), |(_, value)| *value)
            }
            Self::Unfit(_) => None,
        }
    }
}

/// One outcome for each case, in their order whatever the number of jobs.
pub fn all(cases: &[Case], plan: &Plan, jobs: usize, on_done: impl Fn()) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(cases.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // The receiver outlives all threads.
                    let _ = sender.send((case.name.clone(), case.format, one(case, plan)));
                }
            });
        }
        drop(sender);
        let mut outcomes: Vec<(String, Format, Outcome)> =
            receiver.iter().inspect(|_| on_done()).collect();
        outcomes.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        outcomes
            .into_iter()
            .map(|(_, _, outcome)| outcome)
            .collect()
    })
}

fn one(case: &Case, plan: &Plan) -> Outcome {
    let reference = File::open(&case.reference)
        .map_err(molar_volumes::Error::Source)
        .and_then(|file| Reference::read(case.format, BufReader::new(file), None));
    let reference = match reference {
        Ok(reference) => reference,
        Err(error) => return unfit(case, &error),
    };
    let spacing = match reference.spacing() {
        Ok(spacing) => spacing,
        Err(error) if plan.measures().iter().any(Measure::needs_spacing) => {
            return unfit(case, &error.into());
        }
        Err(_) => None,
    };
    let failed = |reason| {
        let numbers = reference.labels();
        let numbers: Vec<_> = numbers.iter().filter_map(Label::number).collect();
        let further = plan.worst(reference.geometry(), spacing, &numbers);
        Outcome::Failed { reason, further }
    };
    let Some(prediction) = &case.prediction else {
        return failed("there is no prediction of this case".to_owned());
    };
    let is_in_set = |label| is_tooth(case.format, label);
    match prediction.with_bytes(|bytes| reference.measure(bytes, plan, is_in_set)) {
        Ok(Ok(scored)) => Outcome::Scored(Box::new(scored)),
        Ok(Err(error)) => failed(told(&error)),
        Err(error) => failed(format!("{error:#}")),
    }
}

fn unfit(case: &Case, error: &molar_volumes::Error) -> Outcome {
    Outcome::Unfit(format!("{}: {}", case.reference.display(), told(error)))
}

fn told(error: &molar_volumes::Error) -> String {
    match error {
        molar_volumes::Error::Source(source) => format!("{error}: {source}"),
        error => error.to_string(),
    }
}

/// Of the challenge's tracks: volumes have no deciduous teeth.
fn is_tooth(format: Format, label: i32) -> bool {
    let is_deciduous = || labels::deciduous().contains(&label);
    labels::permanent().contains(&label) || format == Format::Labelme && is_deciduous()
}
