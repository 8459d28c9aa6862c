//! Looks into an archive without running it, in one pass and without the disk.
//!
//! Savers write layers before the manifest that says which files are layers. So each file that looks
//! like a tar is hashed and indexed as if it were one, small others are kept, and the manifest is
//! held against all that at the end.

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::RandomState;
use std::io::{self, Cursor, Read};

use super::choose::{Chosen, choose};
use super::documents::{Documents, Place};
use super::layer::{Budget, Layer, Missing, find_file, passwd};
use super::manifest::{Config, INDEX, MANIFEST, Process};
use super::report::{ArchiveFacts, LayerFacts, Report};
use super::stream::{Hashing, Look, Metered, look, unpack, unpack_layer};
use super::tarball::{Entry, Kind, Reader};
use super::{ArchiveError, Limits, user};
use crate::collect::printable;

/// As many as the engine's overlay can mount.
const LAYERS: usize = 127;
/// Of the name of a layer's file. Savers write a digest and little more, and what is told of 127 of them, each
/// byte perhaps escaped by six, must fit into an answer of a mebibyte.
const LAYER_NAME: usize = 512;
/// Nobody reads more of what a report quotes.
const QUOTED: usize = 100;

struct Scanned {
    facts: LayerFacts,
    layer: Layer,
}

enum Member {
    Layer(Box<Scanned>),
    /// It looked like a layer and is none; bad only if the manifest calls it one.
    NoLayer(ArchiveError),
    Zstd,
}

/// Checks an archive as Docker, podman, skopeo and buildx write it, gzipped (also in several members) or
/// not: one runnable linux/amd64 image, digests and sizes as they say, nothing that would leave the
/// image's root, and the two files that a run needs.
pub fn inspect_archive(reader: impl Read, limits: &Limits) -> Result<ArchiveFacts, ArchiveError> {
    report_on(reader, limits, &mut Report::default())
}

/// As [`inspect_archive`], with what was seen also of an image that is refused.
pub fn report_on(
    reader: impl Read,
    limits: &Limits,
    report: &mut Report,
) -> Result<ArchiveFacts, ArchiveError> {
    let spent = Cell::new(0);
    // The archive holds its layers and little else; twice the limit is far beyond that.
    let outer = Metered {
        inner: unpack(reader)?,
        spent: &spent,
        limit: 2 * limits.uncompressed_bytes,
    };
    let mut scan = Scan::new(limits);
    scan.read(outer, report)?;
    scan.conclude(report)
}

struct Scan<'a> {
    limits: &'a Limits,
    hashes: RandomState,
    budget: Budget,
    /// Unpacked bytes of layers so far.
    unpacked: Cell<u64>,
    documents: Documents,
    members: HashMap<Vec<u8>, Member>,
}

