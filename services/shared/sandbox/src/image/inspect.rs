//! Looks into an archive without running it, in one pass and without the disk.
//!
//! Savers write layers before the manifest that says which files are layers. So each file that looks
//! like a tar is hashed and indexed as if it were one, small others are kept, and the manifest is
//! held against all that at the end.

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::RandomState;
use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::layer::{Budget, Layer, Missing, find_file, passwd};
use super::manifest::{self, Config, MANIFEST, Names};
use super::tarball::Reader;
use super::user::{self, Uid};
use super::{ArchiveError, Limits};

/// What the checks found; the engine will know the image by `image_digest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFacts {
    /// `sha256:…` of the config's bytes.
    pub image_digest: String,
    /// Lowest first.
    pub layers: Vec<LayerFacts>,
    pub uncompressed_bytes: u64,
    /// As the image names it; empty is root.
    pub user: String,
    pub uid: Uid,
    pub working_dir: String,
    pub entrypoint: Vec<String>,
    /// Paths that the image declares as volumes, as written.
    pub volumes: Vec<String>,
}

impl ArchiveFacts {
    /// Whether it runs as root for all that the archive says.
    pub fn is_root(&self) -> bool {
        self.uid.may_be_root()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFacts {
    /// `sha256:…` of the layer, unpacked.
    pub diff_id: String,
    pub size_bytes: u64,
    pub entries: u64,
}

struct Scanned {
    facts: LayerFacts,
    layer: Layer,
}

enum Member {
    Layer(Box<Scanned>),
    /// It looked like a layer and is none; bad only if the manifest calls it one.
    NoLayer(ArchiveError),
    Small(Vec<u8>),
    Large,
}

/// Checks an archive as `docker save` writes it, gzipped (also in several members) or not: one
/// runnable linux/amd64 image, digests as they say, nothing that would leave the image's root, and
/// the two files that a run needs.
pub fn inspect_archive(reader: impl Read, limits: &Limits) -> Result<ArchiveFacts, ArchiveError> {
    let spent = Cell::new(0);
    // The archive holds its layers and little else; twice the limit is far beyond that.
    let outer = Metered {
        inner: unpack(reader)?,
        spent: &spent,
        limit: 2 * limits.uncompressed_bytes,
    };
    let mut scan = Scan::new(limits);
    scan.read(outer)?;
    scan.conclude()
}

/// The plain tar of an archive that may be gzipped.
pub(super) fn unpack<'a>(reader: impl Read + 'a) -> Result<Box<dyn Read + 'a>, ArchiveError> {
    let mut reader = BufReader::with_capacity(1 << 17, reader);
    let magic = peek(&mut reader, 2)?;
    let raw = Cursor::new(magic.clone()).chain(reader);
    let mut tar: Box<dyn Read + 'a> = match magic[..] == GZIP {
        true => Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 17, raw))),
        false => Box::new(raw),
    };
    let head = peek(&mut tar, 1024)?;
    if !looks_like_tar(&head) {
        let what = "it is neither a tar file nor a gzipped one";
        return Err(ArchiveError::NotAnArchive(what.into()));
    }
    Ok(Box::new(Cursor::new(head).chain(tar)))
}

struct Scan<'a> {
    limits: &'a Limits,
    hashes: RandomState,
    budget: Budget,
    /// Unpacked bytes of layers so far.
    unpacked: Cell<u64>,
    kept: u64,
    names: Names,
    members: HashMap<Vec<u8>, Member>,
}

