//! Which files are the cases, and which reference belongs to which.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use molar_domain::challenge::Format;

#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub format: Format,
    pub image: PathBuf,
    pub reference: Option<PathBuf>,
}

const IMAGES: [(&str, Format); 4] = [
    (".jpg", Format::Labelme),
    (".jpeg", Format::Labelme),
    (".png", Format::Labelme),
    (".nii.gz", Format::Nifti),
];
const REFERENCES: [(&str, Format); 2] = [(".json", Format::Labelme), (".nii.gz", Format::Nifti)];

/// At least one, all of one format, no two of one name.
pub fn find(images: &[PathBuf], references: &[PathBuf]) -> anyhow::Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for image in images {
        let (name, format) = named(image, &IMAGES).with_context(|| {
            let image = image.display();
            format!("{image} is no case: give a .jpg, .jpeg or .png image, or a .nii.gz volume")
        })?;
        ensure!(
            is_name(name),
            "{name:?} is no name of a case: letters, digits, - and _, at most 64 of them"
        );
        if let Some(other) = cases.first() {
            ensure!(
                other.format == format,
                "images and volumes are of different tracks: try them apart"
            );
        }
        ensure!(
            !cases.iter().any(|other| other.name == name),
            "{name} is given twice"
        );
        ensure!(image.is_file(), "{} is not there", image.display());
        cases.push(Case {
            name: name.to_owned(),
            format,
            image: image.clone(),
            reference: None,
        });
    }
    for reference in references {
        assign(reference, &mut cases)?;
    }
    ensure!(!cases.is_empty(), "give a case with --case");
    Ok(cases)
}

fn assign(reference: &Path, cases: &mut [Case]) -> anyhow::Result<()> {
    let shown = reference.display();
    let (name, format) = named(reference, &REFERENCES)
        .with_context(|| format!("{shown} is no reference: give a labelme .json or a .nii.gz"))?;
    let name = name.strip_suffix("_Mask").unwrap_or(name);
    ensure!(reference.is_file(), "{shown} is not there");
    let case = cases
        .iter_mut()
        .find(|case| case.name == name && case.format == format);
    let Some(case) = case else {
        bail!("{shown} belongs to no case: name it after its case, as CASE_Mask or CASE");
    };
    ensure!(
        case.reference.is_none(),
        "{name} has two references: give one"
    );
    case.reference = Some(reference.to_owned());
    Ok(())
}

fn named<'a>(path: &'a Path, kinds: &[(&str, Format)]) -> Option<(&'a str, Format)> {
    let name = path.file_name()?.to_str()?;
    kinds
        .iter()
        .find_map(|(extension, format)| Some((name.strip_suffix(extension)?, *format)))
}

/// As the platform's: anything else has no place in the name of a prediction.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=64).contains(&name.len()) && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(names: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let place = tempfile::tempdir().unwrap();
        let paths = names.iter().map(|name| place.path().join(name));
        let paths: Vec<_> = paths.collect();
        for path in &paths {
            std::fs::write(path, "").unwrap();
        }
        (place, paths)
    }

    #[test]
    fn a_reference_belongs_to_the_case_of_its_name() {
        let (_place, files) = place(&["A.png", "B.jpg", "B_Mask.json", "A.json"]);
        let cases = find(&files[..2], &files[2..]).unwrap();
        let of = |n: usize| cases[n].reference.as_deref();
        assert_eq!(of(0), Some(&*files[3]));
        assert_eq!(of(1), Some(&*files[2]));
        assert_eq!(cases[0].format, Format::Labelme);
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_to_do() {
        let (_place, files) = place(&["A.png", "C.json", "V.nii.gz", "bad name.png", "A.txt"]);
        let said = |images: &[usize], references: &[usize]| {
            let pick = |numbers: &[usize]| -> Vec<PathBuf> {
                numbers.iter().map(|&n| files[n].clone()).collect()
            };
            find(&pick(images), &pick(references))
                .unwrap_err()
                .to_string()
        };
        assert!(said(&[0], &[1]).contains("belongs to no case: name it after"));
        assert!(said(&[0, 2], &[]).contains("try them apart"));
        assert!(said(&[0, 0], &[]).contains("given twice"));
        assert!(said(&[3], &[]).contains("letters, digits"));
        assert!(said(&[4], &[]).contains("is no case: give"));
    }
}
