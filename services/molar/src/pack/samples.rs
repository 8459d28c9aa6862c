//! The files of the sample cases.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use molar_domain::challenge::is_case_name;

use super::facts::Track;
use crate::client::upload::fingerprint_of;

#[derive(Debug)]
pub struct Sample {
    pub split: String,
    pub case: String,
    pub image_name: String,
    pub image: PathBuf,
    pub reference: PathBuf,
    pub image_sha256: String,
    pub reference_sha256: String,
}

/// In the order in which they were asked for.
pub fn find(track: &Track, data: &[PathBuf], cases: &[String]) -> anyhow::Result<Vec<Sample>> {
    let mut found: Vec<Sample> = Vec::new();
    for name in cases {
        let (split, case) = name.split_once('/').with_context(|| {
            format!(
                "a case is written split/case, such as training-labelled/Case_01; `{name}` is not"
            )
        })?;
        ensure!(
            !found.iter().any(|other| other.case == case),
            "{case} is named twice"
        );
        require_public(track, split)?;
        found.push(one(track, data, split, case)?);
    }
    Ok(found)
}

/// The platform asks the same; nothing hidden is even read here.
fn require_public(track: &Track, split: &str) -> anyhow::Result<()> {
    let Some(known) = track.splits.iter().find(|known| known.slug == split) else {
        let public = track.splits.iter().filter(|split| split.is_public);
        let public: Vec<_> = public.map(|split| &*split.slug).collect();
        let public = public.join(", ");
        bail!(
            "the track {} has no split `{split}`; its public ones are {public}",
            track.slug
        )
    };
    ensure!(
        known.is_public,
        "the split `{split}` is hidden; a pack is given to teams, so its cases are of a public one"
    );
    ensure!(
        known.has_references,
        "the split `{split}` has no references; a sample case comes with one"
    );
    Ok(())
}

fn one(track: &Track, data: &[PathBuf], split: &str, case: &str) -> anyhow::Result<Sample> {
    ensure!(
        is_case_name(case),
        "`{case}` is no name of a case: letters, digits, - and _, at most 64 of them"
    );
    let endings = track.format.image_endings();
    let images: Vec<String> = endings.iter().map(|end| format!("{case}{end}")).collect();
    let image = first(data, "images", &images)?;
    let reference = first(data, "references", &[track.format.prediction_name(case)])?;
    let hash = |path: &Path| -> anyhow::Result<String> {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(fingerprint_of(&bytes).sha256)
    };
    let image_name = image.file_name().unwrap_or_default().to_string_lossy();
    Ok(Sample {
        split: split.to_owned(),
        case: case.to_owned(),
        image_name: image_name.into_owned(),
        image_sha256: hash(&image)?,
        reference_sha256: hash(&reference)?,
        image,
        reference,
    })
}

fn first(data: &[PathBuf], below: &str, names: &[String]) -> anyhow::Result<PathBuf> {
    let folders = data.iter().map(|folder| folder.join(below));
    let mut paths = folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    paths.find(|path| path.is_file()).with_context(|| {
        let data: Vec<_> = data
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        format!(
            "there is no {below}/{} in {}",
            names.join(" or "),
            data.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use molar_domain::challenge::Format;

    use super::super::facts::Split;
    use super::*;

    fn track() -> Track {
        let split = |slug: &str, is_public, has_references| Split {
            slug: slug.to_owned(),
            is_public,
            has_references,
        };
        Track {
            id: String::new(),
            slug: "opg".to_owned(),
            title: "OPG".to_owned(),
            format: Format::Labelme,
            labels: vec![11],
            groups: Default::default(),
            pixel_spacing_mm: None,
            splits: vec![
                split("labelled", true, true),
                split("unlabelled", true, false),
                split("test", false, true),
            ],
            phases: Vec::new(),
        }
    }

    #[test]
    fn what_cannot_be_given_away_is_told_before_anything_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["images/A.jpg", "images/B.png", "references/A_Mask.json"] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        let data = [folder.path().to_owned()];
        let said = |cases: &[&str]| {
            let cases: Vec<String> = cases.iter().map(|case| (*case).to_owned()).collect();
            find(&track(), &data, &cases).unwrap_err().to_string()
        };
        assert!(said(&["A"]).contains("written split/case"));
        assert!(said(&["train/A"]).contains("its public ones are labelled, unlabelled"));
        assert!(said(&["test/A"]).contains("is hidden"));
        assert!(said(&["unlabelled/A"]).contains("has no references"));
        assert!(said(&["labelled/B"]).contains("no references/B_Mask.json in"));
        assert!(said(&["labelled/C"]).contains("no images/C.png or C.jpg or C.jpeg in"));
        assert!(said(&["labelled/A", "labelled/A"]).contains("named twice"));
        assert!(said(&["labelled/../A"]).contains("no name of a case"));
        let found = find(&track(), &data, &["labelled/A".to_owned()]).unwrap();
        assert_eq!(found[0].image_name, "A.jpg");
        assert_ne!(found[0].image_sha256, found[0].reference_sha256);
    }
}
