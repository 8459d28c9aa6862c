use std::io::Read;

use molar_metrics::LabelRun;

use super::header::{Datatype, Header};
use super::stream::Stream;
use super::voxel::{BadVoxel, Stored};
use super::{Fault, Limits};
use crate::error::{Error, Result};
use crate::geometry::Geometry;

/// Whole voxels of every datatype fit, and it stays in the cache between inflating and looking. The
/// inflater copies 32 KiB aside after each.
const CHUNK: usize = 1 << 18;

/// A label volume read plane by plane, as runs of labels. Neither the stored bytes nor the inflated ones
/// are held, and background costs no more than a look at its bytes.
pub struct Planes<'a> {
    stream: Stream<'a>,
    header: Header,
    scan: Scan,
    chunk: Box<[u8]>,
    /// Of the plane that comes next.
    z: u32,
}

/// Appends what a piece of a plane holds; the piece begins at that voxel of the plane.
type Scan = fn(&[u8], &Header, usize, &mut Vec<LabelRun>) -> Result<(), (usize, BadVoxel)>;

impl<'a> Planes<'a> {
    /// Reads and checks the header: the size is known to be right before anything of it is allocated.
    pub fn open(reader: impl Read + 'a, limits: &Limits) -> Result<Self> {
        Self::of(Stream::open(reader)?, limits)
    }

