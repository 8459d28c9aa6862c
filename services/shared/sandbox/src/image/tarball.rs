//! A tar reader for bytes that somebody else chose.
//!
//! The `tar` crate keeps a long name in memory however long it says it is, and hides sizes that pax
//! headers change. This one reads what Go's `archive/tar` reads, which is what the engine uses, and
//! bounds all of it.

use std::io::{self, Read};

use super::ArchiveError;

const BLOCK: usize = 512;
/// Long names and pax headers; Linux knows no longer path than 4096 bytes.
const EXTENSION: u64 = 1 << 20;

pub(super) struct Entry {
    /// Components joined by `/`; empty is the root itself.
    pub path: Vec<u8>,
    pub kind: Kind,
    pub size: u64,
    /// Its data is not its content: the holes are left out.
    pub is_sparse: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// Where it points, as written.
    Symlink(Vec<u8>),
    /// The path, normalised, of the entry that it is another name of.
    HardLink(Vec<u8>),
    /// Device or FIFO: every Debian base has some.
    Special,
}

pub(super) struct Reader<R> {
    inner: R,
    /// Of the entry in hand, its padding apart.
    left: u64,
    padding: u64,
}

/// The content of the first file in a small tar that is in memory.
pub(crate) fn first_file(tar: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(tar);
    while let Some(entry) = reader.next().ok()? {
        if entry.kind == Kind::File {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).ok()?;
            return Some(bytes);
        }
    }
    None
}

#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
    /// GNU's headers before an entry and a pax header have each their own say; readers differ on who
    /// is believed, so no entry has both, or two of the latter.
    has_gnu: bool,
    has_pax: bool,
}

