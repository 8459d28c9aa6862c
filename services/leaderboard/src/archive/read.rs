//! An archive as it lies on a disk, which anybody may have made: nothing in it is believed.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use sha2::{Digest, Sha256};
use zip::ZipArchive;

/// Files in one archive.
const FILES: usize = 2_000;
/// What they may come to when they are unpacked, together.
const BYTES: u64 = 1 << 30;

/// It is no archive of a phase, or none that can be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("it is no ZIP archive: {0}")]
    Zip(#[from] zip::result::ZipError),

    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),

    #[error("it holds {0} files; an archive of a phase has {FILES} at most")]
    TooMany(usize),

    #[error("it unpacks to more than {} MiB, which no archive of a phase does", BYTES >> 20)]
    TooLarge,

    #[error("it holds {0:?}, which is no place for a file")]
    Place(String),

    #[error("it is a ZIP archive, but none of a phase: it has no {0}")]
    Other(&'static str),
}

pub struct File {
    pub bytes: Vec<u8>,
    pub sha256: String,
}

pub type Files = BTreeMap<String, File>;

/// All files by name.
pub fn read(from: impl Read + Seek) -> Result<Files, Unreadable> {
    read_at_most(from, BYTES)
}

fn read_at_most(from: impl Read + Seek, most: u64) -> Result<Files, Unreadable> {
    let mut zip = ZipArchive::new(from)?;
    if zip.len() > FILES {
        return Err(Unreadable::TooMany(zip.len()));
    }
    let mut files = Files::new();
    let mut left = most;
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at)?;
        let name = entry.name()?.into_owned();
        if !is_place(&name) {
            return Err(Unreadable::Place(name));
        }
        let mut bytes = Vec::new();
        // An entry may lie about its size; one that does not is not even begun.
        if entry.size() > left {
            return Err(Unreadable::TooLarge);
        }
        (&mut entry).take(left + 1).read_to_end(&mut bytes)?;
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or(Unreadable::TooLarge)?;
        let file = File {
            sha256: hex::encode(Sha256::digest(&bytes)),
            bytes,
        };
        files.insert(name, file);
    }
    Ok(files)
}

fn is_place(name: &str) -> bool {
    let is_part = |part: &str| !["", ".", ".."].contains(&part);
    name.split('/').all(is_part) && !name.chars().any(char::is_control) && !name.contains('\\')
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn a_bomb_is_refused_whether_or_not_it_says_how_large_it_is() {
        let zeros = vec![0; 1 << 20];
        let mut bomb = zip_of(&[("a", &zeros), ("b", &zeros)]);
        let read = |bytes: &[u8], most| read_at_most(Cursor::new(bytes), most);
        assert_eq!(read(&bomb, 2 << 20).unwrap()["b"].bytes.len(), 1 << 20);
        assert!(matches!(
            read(&bomb, (2 << 20) - 1),
            Err(Unreadable::TooLarge)
        ));
        // The size in the list of contents, 24 bytes after an entry's signature.
        let listed: Vec<usize> = (0..bomb.len() - 4)
            .filter(|&at| bomb[at..].starts_with(b"PK\x01\x02"))
            .collect();
        for at in listed {
            bomb[at + 24..at + 28].copy_from_slice(&1_u32.to_le_bytes());
        }
        assert!(read(&bomb, 1 << 10).is_err());
    }

    #[test]
    fn a_file_outside_of_it_and_what_is_no_zip_are_refused() {
        for name in ["../a", "/a", "a//b", "a\\b", "a\nb"] {
            let read = read(Cursor::new(zip_of(&[(name, b"")])));
            assert!(matches!(read, Err(Unreadable::Place(_))), "{name:?}");
        }
        let none = read(Cursor::new(b"no archive".to_vec()));
        assert!(matches!(none, Err(Unreadable::Zip(_))));
        let many: Vec<_> = (0..=FILES).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
        assert!(matches!(
            read(Cursor::new(zip_of(&many))),
            Err(Unreadable::TooMany(2_001))
        ));
    }
}
