//! Objects brought to the disk, where measuring reads them as often and wherever it likes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use molar_objects::{Bucket, Store};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::{Error, Result};

const CHUNK: usize = 256 * 1024;

/// Brings objects into a folder, in files without a name: nothing is left of them however the process
/// ends.
#[derive(Clone)]
pub struct Fetcher {
    store: Store,
    folder: PathBuf,
}

/// An object on our disk. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fetched {
    file: Arc<File>,
    size: u64,
    /// In hexadecimal digits.
    pub sha256: String,
}

impl Fetcher {
    pub fn new(store: Store, folder: PathBuf) -> Self {
        Self { store, folder }
    }

    /// The object, if it has the size and the SHA-256 that it was announced with.
    pub async fn fetch(
        &self,
        bucket: Bucket,
        key: &str,
        size_bytes: i64,
        sha256: &str,
    ) -> Result<Fetched> {
        let object = self.store.open(bucket, key).await?;
        let changed = || Error::Changed(key.to_owned());
        if i64::try_from(object.size).ok() != Some(size_bytes) {
            return Err(changed());
        }
        let size = object.size;
        let file = tempfile::tempfile_in(&self.folder)?;
        let found = copy_hashed(
            object.into_reader().take(size),
            tokio::fs::File::from_std(file.try_clone()?),
        )
        .await?;
        if found != sha256 {
            return Err(changed());
        }
        Ok(Fetched {
            file: Arc::new(file),
            size,
            sha256: found,
        })
    }
}

async fn copy_hashed(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: tokio::fs::File,
) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await;
        // A connection that broke is the store's failure, not that of our disk.
        let read = read.map_err(molar_objects::Error::from)?;
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
        to.write_all(&chunk[..read]).await?;
    }
    to.flush().await?;
    Ok(hex::encode(hasher.finalize()))
}

impl Fetched {
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Starts at the first byte; readers do not disturb each other.
    pub fn reader(&self) -> Reader {
        Reader {
            file: self.file.clone(),
            size: self.size,
            at: 0,
        }
    }

    #[cfg(test)]
    pub fn of(content: &[u8]) -> Self {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        Self {
            file: Arc::new(file),
            size: content.len() as u64,
            sha256: hex::encode(Sha256::digest(content)),
        }
    }
}

/// Reads a file by positions of its own: a duplicated handle would share one with all others.
#[derive(Debug, Clone)]
pub struct Reader {
    file: Arc<File>,
    size: u64,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Whether reading broke on our own disk. What a decoder complains of has no number of the system's.
pub fn is_ours(error: &io::Error) -> bool {
    error.raw_os_error().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_readers_of_one_file_each_have_their_place() {
        let fetched = Fetched::of(b"0123456789");
        let (mut one, mut two) = (fetched.reader(), fetched.reader());
        one.seek(SeekFrom::End(-2)).unwrap();
        let (mut tail, mut head) = (String::new(), [0; 3]);
        two.read_exact(&mut head).unwrap();
        one.read_to_string(&mut tail).unwrap();
        assert_eq!((tail.as_str(), &head), ("89", b"012"));
        assert!(two.seek(SeekFrom::Current(-9)).is_err());
    }
}
