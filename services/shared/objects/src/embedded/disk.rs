//! How objects lie in the data folder.
//!
//! ```text
//! buckets/<bucket>/<key>               an object: its content, then what is known of it, then MAGIC
//! multipart/<upload id>/upload.json    what is being uploaded
//! multipart/<upload id>/part-00001     a part, in the same form as an object
//! draft/                               what is being written; emptied at start
//! ```
//!
//! An object is one file that appears under its name by a rename once it is complete and on disk, so
//! that a process or a machine that dies leaves the old object, the new one or none, never a piece.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

const MAGIC: &[u8; 8] = b"molarobj";
/// The length of what is known, 4 bytes little endian, and the magic.
const TAIL: u64 = 12;
const LONGEST_SEGMENT: usize = 255;

#[derive(Debug)]
pub struct Disk {
    buckets: PathBuf,
    multipart: PathBuf,
    draft: PathBuf,
    /// Locked while we live.
    _lock: File,
}

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    pub etag: String,
    /// As in the header that brought it: base64.
    pub sha256: Option<String>,
    pub content_type: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Upload {
    pub bucket: String,
    pub key: String,
    pub content_type: Option<String>,
}

/// An object or a part, open at its first byte.
#[derive(Debug)]
pub struct Opened {
    pub file: File,
    pub size: u64,
    pub meta: Meta,
    pub modified: SystemTime,
}

impl Disk {
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let [buckets, multipart, draft] =
            ["buckets", "multipart", "draft"].map(|name| data_dir.join(name));
        for folder in [&buckets, &multipart, &draft] {
            fs::create_dir_all(folder)?;
        }
        let lock = File::create(data_dir.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::other("the data folder is in use"),
            fs::TryLockError::Error(error) => error,
        })?;
        for left_over in fs::read_dir(&draft)? {
            fs::remove_file(left_over?.path())?;
        }
        Ok(Self {
            buckets,
            multipart,
            draft,
            _lock: lock,
        })
    }

    pub fn bucket(&self, bucket: &str) -> PathBuf {
        self.buckets.join(bucket)
    }

    /// `None` for a key that could be read as another file than its own.
    pub fn object(&self, bucket: &str, key: &str) -> Option<PathBuf> {
        is_plain(key).then(|| self.bucket(bucket).join(key))
    }

    pub fn upload(&self, id: &str) -> Option<PathBuf> {
        let id = Uuid::try_parse(id).ok()?;
        Some(self.multipart.join(id.to_string()))
    }

    pub fn create_upload(&self, upload: &Upload) -> io::Result<Uuid> {
        let id = Uuid::new_v4();
        let folder = self.multipart.join(id.to_string());
        fs::create_dir(&folder)?;
        fs::write(folder.join("upload.json"), serde_json::to_vec(upload)?)?;
        Ok(id)
    }

    /// A new file to write to, which is gone when it is dropped before [`Draft::place`].
    pub fn draft(&self) -> io::Result<Draft> {
        let path = self.draft.join(Uuid::new_v4().to_string());
        let file = File::create_new(&path)?;
        Ok(Draft { path, file })
    }
}

/// Keys are ours, never a caller's, and need no more than this.
fn is_plain(key: &str) -> bool {
    key.split('/').all(|segment| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-=@+".contains(&byte);
        let is_name = !segment.is_empty() && segment != "." && segment != "..";
        is_name && segment.len() <= LONGEST_SEGMENT && segment.bytes().all(plain)
    })
}

pub fn part_name(number: i32) -> String {
    format!("part-{number:05}")
}

pub fn read_upload(folder: &Path) -> io::Result<Upload> {
    Ok(serde_json::from_slice(&fs::read(
        folder.join("upload.json"),
    )?)?)
}

#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    pub file: File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On disk before it appears.
    Synced,
    /// May be lost with the machine, as a part of an upload may: its sender sends it again.
    Cached,
}