impl<'a> Scan<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            hashes: RandomState::new(),
            budget: Budget::new(limits),
            unpacked: Cell::new(0),
            kept: 0,
            names: Names::default(),
            members: HashMap::new(),
        }
    }

    fn read(&mut self, outer: impl Read) -> Result<(), ArchiveError> {
        let mut tar = Reader::new(outer);
        while let Some(entry) = tar.next()? {
            self.budget.count_entry()?;
            self.names.add(&entry.path, &entry.kind)?;
            if entry.kind == super::tarball::Kind::File {
                let member = self.member(&entry.path, entry.size, &mut tar)?;
                self.members.insert(entry.path, member);
            }
        }
        Ok(())
    }

    fn member(&mut self, path: &[u8], size: u64, data: impl Read) -> Result<Member, ArchiveError> {
        let mut raw = Hashing::new(data);
        let head = peek(&mut raw, 1024)?;
        let mut whole = Cursor::new(&head).chain(&mut raw);
        let member = if path != MANIFEST && head.starts_with(&GZIP) {
            let buffered = BufReader::with_capacity(1 << 16, &mut whole);
            self.layer(MultiGzDecoder::new(buffered))?
        } else if path != MANIFEST && looks_like_tar(&head) {
            self.layer(&mut whole)?
        } else if path == MANIFEST || size <= self.limits.json_bytes {
            self.small(path, size, &mut whole)?
        } else {
            Member::Large
        };
        self.verify_name(path, raw)?;
        Ok(member)
    }

    fn layer(&mut self, data: impl Read) -> Result<Member, ArchiveError> {
        let limit = self.limits.uncompressed_bytes;
        let mut data = Hashing::new(Metered {
            inner: data,
            spent: &self.unpacked,
            limit,
        });
        let scanned = Layer::scan(&mut data, &self.hashes, &mut self.budget).and_then(|layer| {
            // The digest is of every byte, also of those behind the end mark.
            io::copy(&mut data, &mut io::sink())?;
            Ok(layer)
        });
        match scanned {
            Ok(layer) => {
                let size_bytes = data.count;
                let facts = LayerFacts {
                    diff_id: data.digest(),
                    size_bytes,
                    entries: layer.entries,
                };
                Ok(Member::Layer(Box::new(Scanned { facts, layer })))
            }
            Err(error @ ArchiveError::Damaged(_)) => Ok(Member::NoLayer(error)),
            Err(error) => Err(error),
        }
    }

    fn small(
        &mut self,
        path: &[u8],
        size: u64,
        mut data: impl Read,
    ) -> Result<Member, ArchiveError> {
        self.kept += size;
        let limit = self.limits.json_bytes;
        if size > limit || self.kept > 4 * limit {
            let what = if path == MANIFEST {
                "manifest.json"
            } else {
                "the text in the archive"
            };
            return Err(ArchiveError::TooLarge {
                what,
                limit: format!("the {limit} bytes"),
            });
        }
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes)?;
        Ok(Member::Small(bytes))
    }

    /// A blob of an OCI layout is named by its digest.
    fn verify_name(&self, path: &[u8], mut raw: Hashing<impl Read>) -> Result<(), ArchiveError> {
        let Some(name) = path.strip_prefix(b"blobs/sha256/") else {
            return Ok(());
        };
        io::copy(&mut raw, &mut io::sink())?;
        let expected = format!("sha256:{}", String::from_utf8_lossy(name));
        verify(
            || format!("file blobs/sha256/{}", &expected[7..]),
            &expected,
            raw.digest(),
        )
    }

    fn conclude(self) -> Result<ArchiveFacts, ArchiveError> {
        let Some(Member::Small(bytes)) = self.members.get(MANIFEST) else {
            return Err(ArchiveError::NotAnArchive(self.names.guess()));
        };
        let mut images = Vec::new();
        for image in manifest::parse(bytes)? {
            let config = self.small_member(&image.config)?;
            images.push((Config::parse(config)?, digest_of(config), image));
        }
        if images.len() > 1 {
            images.retain(|(config, ..)| config.is_runnable());
        }
        if images.len() > 1 {
            return Err(ArchiveError::SeveralImages(images.len()));
        }
        let Some((config, image_digest, image)) = images.pop() else {
            return Err(ArchiveError::NotAnArchive(
                "its manifest.json names no image".into(),
            ));
        };
        check_platform(&config)?;
        let layers = self.layers(&image.layers.unwrap_or_default(), &config)?;
        self.check_contents(&layers)?;
        let process = config.config.unwrap_or_default();
        let user = process.user.unwrap_or_default();
        Ok(ArchiveFacts {
            image_digest,
            uncompressed_bytes: layers.iter().map(|layer| layer.facts.size_bytes).sum(),
            layers: layers.iter().map(|layer| layer.facts.clone()).collect(),
            uid: self.uid(&user, &layers),
            user,
            working_dir: process.working_dir.unwrap_or_default(),
            entrypoint: process.entrypoint.unwrap_or_default(),
            volumes: process.volumes.unwrap_or_default().into_keys().collect(),
        })
    }

    fn small_member(&self, name: &str) -> Result<&[u8], ArchiveError> {
        match self.find(name) {
            Some(Member::Small(bytes)) => Ok(bytes),
            Some(Member::Large) => Err(ArchiveError::TooLarge {
                what: "the image's config",
                limit: format!("the {} bytes", self.limits.json_bytes),
            }),
            _ => Err(ArchiveError::damaged("the image's config is not in it")),
        }
    }

    fn layers(&self, names: &[String], config: &Config) -> Result<Vec<&Scanned>, ArchiveError> {
        let diff_ids = config.rootfs.diff_ids.as_deref().unwrap_or_default();
        if names.len() != diff_ids.len() {
            let (listed, expected) = (names.len(), diff_ids.len());
            let what = format!("the manifest lists {listed} layers and the config {expected}");
            return Err(ArchiveError::damaged(what));
        }
        let mut layers = Vec::new();
        for (at, (name, diff_id)) in names.iter().zip(diff_ids).enumerate() {
            let scanned = match self.find(name) {
                Some(Member::Layer(scanned)) => scanned,
                Some(Member::NoLayer(error)) => {
                    return Err(ArchiveError::damaged(format!("layer {}: {error}", at + 1)));
                }
                Some(_) => {
                    let what = format!("layer {} is neither tar nor gzip", at + 1);
                    return Err(ArchiveError::damaged(what));
                }
                None => {
                    return Err(ArchiveError::damaged(format!(
                        "layer {} is not in it",
                        at + 1
                    )));
                }
            };
            verify(
                || format!("layer {}", at + 1),
                diff_id,
                scanned.facts.diff_id.clone(),
            )?;
            layers.push(&**scanned);
        }
        Ok(layers)
    }

    fn find(&self, name: &str) -> Option<&Member> {
        self.members.get(&self.names.resolve(name)?)
    }

    fn uid(&self, user: &str, layers: &[&Scanned]) -> Uid {
        let layers: Vec<&Layer> = layers.iter().map(|scanned| &scanned.layer).collect();
        user::resolve(user, &passwd(&layers, &self.hashes))
    }

    fn check_contents(&self, layers: &[&Scanned]) -> Result<(), ArchiveError> {
        let layers: Vec<&Layer> = layers.iter().map(|scanned| &scanned.layer).collect();
        let find = |path: &[u8]| find_file(&layers, &self.hashes, path).map_err(Missing::remark);
        find(b"opt/algorithm/predict.sh").map_err(ArchiveError::NoPredictScript)?;
        find(b"bin/sh").map_err(ArchiveError::NoShell)
    }
}

fn check_platform(config: &Config) -> Result<(), ArchiveError> {
    match (config.os.as_str(), config.architecture.as_str()) {
        ("linux", "amd64") => Ok(()),
        (os, architecture) => {
            let platform = crate::collect::printable(format!("{os}/{architecture}").as_bytes());
            Err(ArchiveError::WrongArchitecture(platform))
        }
    }
}

fn verify(
    what: impl FnOnce() -> String,
    expected: &str,
    found: String,
) -> Result<(), ArchiveError> {
    if expected == found {
        return Ok(());
    }
    let expected = crate::collect::printable(expected.as_bytes());
    Err(ArchiveError::WrongDigest {
        what: what(),
        expected,
        found,
    })
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

const GZIP: [u8; 2] = [0x1f, 0x8b];

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

struct Hashing<R> {
    inner: R,
    hash: Sha256,
    count: u64,
}

impl<R> Hashing<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            count: 0,
        }
    }

    fn digest(self) -> String {
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
struct Metered<'a, R> {
    inner: R,
    spent: &'a Cell<u64>,
    limit: u64,
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
