//! Takes the layers out of a checked archive, each into a file of its own.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::choose::{Chosen, choose};
use super::documents::Documents;
use super::inspect::is_fixed_document;
use super::stream::{Hashing, Look, Metered, look, unpack, unpack_layer};
use super::tarball::{Kind, Reader};
use super::{ArchiveError, Limits};

/// The name of the config's file; the layers' are those of their hashes.
pub const CONFIG_FILE: &str = "config";

const STEP: usize = 1 << 16;

/// A layer as it was written, gzipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedLayer {
    pub diff_id: String,
    pub unpacked_bytes: u64,
    pub size_bytes: u64,
    /// Hex, of the file.
    pub sha256: String,
}

impl PackedLayer {
    /// Within the folder that it was written to.
    pub fn file_name(&self) -> &str {
        self.diff_id.trim_start_matches("sha256:")
    }
}

/// Writes the config and those layers of `image` that `wanted` names by the file of the archive that
/// holds them. A file that is not the layer it should be is an error.
pub fn split(
    archive: impl Read,
    limits: &Limits,
    image: &str,
    wanted: &BTreeMap<String, String>,
    folder: &Path,
) -> Result<Vec<PackedLayer>, ArchiveError> {
    let mut documents = Documents::new(limits.json_bytes);
    let mut source = Reader::new(unpack(archive)?);
    let unpacked = Cell::new(0);
    let mut packed = Vec::new();
    while let Some(entry) = source.next()? {
        documents.add_name(&entry)?;
        if entry.kind != Kind::File {
            continue;
        }
        let (head, looks) = look(&mut source)?;
        let mut whole = Cursor::new(head).chain(&mut source);
        let place = std::str::from_utf8(&entry.path).ok();
        if is_fixed_document(&entry.path) || looks == Look::Other {
            documents.add_text(&entry, &mut whole)?;
        } else if let Some(diff_id) = place.and_then(|place| wanted.get(place)) {
            let layer = Metered {
                inner: unpack_layer(&mut whole, looks),
                spent: &unpacked,
                limit: limits.uncompressed_bytes,
            };
            packed.push(pack(layer, diff_id, folder)?);
        }
    }
    write_config(&choose(&documents)?, image, folder)?;
    Ok(packed)
}

fn pack(layer: impl Read, diff_id: &str, folder: &Path) -> Result<PackedLayer, ArchiveError> {
    let mut layer = Hashing::new(layer);
    let name = diff_id.trim_start_matches("sha256:");
    let file = HashingFile::create(&folder.join(name))?;
    let mut gzip = GzEncoder::new(file, Compression::fast());
    copy_in_steps(&mut layer, &mut gzip)?;
    let (size_bytes, sha256) = gzip.finish()?.finish()?;
    let unpacked_bytes = layer.count;
    same("layer", diff_id, layer.digest())?;
    Ok(PackedLayer {
        diff_id: diff_id.to_owned(),
        unpacked_bytes,
        size_bytes,
        sha256,
    })
}

/// In steps of one size, on which the compressor's output depends: so it is the same from every archive
/// that holds the layer, and two who bring it at once put one object.
fn copy_in_steps(mut from: impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut step = Vec::with_capacity(STEP);
    loop {
        step.clear();
        (&mut from).take(STEP as u64).read_to_end(&mut step)?;
        if step.is_empty() {
            return Ok(());
        }
        to.write_all(&step)?;
    }
}

fn write_config(chosen: &Chosen, image: &str, folder: &Path) -> Result<(), ArchiveError> {
    same("config", image, chosen.digest())?;
    Ok(std::fs::write(
        folder.join(CONFIG_FILE),
        &chosen.config_bytes,
    )?)
}

fn same(what: &str, expected: &str, found: String) -> Result<(), ArchiveError> {
    if expected == found {
        return Ok(());
    }
    Err(ArchiveError::WrongDigest {
        what: what.to_owned(),
        expected: expected.to_owned(),
        found,
    })
}

struct HashingFile {
    file: File,
    hash: Sha256,
    count: u64,
}

impl HashingFile {
    fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::create_new(path)?,
            hash: Sha256::new(),
            count: 0,
        })
    }

    fn finish(mut self) -> io::Result<(u64, String)> {
        self.file.flush()?;
        Ok((self.count, hex::encode(self.hash.finalize())))
    }
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
