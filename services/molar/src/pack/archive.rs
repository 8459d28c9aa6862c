//! The zip: the same entries give the same bytes.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use indicatif::ProgressBar;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

pub struct Entry {
    /// Below the zip's one folder.
    pub name: String,
    content: Content,
    is_program: bool,
}

enum Content {
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// Packed as they are: no smaller by a second time.
const PACKED: [&str; 5] = [".gz", ".png", ".jpg", ".jpeg", ".zip"];

impl Entry {
    pub fn text(name: &str, text: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.to_owned(),
            content: Content::Bytes(text.into()),
            is_program: name.ends_with(".sh"),
        }
    }

    pub fn file(name: &str, path: &Path) -> Self {
        Self {
            name: name.to_owned(),
            content: Content::File(path.to_owned()),
            is_program: name.ends_with(".sh"),
        }
    }

    fn size(&self) -> anyhow::Result<u64> {
        match &self.content {
            Content::Bytes(bytes) => Ok(bytes.len() as u64),
            Content::File(path) => {
                let found = std::fs::metadata(path);
                let found = found.with_context(|| format!("cannot read {}", path.display()))?;
                Ok(found.len())
            }
        }
    }

    fn options(&self) -> anyhow::Result<SimpleFileOptions> {
        let is_packed = PACKED.iter().any(|end| self.name.ends_with(end));
        let method = match is_packed {
            true => CompressionMethod::Stored,
            false => CompressionMethod::Deflated,
        };
        Ok(SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(DateTime::default())
            .unix_permissions(if self.is_program { 0o755 } else { 0o644 })
            .large_file(self.size()? >= u64::from(u32::MAX)))
    }
}

pub fn size(entries: &[Entry]) -> anyhow::Result<u64> {
    entries.iter().map(Entry::size).sum()
}

/// All entries below one folder, in their order.
pub fn write(to: &Path, top: &str, entries: &[Entry], bar: &ProgressBar) -> anyhow::Result<()> {
    let mut zip = ZipWriter::new(BufWriter::new(File::create(to)?));
    for entry in entries {
        zip.start_file(format!("{top}/{}", entry.name), entry.options()?)?;
        match &entry.content {
            Content::Bytes(bytes) => {
                zip.write_all(bytes)?;
                bar.inc(bytes.len() as u64);
            }
            Content::File(path) => copy(File::open(path)?, &mut zip, bar)?,
        }
    }
    zip.finish()?.flush()?;
    Ok(())
}

fn copy(mut from: impl Read, to: &mut impl Write, bar: &ProgressBar) -> anyhow::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..read])?;
        bar.inc(read as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_entries_give_the_same_bytes_and_scripts_can_be_run() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("A.png");
        std::fs::write(&image, b"an image").unwrap();
        let bytes = |name: &str| {
            let entries = [
                Entry::text("README.md", "read me"),
                Entry::text("template/build.sh", "#!/bin/sh"),
                Entry::file("samples/A.png", &image),
            ];
            assert_eq!(size(&entries).unwrap(), 7 + 9 + 8);
            let path = folder.path().join(name);
            write(&path, "demo-opg", &entries, &ProgressBar::hidden()).unwrap();
            std::fs::read(path).unwrap()
        };
        let one = bytes("one.zip");
        // Whatever the files' own times are.
        let later = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1 << 30);
        File::options()
            .write(true)
            .open(&image)
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert_eq!(one, bytes("two.zip"));
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(one)).unwrap();
        let names: Vec<_> = (0..3)
            .map(|at| zip.by_index(at).unwrap().name().unwrap().into_owned())
            .collect();
        assert!(
            names.iter().all(|name| name.starts_with("demo-opg/")),
            "{names:?}"
        );
        let mode =
            |zip: &mut zip::ZipArchive<_>, at| zip.by_index(at).unwrap().unix_mode().unwrap();
        assert_eq!(
            (mode(&mut zip, 0) & 0o777, mode(&mut zip, 1) & 0o777),
            (0o644, 0o755)
        );
    }
}
