//! The template of a container: the example algorithm, or a folder of the organizer's.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::archive::Entry;

macro_rules! of_the_example {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../../../deploy/example-algorithm/", $path)).as_slice())),*]
    };
}

/// Enough to build it anywhere: its `Cargo.toml` is the one that needs no workspace.
const EXAMPLE: &[(&str, &[u8])] = of_the_example![
    "Dockerfile",
    "README.md",
    "build-image.sh",
    "predict.sh",
    "src/cbct.rs",
    "src/cbct/arch.rs",
    "src/cbct/bite.rs",
    "src/components.rs",
    "src/contour.rs",
    "src/lib.rs",
    "src/main.rs",
    "src/nifti.rs",
    "src/numbering.rs",
    "src/opg.rs",
    "src/params.rs",
    "src/threshold.rs",
    "variants/careful.params",
    "variants/eager.params",
    "variants/even.params",
    "variants/strict.params",
];

const MANIFEST: &[u8] = include_bytes!("../../../../deploy/example-algorithm/standalone.toml");

pub fn example() -> Vec<Entry> {
    let manifest = [("Cargo.toml", MANIFEST)];
    let files = manifest.iter().chain(EXAMPLE);
    files
        .map(|(name, bytes)| Entry::text(&format!("template/{name}"), *bytes))
        .collect()
}

/// Every file of the folder, links left out: what they point to may be nobody's business.
pub fn of_folder(folder: &Path) -> anyhow::Result<Vec<Entry>> {
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    files.sort();
    ensure!(!files.is_empty(), "{} holds no file", folder.display());
    let entry = |path: &PathBuf| {
        let inner = path.strip_prefix(folder)?;
        let name = inner.to_str().with_context(|| {
            let shown = path.display();
            format!("{shown} has a name that is not UTF-8")
        })?;
        Ok(Entry::file(&format!("template/{name}"), path))
    };
    files.iter().map(entry).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder);
    for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn repository() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn every_source_of_the_example_is_in_the_template() {
        let example = repository().join("deploy/example-algorithm");
        for folder in ["src", "variants"] {
            for entry in of_folder(&example.join(folder)).unwrap() {
                let name = entry.name.replacen("template", folder, 1);
                assert!(EXAMPLE.iter().any(|(known, _)| *known == name), "{name}");
            }
        }
    }

    #[test]
    fn links_of_a_folder_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let template = folder.path().join("template");
        let elsewhere = folder.path().join("elsewhere");
        for made in [&template, &elsewhere] {
            std::fs::create_dir(made).unwrap();
        }
        let secret = elsewhere.join("secret");
        std::fs::write(&secret, "nobody's business").unwrap();
        std::fs::write(template.join("Dockerfile"), "FROM scratch").unwrap();
        symlink(&secret, template.join("file")).unwrap();
        symlink(&elsewhere, template.join("folder")).unwrap();
        symlink("nowhere", template.join("dangling")).unwrap();
        let entries = of_folder(&template).unwrap();
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["template/Dockerfile"]);
    }

    #[test]
    fn the_template_builds_with_what_the_workspace_builds_it_with() {
        let read = |path: PathBuf| -> toml::Table {
            std::fs::read_to_string(path).unwrap().parse().unwrap()
        };
        let alone: toml::Table = std::str::from_utf8(MANIFEST).unwrap().parse().unwrap();
        let workspace = read(repository().join("Cargo.toml"));
        let member = read(repository().join("deploy/example-algorithm/Cargo.toml"));
        let of = |table: &toml::Table, name: &str| table["dependencies"][name].clone();
        for name in member["dependencies"].as_table().unwrap().keys() {
            let expected = workspace["workspace"]["dependencies"][name].clone();
            assert_eq!(of(&alone, name), expected, "{name}");
        }
        assert_eq!(alone["package"]["name"], member["package"]["name"]);
        let edition = &workspace["workspace"]["package"]["edition"];
        assert_eq!(&alone["package"]["edition"], edition);
    }
}