impl<'a> Scan<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            hashes: RandomState::new(),
            budget: Budget::new(limits),
            unpacked: Cell::new(0),
            documents: Documents::new(limits.json_bytes),
            members: HashMap::new(),
        }
    }

    fn read(&mut self, outer: impl Read, report: &mut Report) -> Result<(), ArchiveError> {
        let mut tar = Reader::new(outer);
        while let Some(entry) = tar.next()? {
            self.budget.count_entry()?;
            self.documents.add_name(&entry)?;
            if entry.kind == Kind::File
                && let Some(member) = self.member(&entry, &mut tar)?
            {
                if let Member::Layer(scanned) = &member
                    && report.layers.len() < LAYERS
                {
                    report.layers.push(scanned.facts.clone());
                }
                self.members.insert(entry.path, member);
            }
        }
        Ok(())
    }

    /// What may be a layer; a document is kept beside.
    fn member(&mut self, entry: &Entry, data: impl Read) -> Result<Option<Member>, ArchiveError> {
        let mut raw = Hashing::new(data);
        let (head, looks) = look(&mut raw)?;
        let mut whole = Cursor::new(head).chain(&mut raw);
        let member = match looks {
            _ if is_fixed_document(&entry.path) => {
                self.documents.add_text(entry, &mut whole)?;
                None
            }
            Look::Tar | Look::Gzip => Some(self.layer(unpack_layer(&mut whole, looks))?),
            Look::Zstd => Some(Member::Zstd),
            Look::Other => {
                self.documents.add_text(entry, &mut whole)?;
                None
            }
        };
        verify_name(&entry.path, raw)?;
        Ok(member)
    }

    fn layer(&mut self, data: impl Read) -> Result<Member, ArchiveError> {
        let mut data = Hashing::new(Metered {
            inner: data,
            spent: &self.unpacked,
            limit: self.limits.uncompressed_bytes,
        });
        let scanned = Layer::scan(&mut data, &self.hashes, &mut self.budget).and_then(|layer| {
            // The digest is of every byte, also of those behind the end mark.
            io::copy(&mut data, &mut io::sink())?;
            Ok(layer)
        });
        match scanned {
            Ok(layer) => {
                let facts = LayerFacts {
                    size_bytes: data.count,
                    diff_id: data.digest(),
                    entries: layer.entries,
                };
                Ok(Member::Layer(Box::new(Scanned { facts, layer })))
            }
            Err(error @ ArchiveError::Damaged(_)) => Ok(Member::NoLayer(error)),
            Err(error) => Err(error),
        }
    }

    fn conclude(self, report: &mut Report) -> Result<ArchiveFacts, ArchiveError> {
        let chosen = choose(&self.documents)?;
        let process = chosen.config.config.clone().unwrap_or_default();
        report.describe(&chosen, &process);
        check_platform(&chosen.config)?;
        let scanned = self.layers(&chosen)?;
        report.layers = scanned.iter().map(|layer| layer.facts.clone()).collect();
        let layers: Vec<&Layer> = scanned.iter().map(|scanned| &scanned.layer).collect();
        let user = process.user.unwrap_or_default();
        let uid = user::resolve(&user, &passwd(&layers, &self.hashes));
        report.uid = Some(uid);
        self.check_contents(&layers, report)?;
        Ok(ArchiveFacts {
            image_digest: chosen.digest(),
            uncompressed_bytes: report.uncompressed_bytes(),
            layers: report.layers.clone(),
            user,
            uid,
            working_dir: process.working_dir.unwrap_or_default(),
            entrypoint: process.entrypoint.unwrap_or_default(),
            volumes: process.volumes.unwrap_or_default().into_keys().collect(),
            places: places(&chosen)?,
        })
    }

    fn layers(&self, chosen: &Chosen) -> Result<Vec<&Scanned>, ArchiveError> {
        let diff_ids = chosen.config.rootfs.diff_ids.as_deref();
        let diff_ids = diff_ids.unwrap_or_default();
        if chosen.layers.len() != diff_ids.len() {
            let (listed, expected) = (chosen.layers.len(), diff_ids.len());
            let what = format!("the manifest lists {listed} layers and the config {expected}");
            return Err(ArchiveError::damaged(what));
        }
        if diff_ids.len() > LAYERS {
            return Err(ArchiveError::TooLarge {
                what: "the number of layers",
                limit: format!("the {LAYERS}"),
            });
        }
        let each = (1..).zip(chosen.layers.iter().zip(diff_ids));
        each.map(|(number, (place, diff_id))| self.scanned(number, place.as_ref(), diff_id))
            .collect()
    }

    fn scanned(
        &self,
        number: usize,
        place: Option<&Place>,
        diff_id: &str,
    ) -> Result<&Scanned, ArchiveError> {
        let damaged = |what: &str| Err(ArchiveError::damaged(format!("layer {number}{what}")));
        let Some(place) = place else {
            return damaged(" is not in it");
        };
        match self.members.get(&place.path) {
            Some(Member::Layer(scanned)) => {
                let found = scanned.facts.diff_id.clone();
                verify(|| format!("layer {number}"), diff_id, found)?;
                Ok(scanned)
            }
            Some(Member::NoLayer(error)) => damaged(&format!(": {error}")),
            Some(Member::Zstd) => Err(ArchiveError::Zstd(number)),
            None => damaged(" is neither tar nor gzip"),
        }
    }

    fn check_contents(&self, layers: &[&Layer], report: &mut Report) -> Result<(), ArchiveError> {
        let find = |path: &[u8]| find_file(layers, &self.hashes, path).map_err(Missing::remark);
        let script = find(b"opt/algorithm/predict.sh");
        report.has_predict_script = Some(script.is_ok());
        script.map_err(ArchiveError::NoPredictScript)?;
        find(b"bin/sh").map_err(ArchiveError::NoShell)
    }
}

impl Report {
    /// What the config says, fit to be shown.
    fn describe(&mut self, chosen: &Chosen, process: &Process) {
        let quote = |text: &String| printable(text.as_bytes());
        let user = process.user.as_ref().map(quote);
        let entrypoint = process.entrypoint.iter().flatten().take(QUOTED).map(quote);
        let volumes = process.volumes.iter().flat_map(|volumes| volumes.keys());
        self.format = Some(chosen.format);
        self.digest = Some(chosen.digest());
        self.platform = Some(platform(&chosen.config));
        self.user = Some(user.unwrap_or_default());
        self.entrypoint = Some(entrypoint.collect());
        self.working_dir = Some(process.working_dir.as_ref().map(quote).unwrap_or_default());
        self.volumes = volumes.take(QUOTED).map(quote).collect();
    }
}

fn places(chosen: &Chosen) -> Result<Vec<String>, ArchiveError> {
    let paths = chosen.layers.iter().flatten().map(|place| &place.path);
    let text = |path: &Vec<u8>| {
        if path.len() > LAYER_NAME {
            return Err(ArchiveError::hostile(
                path,
                "has a name of more than 512 bytes",
            ));
        }
        String::from_utf8(path.clone())
            .map_err(|_| ArchiveError::hostile(path, "has no readable name"))
    };
    paths.map(text).collect()
}

/// Those whose name says what they are, whatever they look like.
pub(super) fn is_fixed_document(path: &[u8]) -> bool {
    matches!(path, MANIFEST | INDEX)
}

/// A blob of an OCI layout is named by its digest.
fn verify_name(path: &[u8], mut raw: Hashing<impl Read>) -> Result<(), ArchiveError> {
    let Some(name) = path.strip_prefix(b"blobs/sha256/") else {
        return Ok(());
    };
    io::copy(&mut raw, &mut io::sink())?;
    let expected = format!("sha256:{}", String::from_utf8_lossy(name));
    let what = || format!("file blobs/sha256/{}", &expected[7..]);
    verify(what, &expected, raw.digest())
}

fn platform(config: &Config) -> String {
    let text = format!("{}/{}", config.os, config.architecture);
    printable(text.as_bytes())
}

fn check_platform(config: &Config) -> Result<(), ArchiveError> {
    match (config.os.as_str(), config.architecture.as_str()) {
        ("linux", "amd64") => Ok(()),
        _ => Err(ArchiveError::WrongArchitecture(platform(config))),
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
    let expected = printable(expected.as_bytes());
    Err(ArchiveError::WrongDigest {
        what: what(),
        expected,
        found,
    })
}
