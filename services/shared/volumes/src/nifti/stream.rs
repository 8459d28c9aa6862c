//! The bytes of a volume, inflated on the way, with faults of the file told from those of its source.

use std::io::{self, BufReader, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;

use super::Fault;
use crate::error::Error;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BUFFER: usize = 1 << 16;

pub struct Stream<'a>(Box<dyn Read + 'a>);

impl<'a> Stream<'a> {
    pub fn open(reader: impl Read + 'a) -> Result<Self, Error> {
        Self::inflating(Box::new(reader))
    }

    // Not generic: compiled in this crate, with its optimisation, and not in the caller's.
    fn inflating(reader: Box<dyn Read + 'a>) -> Result<Self, Error> {
        let mut reader = BufReader::with_capacity(BUFFER, Source(reader));
        let mut start = [0; GZIP_MAGIC.len()];
        let length = fill(&mut reader, &mut start)?;
        let is_gzip = start == GZIP_MAGIC;
        let whole = io::Cursor::new(start).take(length as u64).chain(reader);
        Ok(Self(if is_gzip {
            Box::new(MultiGzDecoder::new(whole))
        } else {
            Box::new(whole)
        }))
    }

    /// Reads until the buffer is full or the stream ends, and returns how much that was.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        fill(&mut self.0, buffer)
    }

    /// Passes over `count` bytes, as far as there are that many.
    pub fn skip(&mut self, count: u64) -> Result<(), Error> {
        io::copy(&mut self.0.by_ref().take(count), &mut io::sink()).map_err(blame)?;
        Ok(())
    }

    /// Whether the stream ends here. At the end of a gzip stream its checksum is verified.
    pub fn is_at_end(&mut self) -> Result<bool, Error> {
        Ok(self.fill(&mut [0])? == 0)
    }
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Error> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(blame(error)),
        }
    }
    Ok(filled)
}

/// Marks the errors of the reader below, so that they are not taken for a damaged file.
struct Source<R>(R);

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct OfSource(io::Error);

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0
            .read(buffer)
            .map_err(|error| io::Error::new(error.kind(), OfSource(error)))
    }
}

fn blame(error: io::Error) -> Error {
    match error.downcast::<OfSource>() {
        Ok(OfSource(error)) => Error::Source(error),
        Err(error) => Fault::Gzip {
            problem: error.to_string(),
        }
        .into(),
    }
}
