//! Which files belong together.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use molar_volumes::Format;
use zip::ZipArchive;

pub struct Case {
    pub name: String,
    pub format: Format,
    pub reference: PathBuf,
    /// None: there is no prediction.
    pub prediction: Option<Prediction>,
}

#[derive(Debug, Clone)]
pub enum Prediction {
    File(PathBuf),
    Member { zip: PathBuf, index: usize },
}

pub struct Found {
    /// By name.
    pub cases: Vec<Case>,
    /// Predictions without a reference.
    pub strays: Vec<String>,
}

type Key = (String, Format);

pub fn find(reference: &Path, prediction: &Path) -> anyhow::Result<Found> {
    if !reference.is_dir() {
        return pair(reference, prediction);
    }
    let references = folder(reference)?;
    if references.is_empty() {
        bail!(
            "{} holds no .json, .nii.gz or .nii file to score against",
            reference.display()
        );
    }
    let mut predictions = if prediction.is_dir() {
        let files = folder(prediction)?.into_iter();
        files
            .map(|(key, path)| (key, (path.display().to_string(), Prediction::File(path))))
            .collect()
    } else {
        members(prediction)?
    };
    let cases = references.into_iter().map(|(key, reference)| Case {
        prediction: predictions.remove(&key).map(|(_, prediction)| prediction),
        name: key.0,
        format: key.1,
        reference,
    });
    let cases = cases.collect();
    let strays = predictions.into_values().map(|(name, _)| name).collect();
    Ok(Found { cases, strays })
}

/// Two files belong together whatever they are called.
fn pair(reference: &Path, prediction: &Path) -> anyhow::Result<Found> {
    let key = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        key_of(&name)
            .with_context(|| format!("{} is no .json, .nii.gz or .nii file", path.display()))
    };
    let (name, format) = key(reference)?;
    if prediction.is_dir() {
        bail!(
            "{} is a folder and {} a file: give two of a kind",
            prediction.display(),
            reference.display()
        );
    }
    if key(prediction)?.1 != format {
        bail!(
            "{} and {} are of different formats",
            reference.display(),
            prediction.display()
        );
    }
    let case = Case {
        name,
        format,
        reference: reference.to_owned(),
        prediction: Some(Prediction::File(prediction.to_owned())),
    };
    Ok(Found {
        cases: vec![case],
        strays: Vec::new(),
    })
}

fn folder(path: &Path) -> anyhow::Result<BTreeMap<Key, PathBuf>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(path).with_context(|| path.display().to_string())? {
        let entry = entry?;
        if let Some(key) = entry.file_name().to_str().and_then(key_of)
            && let Some(other) = files.insert(key, entry.path())
        {
            bail!(
                "{} and {} are of one case",
                other.display(),
                entry.path().display()
            );
        }
    }
    Ok(files)
}

/// As the platform reads them: flat, with what desktops leave passed over.
fn members(path: &Path) -> anyhow::Result<BTreeMap<Key, (String, Prediction)>> {
    let name = || path.display().to_string();
    let archive = open_zip(path)?;
    let mut members = BTreeMap::new();
    for index in 0..archive.len() {
        let Some(member) = archive.name_for_index(index).and_then(Result::ok) else {
            continue;
        };
        let bare = member.strip_prefix("./").unwrap_or(&member);
        let prediction = Prediction::Member {
            zip: path.to_owned(),
            index,
        };
        match key_of(bare) {
            _ if bare.starts_with("__MACOSX/") => {}
            Some(_) if bare.contains('/') => bail!(
                "{}: {bare} lies in a folder, which the platform refuses: zip the files themselves, \
                 such as by `cd FOLDER && zip ../predictions.zip *`",
                name()
            ),
            Some(key) => {
                let told = format!("{} in {}", bare, name());
                if members.insert(key, (told, prediction)).is_some() {
                    bail!("{}: {bare} is not the only prediction of its case", name());
                }
            }
            None => {}
        }
    }
    Ok(members)
}

fn open_zip(path: &Path) -> anyhow::Result<ZipArchive<BufReader<File>>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    ZipArchive::new(BufReader::new(file)).with_context(|| {
        let path = path.display();
        format!(
            "{path} is no zip: with a folder of references, give a folder or a zip of predictions"
        )
    })
}

impl Prediction {
    /// Hands its bytes to `read`.
    pub fn with_bytes<T>(&self, read: impl FnOnce(&mut dyn Read) -> T) -> anyhow::Result<T> {
        match self {
            Self::File(path) => {
                let file = File::open(path).with_context(|| path.display().to_string())?;
                Ok(read(&mut BufReader::new(file)))
            }
            Self::Member { zip, index } => Ok(read(&mut open_zip(zip)?.by_index(*index)?)),
        }
    }
}

/// The case and the format that a file name tells.
fn key_of(name: &str) -> Option<Key> {
    let formats = [
        (".json", Format::Labelme),
        (".nii.gz", Format::Nifti),
        (".nii", Format::Nifti),
    ];
    let (stem, format) = formats
        .iter()
        .find_map(|(extension, format)| Some((name.strip_suffix(extension)?, *format)))?;
    let case = stem.strip_suffix("_Mask").unwrap_or(stem);
    let is_case = !case.is_empty() && !case.starts_with('.');
    is_case.then(|| (case.to_owned(), format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_told_by_its_name() {
        let key = |case: &str, format| Some((case.to_owned(), format));
        assert_eq!(key_of("A_01_Mask.json"), key("A_01", Format::Labelme));
        assert_eq!(key_of("A_01.nii"), key("A_01", Format::Nifti));
        assert_eq!(key_of("A_01_Mask.nii.gz"), key("A_01", Format::Nifti));
        for other in [
            "A_01.png",
            "_Mask.json",
            "._A_Mask.json",
            ".json",
            "manifest",
        ] {
            assert_eq!(key_of(other), None, "{other}");
        }
    }
}
