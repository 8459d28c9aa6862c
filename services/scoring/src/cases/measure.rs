//! The measuring itself, off the async threads.

use std::io::Read;

use molar_volumes::{Error as VolumeError, Reference, Scored, prediction_name};

use super::task::Task;
use super::zips::{Fault, with_member};
use crate::error::{Error, Result};
use crate::fetch::{self, Fetched};

/// The bytes of a prediction, on our disk.
pub enum Source {
    Zip(Fetched),
    File(Fetched),
}

pub enum Outcome {
    Scored(Box<Scored>),
    /// With the reason, for the team.
    Unreadable(String),
}

/// Measures a prediction against its reference. What is wrong with the prediction is an outcome.
pub fn measure(task: &Task, reference: &Reference, source: &Source) -> Result<Outcome> {
    let score = |bytes: &mut dyn Read| {
        let is_in_set = |label| task.labels.contains(&label);
        outcome(reference.measure(bytes, &task.plan, is_in_set))
    };
    match source {
        Source::File(file) => score(&mut file.reader()),
        Source::Zip(zip) => {
            let name = prediction_name(&task.case_name, task.format);
            with_member(zip, &name, score).unwrap_or_else(|fault| match fault {
                Fault::Theirs(detail) => Ok(Outcome::Unreadable(detail)),
                Fault::Ours(error) => Err(Error::File(error)),
            })
        }
    }
}

fn outcome(result: molar_volumes::Result<Scored>) -> Result<Outcome> {
    match result {
        Ok(scored) => Ok(Outcome::Scored(Box::new(scored))),
        Err(VolumeError::Source(error)) if fetch::is_ours(&error) => Err(Error::File(error)),
        // Out of the zip come damaged bytes, too.
        Err(VolumeError::Source(error)) => {
            Ok(Outcome::Unreadable(format!("the zip is damaged: {error}")))
        }
        // What was called good when it was read has changed its mind: nothing of the team's.
        Err(error @ VolumeError::Reference(_)) => Err(Error::File(std::io::Error::other(error))),
        Err(error) => Ok(Outcome::Unreadable(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use molar_domain::EvaluationId;
    use molar_volumes::{Format, Geometry, Plan};

    use super::*;
    use crate::cases::task::{Object, Prediction};
    use crate::testing::{polygons, zip_of};

    fn task() -> Task {
        let object = Object {
            key: String::new(),
            size_bytes: 0,
            sha256: String::new(),
        };
        Task {
            evaluation: EvaluationId(uuid::Uuid::nil()),
            case_name: "Case_01".to_owned(),
            format: Format::Labelme,
            labels: vec![11],
            reference: object.clone(),
            geometry: Geometry::image(8, 16),
            spacing: None,
            reference_labels: vec![11],
            plan: Plan::default(),
            prediction: Prediction::Zip(object),
        }
    }

    fn reason(zip: Vec<u8>) -> String {
        let reference = polygons((8, 16), &[("11", [2, 2, 5, 5])]);
        let source = Source::Zip(Fetched::of(&zip));
        let reference = Reference::read(Format::Labelme, reference.as_bytes(), None).unwrap();
        match measure(&task(), &reference, &source).unwrap() {
            Outcome::Unreadable(reason) => reason,
            Outcome::Scored(scored) => panic!("{scored:?}"),
        }
    }

    #[test]
    fn a_member_with_damaged_bytes_is_unreadable_and_no_fault_of_ours() {
        let content = polygons((8, 16), &[("11", [2, 2, 5, 5])]);
        let mut zip = zip_of(&[("Case_01_Mask.json", &content)]);
        // Within the packed content, behind the local header and the name.
        zip[30 + "Case_01_Mask.json".len() + 20] ^= 0xff;
        let reason = reason(zip);
        assert!(reason.starts_with("the zip is damaged"), "{reason}");
    }

    #[test]
    fn a_wrong_size_is_told() {
        let content = polygons((8, 8), &[("11", [2, 2, 5, 5])]);
        insta::assert_snapshot!(
            reason(zip_of(&[("Case_01_Mask.json", &content)])),
            @"it is 8 × 8 (height × width), the case is 8 × 16 (height × width): write the result at the size of the case's image"
        );
    }
}
