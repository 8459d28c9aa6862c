//! The small files of an archive, kept until the end, and where its names lead.

use std::collections::HashMap;
use std::io::Read;

use super::ArchiveError;
use super::manifest::{INDEX, MANIFEST};
use super::tarball::{Entry, Kind, components, join, normalise, parent};

const PATH_BYTES: usize = 4096;
/// All that is small together, in units of what one may have.
const TOGETHER: u64 = 4;

pub(super) struct Documents {
    /// Of each.
    limit: u64,
    kept: u64,
    names: HashMap<Vec<u8>, Name>,
    texts: HashMap<Vec<u8>, Vec<u8>>,
}

enum Name {
    File {
        size: u64,
    },
    /// Where it leads within the archive.
    Link(Vec<u8>),
}

/// One file behind a name that a document gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub path: Vec<u8>,
    pub size: u64,
}

impl Documents {
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            kept: 0,
            names: HashMap::new(),
            texts: HashMap::new(),
        }
    }

    /// Refuses what no saver writes: a name twice, a file behind a link, anything but files, folders
    /// and links within the archive.
    pub fn add_name(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        let path = &entry.path;
        if path.len() > PATH_BYTES {
            return Err(ArchiveError::hostile(
                path,
                "has a path longer than Linux allows",
            ));
        }
        for (at, _) in path.iter().enumerate().filter(|&(_, &byte)| byte == b'/') {
            if let Some(Name::Link(_)) = self.names.get(&path[..at]) {
                return Err(ArchiveError::hostile(path, "is written through a link"));
            }
        }
        let name = match &entry.kind {
            Kind::Folder => return Ok(()),
            Kind::File => Name::File { size: entry.size },
            Kind::Symlink(target) => Name::Link(
                join(parent(path), target)
                    .ok_or_else(|| ArchiveError::hostile(path, "links out of the archive"))?,
            ),
            Kind::HardLink(_) | Kind::Special => {
                return Err(ArchiveError::hostile(path, "is not a plain file"));
            }
        };
        match self.names.insert(path.clone(), name) {
            None => Ok(()),
            Some(_) => Err(ArchiveError::hostile(path, "is in the archive twice")),
        }
    }

    /// Keeps the text of a file that is no layer, unless it is too large to be a document.
    pub fn add_text(&mut self, entry: &Entry, mut data: impl Read) -> Result<(), ArchiveError> {
        let is_fixed = matches!(entry.path.as_slice(), MANIFEST | INDEX);
        if entry.size > self.limit && !is_fixed {
            return Ok(());
        }
        self.kept += entry.size;
        if entry.size > self.limit || self.kept > TOGETHER * self.limit {
            let what = match entry.path.as_slice() {
                MANIFEST => "manifest.json",
                INDEX => "index.json",
                _ => "the text in the archive",
            };
            return Err(self.too_large(what));
        }
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes)?;
        self.texts.insert(entry.path.clone(), bytes);
        Ok(())
    }

    /// A document at the top of the archive.
    pub fn top(&self, path: &[u8]) -> Option<&[u8]> {
        self.texts.get(path).map(Vec::as_slice)
    }

    /// The document that another one names.
    pub fn text(&self, name: &str, what: &'static str) -> Result<&[u8], ArchiveError> {
        let absent = || ArchiveError::damaged(format!("{what} is not in it"));
        let place = self.find(name).ok_or_else(absent)?;
        match self.texts.get(&place.path) {
            Some(bytes) => Ok(bytes),
            None if place.size > self.limit => Err(self.too_large(what)),
            None => Err(absent()),
        }
    }

    /// Savers link a layer that occurs twice to the first, so one step is all there is.
    pub fn find(&self, name: &str) -> Option<Place> {
        let path = normalise(name.as_bytes())?;
        let path = match self.names.get(&path)? {
            Name::File { .. } => path,
            Name::Link(target) => target.clone(),
        };
        match self.names.get(&path)? {
            Name::File { size } => Some(Place { path, size: *size }),
            Name::Link(_) => None,
        }
    }

    fn too_large(&self, what: &'static str) -> ArchiveError {
        ArchiveError::TooLarge {
            what,
            limit: format!("the {} bytes", self.limit),
        }
    }

    /// What the file might be instead, when it has no manifest.
    pub fn guess(&self) -> String {
        let top = |name: &[u8]| {
            self.names
                .keys()
                .any(|path| components(path).next() == Some(name))
        };
        if top(b"etc") || top(b"usr") || top(b"bin") {
            "it holds a file system, as `docker export` writes it, not an image".into()
        } else {
            "it has neither a manifest.json nor an index.json".into()
        }
    }
}
