use std::fs::Permissions;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use image::RgbImage;
use image::codecs::png::PngEncoder;
use tempfile::NamedTempFile;

/// A file that appears whole or not at all.
pub struct Target {
    path: PathBuf,
    /// Beside it; removed unless it gets the other's name.
    partial: NamedTempFile,
}

impl Target {
    pub fn open(path: PathBuf) -> anyhow::Result<Self> {
        if path.is_dir() {
            bail!("{} is a folder: name the picture's file", path.display());
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut file = tempfile::Builder::new();
        // Less the umask: a picture is no secret, as other temporary files may be.
        let file = file
            .prefix(".molar-")
            .permissions(Permissions::from_mode(0o666));
        let partial = file.tempfile_in(folder);
        let partial =
            partial.with_context(|| format!("no picture can be put in {}", folder.display()));
        Ok(Self {
            partial: partial?,
            path,
        })
    }

    pub fn write(self, picture: &RgbImage) -> anyhow::Result<PathBuf> {
        let told = || self.path.display().to_string();
        let mut writer = BufWriter::new(self.partial.as_file());
        let encoder = PngEncoder::new(&mut writer);
        picture.write_with_encoder(encoder).with_context(told)?;
        writer.flush().with_context(told)?;
        drop(writer);
        self.partial.persist(&self.path).with_context(told)?;
        Ok(self.path)
    }
}