impl Draft {
    /// Makes what was written an object at `to`. With `replace` false an object that is there stays,
    /// and that is an error of kind `AlreadyExists`.
    pub fn place(
        mut self,
        meta: &Meta,
        to: &Path,
        durability: Durability,
        replace: bool,
    ) -> io::Result<()> {
        let known = serde_json::to_vec(meta)?;
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(&known)?;
        self.file.write_all(&(known.len() as u32).to_le_bytes())?;
        self.file.write_all(MAGIC)?;
        if durability == Durability::Synced {
            self.file.sync_all()?;
        }
        if replace {
            fs::rename(&self.path, to)?;
        } else {
            fs::hard_link(&self.path, to)?;
        }
        if durability == Durability::Synced
            && let Some(folder) = to.parent()
        {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename it is not there any more; anything else is swept at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens an object; what is not one is `NotFound`.
pub fn open(path: &Path) -> io::Result<Opened> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let tail_at = about.len().checked_sub(TAIL).ok_or_else(|| damaged(path))?;
    let mut tail = [0; TAIL as usize];
    file.read_exact_at(&mut tail, tail_at)?;
    let (length, magic) = tail.split_at(4);
    if magic != MAGIC {
        return Err(damaged(path));
    }
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
    let size = tail_at
        .checked_sub(u64::from(length))
        .ok_or_else(|| damaged(path))?;
    let mut known = vec![0; length as usize];
    file.read_exact_at(&mut known, size)?;
    Ok(Opened {
        file,
        size,
        meta: serde_json::from_slice(&known)?,
        modified: about.modified()?,
    })
}

fn damaged(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{} is not an object", path.display()),
    )
}

/// Appends the content of `from`, within the kernel where the file system can.
pub fn append(from: &Opened, to: &mut File) -> io::Result<()> {
    let copied = io::copy(&mut (&from.file).take(from.size), to)?;
    if copied == from.size {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// All keys below `bucket` that start with `prefix`, in the order of their bytes.
pub fn keys(bucket: &Path, prefix: &str) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(bucket.join(&folder))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let key = format!("{folder}{name}");
            if entry.file_type()?.is_dir() {
                let inner = format!("{key}/");
                if inner.starts_with(prefix) || prefix.starts_with(&inner) {
                    folders.push(inner);
                }
            } else if key.starts_with(prefix) {
                found.push(key);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> Meta {
        Meta {
            etag: "e".to_owned(),
            sha256: None,
            content_type: Some("text/plain".to_owned()),
        }
    }

    fn write(disk: &Disk, content: &[u8], to: &Path) {
        let mut draft = disk.draft().unwrap();
        draft.file.write_all(content).unwrap();
        draft.place(&meta(), to, Durability::Synced, true).unwrap();
    }

    #[test]
    fn keys_that_leave_their_bucket_are_refused() {
        for key in [
            "../x",
            "a/../../x",
            "a//b",
            "/a",
            "a/",
            "",
            ".",
            "a\\b",
            "a\0",
            "é",
            "a/./b",
        ] {
            assert!(!is_plain(key), "{key:?}");
        }
        for key in ["a", "sts2024/opg/case_001.nii.gz", "..a", "a=b@c+d"] {
            assert!(is_plain(key), "{key:?}");
        }
    }

    #[test]
    fn an_object_is_read_back_without_what_is_known_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let path = folder.path().join("object");
        write(&disk, b"content", &path);

        let opened = open(&path).unwrap();
        let mut content = Vec::new();
        (&opened.file)
            .take(opened.size)
            .read_to_end(&mut content)
            .unwrap();
        assert_eq!(
            (content.as_slice(), opened.meta),
            (b"content".as_slice(), meta())
        );
    }

    #[test]
    fn a_file_cut_short_is_not_an_object() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let path = folder.path().join("object");
        write(&disk, b"content", &path);
        let length = fs::metadata(&path).unwrap().len();
        for cut in 0..length {
            File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(cut)
                .unwrap();
            assert!(open(&path).is_err(), "{cut}");
            write(&disk, b"content", &path);
        }
    }

    #[test]
    fn what_was_half_written_is_gone_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        // As a process that is killed leaves it.
        std::mem::forget(disk.draft().unwrap());
        drop(disk);

        Disk::open(folder.path()).unwrap();
        assert_eq!(
            fs::read_dir(folder.path().join("draft")).unwrap().count(),
            0
        );
    }

    #[test]
    fn a_second_server_cannot_have_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Disk::open(folder.path()).unwrap();
        assert!(Disk::open(folder.path()).is_err());
    }

    #[test]
    fn keys_are_listed_in_the_order_of_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let bucket = disk.bucket("b");
        for key in ["a/b", "a-b", "a/c/d", "b", "a0"] {
            let path = disk.object("b", key).unwrap();
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            write(&disk, b"", &path);
        }
        assert_eq!(
            keys(&bucket, "").unwrap(),
            ["a-b", "a/b", "a/c/d", "a0", "b"]
        );
        assert_eq!(keys(&bucket, "a/").unwrap(), ["a/b", "a/c/d"]);
        assert_eq!(keys(&bucket, "a/c").unwrap(), ["a/c/d"]);
    }
}
