//! The same reading and scoring as the role `scoring`.

use std::fs::File;
use std::io::BufReader;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use molar_domain::labels;
use molar_volumes::{Format, Reference, Scored};

use super::cases::Case;

pub enum Outcome {
    Scored(Box<Scored>),
    /// There is no prediction that can be read; the reason.
    Failed(String),
    /// The reference itself cannot be used; the reason.
    Unfit(String),
}

/// One outcome for each case, in their order whatever the number of jobs.
pub fn all(cases: &[Case], jobs: usize, on_done: impl Fn()) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(cases.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // The receiver outlives all threads.
                    let _ = sender.send((case.name.clone(), case.format, one(case)));
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

fn one(case: &Case) -> Outcome {
    let reference = File::open(&case.reference)
        .map_err(molar_volumes::Error::Source)
        .and_then(|file| Reference::read(case.format, BufReader::new(file), None));
    let reference = match reference {
        Ok(reference) => reference,
        Err(error) => {
            let file = case.reference.display();
            return Outcome::Unfit(format!("{file}: {}", told(&error)));
        }
    };
    let Some(prediction) = &case.prediction else {
        return Outcome::Failed("there is no prediction of this case".to_owned());
    };
    let is_in_set = |label| is_tooth(case.format, label);
    match prediction.with_bytes(|bytes| reference.score(bytes, is_in_set)) {
        Ok(Ok(scored)) => Outcome::Scored(Box::new(scored)),
        Ok(Err(error)) => Outcome::Failed(told(&error)),
        Err(error) => Outcome::Failed(format!("{error:#}")),
    }
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
