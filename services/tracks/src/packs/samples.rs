//! Which cases may be given away: those of a public split whose references were found good, byte for byte as
//! they are stored.

use std::collections::BTreeSet;

use molar_web_kit::Complaints;
use serde::Deserialize;

use super::rows::Sample;

pub const MOST: usize = 10;

#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSample {
    /// Slug of a public split of the track.
    pub split: String,
    pub case: String,
    /// Of the image in the zip; 64 hexadecimal digits.
    pub image_sha256: String,
    /// Of the reference in the zip.
    pub reference_sha256: String,
}

impl NewSample {
    pub fn name(&self) -> String {
        format!("{}/{}", self.split, self.case)
    }
}

/// Holds the samples against what is there.
pub fn check(wrong: &mut Complaints, asked: &[NewSample], there: &[Sample]) {
    let count = asked.len();
    wrong.check(
        (1..=MOST).contains(&count),
        "/samples",
        format!("must be 1 to {MOST} cases, are {count}"),
    );
    let mut names = BTreeSet::new();
    for (n, new) in asked.iter().enumerate() {
        let at = format!("/samples/{n}");
        wrong.check(names.insert(new.name()), &at, "is there twice");
        let found = there
            .iter()
            .find(|found| found.split == new.split && found.case == new.case);
        if let Some((field, why)) = complaint(new, found) {
            wrong.add(format!("{at}/{field}"), why);
        }
    }
}

fn complaint(new: &NewSample, found: Option<&Sample>) -> Option<(&'static str, String)> {
    let (split, case) = (&new.split, &new.case);
    let Some(found) = found else {
        return Some(("split", format!("the track has no split `{split}`")));
    };
    if !found.is_public {
        let why = format!(
            "the split `{split}` is hidden; a pack is given to teams, so its cases are of a public one"
        );
        return Some(("split", why));
    }
    if !found.has_references {
        let why = format!("the split `{split}` has no references; a sample case comes with one");
        return Some(("split", why));
    }
    let Some(image) = &found.image_sha256 else {
        let why = format!("no case `{case}` is stored in the split `{split}`");
        return Some(("case", why));
    };
    let Some(reference) = &found.reference_sha256 else {
        let why = format!("the case `{case}` has no reference; upload it with its split first");
        return Some(("case", why));
    };
    if found.is_good != Some(true) {
        let why = match found.is_good {
            None => format!("the reference of `{case}` was not read yet; try again in a minute"),
            Some(_) => {
                format!("the reference of `{case}` was found bad; upload a better one first")
            }
        };
        return Some(("case", why));
    }
    let differs = |what: &str| format!("the {what} of `{case}` in the zip is not the stored one");
    if *image != new.image_sha256 {
        return Some(("image_sha256", differs("image")));
    }
    (*reference != new.reference_sha256).then(|| ("reference_sha256", differs("reference")))
}
