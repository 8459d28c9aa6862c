//! `manifest.csv`: every file of an export, and whose it is.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// The table of scores, a file of the export like the others.
pub const SCORES: &str = "scores.csv";

const NAME: &str = "manifest.csv";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub submission: String,
    pub team: String,
    pub case: String,
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

/// Grows beside its place, and goes there when all is there.
pub struct Manifest {
    writer: csv::Writer<File>,
    part: PathBuf,
    place: PathBuf,
}

impl Manifest {
    /// With the rows of an earlier export to the same folder, but for what is `chosen` now.
    pub fn begin(folder: &Path, chosen: &[&str]) -> anyhow::Result<Self> {
        let place = folder.join(NAME);
        let kept = match csv::Reader::from_path(&place) {
            Ok(mut reader) => reader
                .deserialize()
                .filter(|row: &csv::Result<Row>| {
                    !row.as_ref()
                        .is_ok_and(|row| chosen.contains(&first(&row.path)))
                })
                .collect::<csv::Result<Vec<Row>>>()
                .with_context(|| {
                    format!("{} is not of an export; move it away", place.display())
                })?,
            Err(_) => Vec::new(),
        };
        let part = folder.join(format!("{NAME}.part"));
        let writer = csv::Writer::from_path(&part)
            .with_context(|| format!("{} cannot be written", part.display()))?;
        let mut manifest = Self {
            writer,
            part,
            place,
        };
        for row in &kept {
            manifest.write(row)?;
        }
        Ok(manifest)
    }

    pub fn write(&mut self, row: &Row) -> anyhow::Result<()> {
        let armless = match row.team.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            // Spreadsheets take it for a formula.
            true => format!("'{}", row.team),
            false => row.team.clone(),
        };
        self.writer.serialize(Row {
            team: armless,
            ..row.clone()
        })?;
        Ok(())
    }

    pub fn finish(mut self) -> anyhow::Result<PathBuf> {
        self.writer.flush()?;
        std::fs::rename(&self.part, &self.place)?;
        Ok(self.place)
    }
}

fn first(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(path: &str, team: &str) -> Row {
        Row {
            path: path.to_owned(),
            team: team.to_owned(),
            ..Row::default()
        }
    }

    fn paths(folder: &Path) -> Vec<String> {
        let mut reader = csv::Reader::from_path(folder.join(NAME)).unwrap();
        reader
            .deserialize()
            .map(|row: csv::Result<Row>| row.unwrap().path)
            .collect()
    }

    #[test]
    fn a_later_export_replaces_its_own_rows_and_keeps_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Manifest::begin(folder.path(), &["runs", "outputs"]).unwrap();
        for path in ["runs/a", "outputs/b"] {
            first.write(&row(path, "=evil()")).unwrap();
        }
        first.finish().unwrap();
        let mut second = Manifest::begin(folder.path(), &["runs"]).unwrap();
        second.write(&row("runs/c", "Ours")).unwrap();
        // Until it is finished the first stands.
        assert_eq!(paths(folder.path()), ["runs/a", "outputs/b"]);
        let path = second.finish().unwrap();
        assert_eq!(paths(folder.path()), ["outputs/b", "runs/c"]);
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            text.starts_with("submission,team,case,path,bytes,sha256\n,'=evil(),"),
            "{text}"
        );
    }
}
