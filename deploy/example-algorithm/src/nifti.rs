//! Just enough NIfTI-1 to read a scan slice by slice and to write labels like it.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};

use crate::Error;
use crate::components::Grid;

const HEADER: usize = 348;

pub struct Reader {
    stream: MultiGzDecoder<BufReader<File>>,
    header: [u8; HEADER],
    pub grid: Grid,
    pub spacing_mm: [f64; 3],
    kind: Kind,
    slope: f32,
    intercept: f32,
}

#[derive(Clone, Copy)]
enum Kind {
    U8,
    I8,
    I16,
    U16,
    I32,
    F32,
    F64,
}

impl Kind {
    fn of(code: i16) -> Option<Self> {
        Some(match code {
            2 => Self::U8,
            256 => Self::I8,
            4 => Self::I16,
            512 => Self::U16,
            8 => Self::I32,
            16 => Self::F32,
            64 => Self::F64,
            _ => return None,
        })
    }

    fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    fn value(self, b: &[u8]) -> f32 {
        match self {
            Self::U8 => f32::from(b[0]),
            Self::I8 => f32::from(b[0] as i8),
            Self::I16 => f32::from(i16::from_le_bytes([b[0], b[1]])),
            Self::U16 => f32::from(u16::from_le_bytes([b[0], b[1]])),
            Self::I32 => i32::from_le_bytes([b[0], b[1], b[2], b[3]]) as f32,
            Self::F32 => f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            Self::F64 => {
                f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32
            }
        }
    }
}

impl Reader {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut stream = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, File::open(path)?));
        let mut header = [0u8; HEADER];
        stream.read_exact(&mut header)?;
        let short = |at: usize| i16::from_le_bytes([header[at], header[at + 1]]);
        let float = |at: usize| {
            f32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        if header[..4] != 348i32.to_le_bytes() || &header[344..347] != b"n+1" {
            return Err(Error::Format(
                "not a little-endian NIfTI-1 file in one piece",
            ));
        }
        let side = |k: usize| usize::try_from(short(42 + 2 * k)).unwrap_or(0);
        let grid = Grid {
            nx: side(0),
            ny: side(1),
            nz: side(2),
        };
        if short(40) < 3 || grid.nx < 2 || grid.ny < 2 || grid.nz < 2 {
            return Err(Error::Format("not three dimensions"));
        }
        let spacing_mm = [80, 84, 88].map(|at| {
            let size = f64::from(float(at).abs());
            if size > 0.01 && size < 10.0 {
                size
            } else {
                1.0
            }
        });
        let gap = (float(108).max(352.0) as u64).saturating_sub(HEADER as u64);
        std::io::copy(&mut (&mut stream).take(gap), &mut std::io::sink())?;
        let has_scale = float(112) != 0.0 && float(112).is_finite();
        Ok(Self {
            kind: Kind::of(short(70)).ok_or(Error::Format("voxels of a type we do not read"))?,
            slope: if has_scale { float(112) } else { 1.0 },
            intercept: if has_scale { float(116) } else { 0.0 },
            stream,
            header,
            grid,
            spacing_mm,
        })
    }

    /// The next slice, from the lowest up.
    pub fn slice(&mut self, bytes: &mut Vec<u8>, values: &mut Vec<f32>) -> Result<(), Error> {
        let size = self.kind.size();
        bytes.resize(self.grid.nx * self.grid.ny * size, 0);
        self.stream.read_exact(bytes)?;
        let (slope, intercept) = (self.slope, self.intercept);
        values.clear();
        values.extend(
            bytes
                .chunks_exact(size)
                .map(|voxel| self.kind.value(voxel) * slope + intercept),
        );
        Ok(())
    }

    /// A writer of labels (uint8) on the same grid.
    pub fn labels(&self) -> Result<GzEncoder<Vec<u8>>, Error> {
        let mut header = self.header;
        header[70..74].copy_from_slice(&[2, 0, 8, 0]);
        header[108..112].copy_from_slice(&352f32.to_le_bytes());
        header[112..116].copy_from_slice(&1f32.to_le_bytes());
        header[116..120].fill(0);
        // The range shown is that of the scan: let viewers find their own.
        header[124..132].fill(0);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::new(4));
        gzip.write_all(&header)?;
        gzip.write_all(&[0; 4])?;
        Ok(gzip)
    }
}
