//! Readers between the bytes of an archive and what is understood of them.

use std::cell::Cell;
use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::ArchiveError;
use super::tarball::Reader;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const HEAD: u64 = 1024;

/// What a file looks like by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Tar,
    Gzip,
    Zstd,
    Other,
}

/// The head of a file, and what it looks like.
pub(super) fn look(reader: &mut impl Read) -> io::Result<(Vec<u8>, Look)> {
    let head = peek(reader, HEAD)?;
    let look = if head.starts_with(&GZIP) {
        Look::Gzip
    } else if head.starts_with(&ZSTD) {
        Look::Zstd
    } else if looks_like_tar(&head) {
        Look::Tar
    } else {
        Look::Other
    };
    Ok((head, look))
}

/// The plain tar of an archive that may be gzipped.
pub(super) fn unpack<'a>(reader: impl Read + 'a) -> Result<Box<dyn Read + 'a>, ArchiveError> {
    let mut reader = BufReader::with_capacity(1 << 17, reader);
    let (head, outside) = look(&mut reader)?;
    let raw = Cursor::new(head).chain(reader);
    let mut tar: Box<dyn Read + 'a> = match outside {
        Look::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 17, raw))),
        Look::Zstd => {
            return Err(ArchiveError::NotAnArchive(
                "it is compressed with zstd".into(),
            ));
        }
        Look::Tar | Look::Other => Box::new(raw),
    };
    let (head, inside) = look(&mut tar)?;
    if inside != Look::Tar {
        let what = "it is neither a tar file nor a gzipped one";
        return Err(ArchiveError::NotAnArchive(what.into()));
    }
    Ok(Box::new(Cursor::new(head).chain(tar)))
}

/// The plain tar of a layer, which must be as it looks.
pub(super) fn unpack_layer<'a>(reader: impl Read + 'a, look: Look) -> Box<dyn Read + 'a> {
    match look {
        Look::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(
            1 << 16,
            reader,
        ))),
        Look::Tar | Look::Zstd | Look::Other => Box::new(reader),
    }
}

/// A tar of nothing is zeros: Docker saves an empty layer so.
fn looks_like_tar(head: &[u8]) -> bool {
    head.len() >= 512
        && (&head[257..262] == b"ustar"
            || head.iter().all(|&byte| byte == 0)
            || Reader::new(&head[..512]).next().is_ok())
}

fn peek(reader: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(count).read_to_end(&mut head)?;
    Ok(head)
}

pub(super) struct Hashing<R> {
    inner: R,
    hash: Sha256,
    pub count: u64,
}

impl<R> Hashing<R> {
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            count: 0,
        }
    }

    pub fn digest(self) -> String {
        format!("sha256:{}", hex::encode(self.hash.finalize()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.count += count as u64;
        Ok(count)
    }
}

/// Stops a bomb while it unpacks.
pub(super) struct Metered<'a, R> {
    pub inner: R,
    pub spent: &'a Cell<u64>,
    pub limit: u64,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.spent.set(self.spent.get() + count as u64);
        if self.spent.get() > self.limit {
            return Err(io::Error::other(OverLimit(self.limit)));
        }
        Ok(count)
    }
}

/// Travels through the readers above as an I/O error.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes unpacked")]
pub(super) struct OverLimit(pub u64);