impl<R: Read> Reader<R> {
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            left: 0,
            padding: 0,
        }
    }

    pub fn next(&mut self) -> Result<Option<Entry>, ArchiveError> {
        let mut extended = Extended::default();
        loop {
            self.skip_rest()?;
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            let size = number(&header[124..136])?;
            extended.note(header[156])?;
            match header[156] {
                b'L' => extended.path = Some(until_nul(&self.extension(size)?).to_vec()),
                b'K' => extended.link = Some(until_nul(&self.extension(size)?).to_vec()),
                b'x' => extended.read_pax(&self.extension(size)?)?,
                // Global headers carry comments; one that renames every entry is no image.
                b'g' => {
                    let mut global = Extended::default();
                    global.read_pax(&self.extension(size)?)?;
                    if global.path.is_some() || global.link.is_some() || global.size.is_some() {
                        return Err(ArchiveError::damaged("a global header renames entries"));
                    }
                }
                _ => return self.entry(&header, extended, size).map(Some),
            }
        }
    }

    fn entry(
        &mut self,
        header: &[u8; BLOCK],
        extended: Extended,
        size: u64,
    ) -> Result<Entry, ArchiveError> {
        let raw = extended.path.unwrap_or_else(|| path_in(header));
        let link = extended
            .link
            .unwrap_or_else(|| until_nul(&header[157..257]).to_vec());
        let path = normalise(&raw)
            .ok_or_else(|| ArchiveError::hostile(&raw, "leaves the root of the image"))?;
        let (kind, has_data) = match header[156] {
            0 | b'0' if raw.ends_with(b"/") => (Kind::Folder, false),
            0 | b'0' | b'7' => (Kind::File, true),
            b'S' => {
                self.skip_sparse_map(header)?;
                (Kind::File, true)
            }
            b'1' => {
                let target = normalise(&link).ok_or_else(|| {
                    ArchiveError::hostile(&raw, "links to a file outside the image")
                })?;
                (Kind::HardLink(target), false)
            }
            b'2' => (Kind::Symlink(link), false),
            b'3' | b'4' | b'6' => (Kind::Special, false),
            b'5' => (Kind::Folder, false),
            other => {
                return Err(ArchiveError::damaged(format!(
                    "unknown entry type {other:#04x}"
                )));
            }
        };
        // As Go does: a header that says it has no data has none, whatever its size field says.
        let size = if has_data {
            extended.size.unwrap_or(size)
        } else {
            0
        };
        self.expect_data(size)?;
        Ok(Entry {
            path,
            kind,
            size,
            is_sparse: extended.is_sparse || header[156] == b'S',
        })
    }

    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, ArchiveError> {
        let mut block = [0; BLOCK];
        if !fill(&mut self.inner, &mut block)? {
            return Ok(None);
        }
        if block.iter().all(|&byte| byte == 0) {
            let second = fill(&mut self.inner, &mut block)?;
            if second && block.iter().any(|&byte| byte != 0) {
                return Err(ArchiveError::damaged("data after the end mark"));
            }
            return Ok(None);
        }
        let sum: u64 = (block.iter().enumerate())
            .map(|(at, &byte)| u64::from(if (148..156).contains(&at) { b' ' } else { byte }))
            .sum();
        if number(&block[148..156])? != sum {
            return Err(ArchiveError::damaged("a tar header's checksum is wrong"));
        }
        Ok(Some(block))
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        if size > EXTENSION {
            return Err(ArchiveError::damaged("a tar header of more than 1 MiB"));
        }
        self.expect_data(size)?;
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// GNU's old sparse format continues its map in blocks before the data.
    fn skip_sparse_map(&mut self, header: &[u8; BLOCK]) -> Result<(), ArchiveError> {
        let mut more = header[482] != 0;
        while more {
            let mut block = [0; BLOCK];
            self.inner.read_exact(&mut block)?;
            more = block[504] != 0;
        }
        Ok(())
    }

    fn expect_data(&mut self, size: u64) -> Result<(), ArchiveError> {
        if size > i64::MAX as u64 {
            return Err(ArchiveError::damaged("an entry of impossible size"));
        }
        self.left = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
        Ok(())
    }

    fn skip_rest(&mut self) -> Result<(), ArchiveError> {
        let wanted = self.left + self.padding;
        let skipped = io::copy(&mut (&mut self.inner).take(wanted), &mut io::sink())?;
        if skipped < wanted {
            return Err(ArchiveError::damaged("it ends in the middle of a file"));
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

impl Extended {
    fn note(&mut self, kind: u8) -> Result<(), ArchiveError> {
        let is_torn = match kind {
            b'L' | b'K' => {
                self.has_gnu = true;
                self.has_pax
            }
            b'x' => std::mem::replace(&mut self.has_pax, true) || self.has_gnu,
            _ => false,
        };
        match is_torn {
            true => Err(ArchiveError::damaged("an entry is named in two ways")),
            false => Ok(()),
        }
    }

    /// Records are `<length> <key>=<value>\n`.
    fn read_pax(&mut self, mut bytes: &[u8]) -> Result<(), ArchiveError> {
        let bad = || ArchiveError::damaged("a pax header makes no sense");
        while !bytes.is_empty() {
            let space = bytes
                .iter()
                .position(|&byte| byte == b' ')
                .ok_or_else(bad)?;
            let length: usize = ascii_number(&bytes[..space]).ok_or_else(bad)?;
            if length <= space + 1 || length > bytes.len() || bytes[length - 1] != b'\n' {
                return Err(bad());
            }
            let record = &bytes[space + 1..length - 1];
            let equals = record
                .iter()
                .position(|&byte| byte == b'=')
                .ok_or_else(bad)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            self.is_sparse |= key.starts_with(b"GNU.sparse.");
            match key {
                b"path" | b"GNU.sparse.name" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(ascii_number(value).ok_or_else(bad)?),
                _ => {}
            }
            bytes = &bytes[length..];
        }
        Ok(())
    }
}

/// Joins the components of a path, or none if it climbs above where it starts. A leading slash is
/// the root of the image.
pub(super) fn normalise(path: &[u8]) -> Option<Vec<u8>> {
    join(&[], path)
}

/// `path` seen from the folder `from`, which is normalised.
pub(super) fn join(from: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = match path.starts_with(b"/") {
        true => Vec::new(),
        false => components(from).collect(),
    };
    for part in components(path) {
        match part {
            b"." => {}
            b".." => drop(parts.pop()?),
            _ if part.contains(&0) => return None,
            _ => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}

pub(super) fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty())
}

pub(super) fn parent(path: &[u8]) -> &[u8] {
    path.iter()
        .rposition(|&byte| byte == b'/')
        .map_or(&[], |slash| &path[..slash])
}

fn path_in(header: &[u8; BLOCK]) -> Vec<u8> {
    let name = until_nul(&header[..100]);
    let prefix = until_nul(&header[345..500]);
    // Only POSIX headers have a prefix; GNU keeps times there.
    if &header[257..263] != b"ustar\0" || prefix.is_empty() {
        return name.to_vec();
    }
    [prefix, name].join(&b'/')
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Octal, or base 256 with the first bit set.
fn number(field: &[u8]) -> Result<u64, ArchiveError> {
    let bad = || ArchiveError::damaged("a number in a tar header makes no sense");
    if field[0] & 0x80 != 0 {
        let (high, low) = field.split_at(field.len() - 8);
        let negative = field[0] & 0x40 != 0;
        if negative || high.iter().skip(1).any(|&byte| byte != 0) || high.first() != Some(&0x80) {
            return Err(bad());
        }
        return Ok(low.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)));
    }
    let digits = field.trim_ascii_start();
    let digits = until_nul(digits).trim_ascii();
    digits.iter().try_fold(0_u64, |sum, byte| match byte {
        b'0'..=b'7' => sum
            .checked_mul(8)
            .map(|sum| sum + u64::from(byte - b'0'))
            .ok_or_else(bad),
        _ => Err(bad()),
    })
}

fn ascii_number<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// False at a clean end, an error at an end within the block.
fn fill(reader: &mut impl Read, block: &mut [u8; BLOCK]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < BLOCK {
        match reader.read(&mut block[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_may_not_climb_out() {
        assert_eq!(normalise(b"./a//b/../c/").unwrap(), b"a/c");
        assert_eq!(normalise(b"/a").unwrap(), b"a");
        assert_eq!(normalise(b"./").unwrap(), b"");
        assert!(normalise(b"a/../../b").is_none());
        assert!(normalise(b"/../b").is_none());
        assert_eq!(join(b"x/y", b"../z").unwrap(), b"x/z");
        assert_eq!(join(b"x/y", b"/z").unwrap(), b"z");
    }

    #[test]
    fn long_names_and_sizes_in_pax_headers_are_read() {
        let long = "d/".repeat(90) + "file";
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        builder
            .append_data(&mut header, &long, &b"abc"[..])
            .unwrap();
        builder
            .append_pax_extensions([("path", b"renamed" as &[u8]), ("size", b"2")])
            .unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_size(2);
        builder
            .append_data(&mut header, "short", &b"xy"[..])
            .unwrap();
        let bytes = builder.into_inner().unwrap();

        let mut reader = Reader::new(&bytes[..]);
        let first = reader.next().unwrap().unwrap();
        assert_eq!((first.path, first.size), (long.into_bytes(), 3));
        let second = reader.next().unwrap().unwrap();
        assert_eq!((second.path.as_slice(), second.size), (&b"renamed"[..], 2));
        let mut data = String::new();
        reader.read_to_string(&mut data).unwrap();
        assert_eq!(data, "xy");
        assert!(reader.next().unwrap().is_none());
    }

    #[test]
    fn a_long_name_of_a_gigabyte_is_refused_unread() {
        let mut header = tar::Header::new_gnu();
        header.set_path("././@LongLink").unwrap();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 30);
        header.set_cksum();
        let error = Reader::new(&header.as_bytes()[..]).next().err().unwrap();
        assert_eq!(error.code(), "bad-archive");
    }

    #[test]
    fn an_entry_that_two_headers_name_is_refused() {
        let named_by = |kinds: &[u8]| {
            let mut bytes = Vec::new();
            for kind in kinds {
                let mut header = tar::Header::new_gnu();
                header.set_path("x").unwrap();
                header.set_entry_type(tar::EntryType::new(*kind));
                header.set_size(0);
                header.set_cksum();
                bytes.extend_from_slice(header.as_bytes());
            }
            Reader::new(&bytes[..]).next().map(|entry| entry.is_some())
        };
        for whole in [&b"0"[..], b"x0", b"LK0", b"KL0"] {
            assert!(named_by(whole).unwrap(), "{whole:?}");
        }
        for torn in [&b"xL0"[..], b"Lx0", b"Kx0", b"xx0"] {
            assert!(named_by(torn).is_err(), "{torn:?}");
        }
    }

    #[test]
    fn a_header_that_was_changed_is_noticed() {
        let mut header = tar::Header::new_gnu();
        header.set_path("file").unwrap();
        header.set_size(0);
        header.set_cksum();
        let mut bytes = *header.as_bytes();
        bytes[0] ^= 1;
        assert!(matches!(
            Reader::new(&bytes[..]).next(),
            Err(ArchiveError::Damaged(_))
        ));
    }
}