    fn of(mut stream: Stream<'a>, limits: &Limits) -> Result<Self> {
        let (header, read) = Header::read(&mut stream)?;
        header.check(limits)?;
        stream.skip(header.voxels_at - read)?;
        Ok(Self {
            scan: scan_of(&header),
            stream,
            header,
            chunk: vec![0; CHUNK].into(),
            z: 0,
        })
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    pub fn geometry(&self) -> Geometry {
        self.header.geometry
    }

    /// Replaces `runs` with those of the next plane, in the order of the file. After the last plane there
    /// is none: `false`, and the file has been read to its end and verified.
    pub fn read(&mut self, runs: &mut Vec<LabelRun>) -> Result<bool> {
        runs.clear();
        let [depth, height, width] = self.geometry().grid();
        if self.z == depth {
            return match self.stream.is_at_end()? {
                true => Ok(false),
                false => Err(Fault::TrailingBytes.into()),
            };
        }
        let size = self.header.datatype.size();
        let voxels = height as usize * width as usize;
        let mut read = 0;
        while read < voxels {
            let wanted = (CHUNK / size).min(voxels - read) * size;
            let filled = self.stream.fill(&mut self.chunk[..wanted])?;
            let piece = &self.chunk[..filled / size * size];
            (self.scan)(piece, &self.header, read, runs)
                .map_err(|(at, bad)| bad.at(self.place(at)))?;
            read += filled / size;
            if filled < wanted {
                return Err(self.truncated(read));
            }
        }
        self.z += 1;
        Ok(true)
    }

    /// Of a voxel of the plane at hand, in the header's axes.
    fn place(&self, at: usize) -> [u32; 3] {
        let width = self.geometry().grid()[2] as usize;
        // Unwrap safety (of the casts): each is below an extent of the geometry.
        [(at % width) as u32, (at / width) as u32, self.z]
    }

    fn truncated(&self, read: usize) -> Error {
        let geometry = self.geometry();
        let [_, height, width] = geometry.grid().map(u64::from);
        let voxels = u64::from(self.z) * height * width + read as u64;
        let expected = geometry.elements();
        Error::Nifti(Fault::Truncated {
            voxels,
            expected,
            geometry,
        })
    }
}

fn scan_of(header: &Header) -> Scan {
    fn ordered<T: Stored>(header: &Header) -> Scan {
        if header.is_big_endian {
            |piece, header, at, runs| scan(piece, header, at, T::from_be, runs)
        } else {
            |piece, header, at, runs| scan(piece, header, at, T::from_le, runs)
        }
    }
    match header.datatype {
        Datatype::U8 => ordered::<u8>(header),
        Datatype::I8 => ordered::<i8>(header),
        Datatype::U16 => ordered::<u16>(header),
        Datatype::I16 => ordered::<i16>(header),
        Datatype::U32 => ordered::<u32>(header),
        Datatype::I32 => ordered::<i32>(header),
        Datatype::U64 => ordered::<u64>(header),
        Datatype::I64 => ordered::<i64>(header),
        Datatype::F32 => ordered::<f32>(header),
        Datatype::F64 => ordered::<f64>(header),
    }
}

fn scan<T: Stored>(
    piece: &[u8],
    header: &Header,
    start: usize,
    decode: fn(&[u8]) -> T,
    runs: &mut Vec<LabelRun>,
) -> Result<(), (usize, BadVoxel)> {
    let width = header.geometry.grid()[2] as usize;
    let zero_is_background = header
        .scaling
        .is_none_or(|scaling| scaling.intercept == 0.0);
    let mut at = 0;
    while at < piece.len() {
        if zero_is_background {
            at += zeros(&piece[at..]) / T::SIZE * T::SIZE;
            if at == piece.len() {
                break;
            }
        }
        let stored = decode(&piece[at..]);
        let voxel = start + at / T::SIZE;
        let label = stored.label(header.scaling).map_err(|bad| (voxel, bad))?;
        // Eight bytes are whole voxels of any type. Floats that are equal but differ in their bytes are
        // looked at again, and join the same run.
        let word = std::array::from_fn(|index| piece[at + index % T::SIZE]);
        let same = repeats(&piece[at..], word) / T::SIZE;
        if label != 0 {
            append(runs, width, voxel..voxel + same, label);
        }
        at += same * T::SIZE;
    }
    Ok(())
}

/// How many bytes at the start are 0.
fn zeros(bytes: &[u8]) -> usize {
    let most = blank::<512>(bytes);
    let most = most + blank::<64>(&bytes[most..]);
    most + repeats(&bytes[most..], [0; 8])
}

/// How many bytes at the start are 0, as far as they are whole blocks.
fn blank<const BLOCK: usize>(bytes: &[u8]) -> usize {
    let is_blank = |block: &&[u8; BLOCK]| {
        let (words, _) = block.as_chunks::<8>();
        let words = words.iter().map(|word| u64::from_ne_bytes(*word));
        words.fold(0, |all, word| all | word) == 0
    };
    let (blocks, _) = bytes.as_chunks();
    blocks.iter().take_while(is_blank).count() * BLOCK
}

/// How many bytes at the start are those of the word, again and again.
fn repeats(bytes: &[u8], word: [u8; 8]) -> usize {
    let word = u64::from_le_bytes(word);
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, other) in words.iter().enumerate() {
        let differs = word ^ u64::from_le_bytes(*other);
        if differs != 0 {
            return 8 * at + differs.trailing_zeros() as usize / 8;
        }
    }
    let same = rest.iter().zip(word.to_le_bytes());
    8 * words.len() + same.take_while(|(a, b)| *a == b).count()
}

/// Cuts voxels of a plane, counted through its rows, into runs; one that goes on is lengthened.
fn append(runs: &mut Vec<LabelRun>, width: usize, mut voxels: std::ops::Range<usize>, label: i32) {
    while !voxels.is_empty() {
        let (y, x) = (voxels.start / width, voxels.start % width);
        let length = voxels.len().min(width - x);
        voxels.start += length;
        // Unwrap safety (of the casts): each is no more than an extent of the geometry.
        let run = LabelRun {
            y: y as u32,
            start: x as u32,
            end: (x + length) as u32,
            label,
        };
        match runs.last_mut() {
            Some(last) if (last.y, last.end, last.label) == (run.y, run.start, label) => {
                last.end = run.end;
            }
            _ => runs.push(run),
        }
    }
}
