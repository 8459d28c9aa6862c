use std::io::Read;

use super::stream::Stream;
use super::{Fault, Limits};
use crate::error::{Error, Result};
use crate::geometry::Geometry;

/// Header extensions are read over up to this size.
const MAX_OFFSET: f64 = (16 << 20) as f64;

#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    pub geometry: Geometry,
    pub datatype: Datatype,
    /// Millimetres along x, y and z, which may be anything; the protocol ignores them.
    pub spacing: [f64; 3],
    /// From voxels to millimetres of the scanner, row by row; the spacing alone where the header says
    /// nothing more. The protocol ignores it.
    pub affine: [[f64; 4]; 3],
    pub(super) is_big_endian: bool,
    pub(super) scaling: Option<Scaling>,
    pub(super) voxels_at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datatype {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

/// A voxel's value is `slope` times what is stored, plus `intercept`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scaling {
    pub slope: f64,
    pub intercept: f64,
}

/// Reads no further than the header: for the size of an image. Its voxels may be of any kind.
pub fn read_header(reader: impl Read) -> Result<Header> {
    Ok(Header::read(&mut Stream::open(reader)?)?.0)
}

impl Header {
    /// Also returns how many bytes were read.
    pub(super) fn read(stream: &mut Stream<'_>) -> Result<(Self, u64)> {
        let mut bytes = [0; Version::Two.size()];
        let (head, rest) = bytes.split_at_mut(Version::One.size());
        let mut filled = stream.fill(head)?;
        let start = [head[0], head[1], head[2], head[3]];
        if filled < 4 {
            return Err(Fault::HeaderTruncated { bytes: filled }.into());
        }
        let (version, is_big_endian) = Version::of(start).ok_or(Fault::NotNifti { start })?;
        if version == Version::Two && filled == head.len() {
            filled += stream.fill(rest)?;
        }
        if filled < version.size() {
            return Err(Fault::HeaderTruncated { bytes: filled }.into());
        }
        let fields = Fields {
            bytes: &bytes,
            is_big_endian,
        };
        let header = match version {
            Version::One => Self::one(&fields, start)?,
            Version::Two => Self::two(&fields, start)?,
        };
        Ok((header, filled as u64))
    }

    /// Insists on the size before anything is allocated for it.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), Error> {
        if let Some(expected) = limits.expected {
            expected.insist(self.geometry)?;
        }
        let (voxels, limit) = (self.geometry.elements(), limits.max_voxels);
        if voxels > limit {
            return Err(Fault::TooManyVoxels { voxels, limit }.into());
        }
        Ok(())
    }

    fn one(fields: &Fields<'_>, start: [u8; 4]) -> Result<Self, Fault> {
        match fields.take(344) {
            [b'n', b'+', b'1', 0] => {}
            [b'n', b'i', b'1', 0] => return Err(Fault::TwoFiles),
            _ => return Err(Fault::NotNifti { start }),
        }
        let dim = std::array::from_fn(|axis| fields.i16(40 + 2 * axis).into());
        Ok(Self {
            geometry: geometry(dim)?,
            datatype: Datatype::of(fields.i16(70))?,
            spacing: spacing(fields.byte(123), |axis| fields.f32(80 + 4 * axis)),
            affine: Placement {
                has_rows: fields.i16(254) > 0,
                rows: std::array::from_fn(|row| {
                    std::array::from_fn(|column| fields.f32(280 + 16 * row + 4 * column))
                }),
                has_turn: fields.i16(252) > 0,
                turn: std::array::from_fn(|part| fields.f32(256 + 4 * part)),
                origin: std::array::from_fn(|axis| fields.f32(268 + 4 * axis)),
                pixdim: std::array::from_fn(|axis| fields.f32(76 + 4 * axis)),
            }
            .affine(fields.byte(123)),
            is_big_endian: fields.is_big_endian,
            scaling: Scaling::of(fields.f32(112), fields.f32(116)),
            voxels_at: offset(fields.f32(108), Version::One)?,
        })
    }

    fn two(fields: &Fields<'_>, start: [u8; 4]) -> Result<Self, Fault> {
        match fields.take(4) {
            [b'n', b'+', b'2', 0, b'\r', b'\n', 0x1a, b'\n'] => {}
            [b'n', b'i', b'2', ..] => return Err(Fault::TwoFiles),
            _ => return Err(Fault::NotNifti { start }),
        }
        let dim = std::array::from_fn(|axis| fields.i64(16 + 8 * axis));
        Ok(Self {
            geometry: geometry(dim)?,
            datatype: Datatype::of(fields.i16(12))?,
            spacing: spacing(fields.i32(500) as u8, |axis| fields.f64(112 + 8 * axis)),
            affine: Placement {
                has_rows: fields.i32(348) > 0,
                rows: std::array::from_fn(|row| {
                    std::array::from_fn(|column| fields.f64(400 + 32 * row + 8 * column))
                }),
                has_turn: fields.i32(344) > 0,
                turn: std::array::from_fn(|part| fields.f64(352 + 8 * part)),
                origin: std::array::from_fn(|axis| fields.f64(376 + 8 * axis)),
                pixdim: std::array::from_fn(|axis| fields.f64(104 + 8 * axis)),
            }
            .affine(fields.i32(500) as u8),
            is_big_endian: fields.is_big_endian,
            scaling: Scaling::of(fields.f64(176), fields.f64(184)),
            voxels_at: offset(fields.i64(168) as f64, Version::Two)?,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    /// Of the header, which is also its first field and tells the byte order.
    const fn size(self) -> usize {
        match self {
            Self::One => 348,
            Self::Two => 540,
        }
    }

    fn of(start: [u8; 4]) -> Option<(Self, bool)> {
        let versions = [Self::One, Self::Two].into_iter();
        let mut written = versions.flat_map(|version| [(version, false), (version, true)]);
        written.find(|&(version, is_big_endian)| {
            let size = version.size() as u32;
            start
                == if is_big_endian {
                    size.to_be_bytes()
                } else {
                    size.to_le_bytes()
                }
        })
    }
}

/// Axes after the third may be there if they are 1 long; one that is missing is 1 long.
fn geometry(dim: [i64; 8]) -> Result<Geometry, Fault> {
    let fault = Fault::Dimensions { dim };
    let axes = usize::try_from(dim[0])
        .ok()
        .filter(|axes| (1..=7).contains(axes));
    let Some(axes) = axes else { return Err(fault) };
    let mut extents = [1; 7];
    for (extent, &written) in extents.iter_mut().zip(&dim[1..=axes]) {
        match u32::try_from(written) {
            Ok(voxels) if voxels > 0 => *extent = voxels,
            _ => return Err(fault),
        }
    }
    match extents {
        [x, y, z, 1, 1, 1, 1] => Ok(Geometry::volume([x, y, z])),
        _ => Err(fault),
    }
}

/// `units` has the unit of length in its three lowest bits. Where it says none, mm are meant; a sign of
/// `pixdim` is of the orientation.
fn spacing(units: u8, pixdim: impl Fn(usize) -> f64) -> [f64; 3] {
    let mm = millimetres(units);
    std::array::from_fn(|axis| pixdim(axis).abs() * mm)
}

fn millimetres(units: u8) -> f64 {
    match units & 7 {
        1 => 1e3,
        3 => 1e-3,
        _ => 1.0,
    }
}

/// Where a header puts the volume: by rows (sform), else by a rotation (qform), else by nothing.
struct Placement {
    has_rows: bool,
    rows: [[f64; 4]; 3],
    has_turn: bool,
    /// b, c and d of a unit quaternion.
    turn: [f64; 3],
    origin: [f64; 3],
    /// The first is the sign of the third axis.
    pixdim: [f64; 4],
}

impl Placement {
    fn affine(&self, units: u8) -> [[f64; 4]; 3] {
        let affine = if self.has_rows {
            self.rows
        } else if self.has_turn {
            self.turned()
        } else {
            std::array::from_fn(|row| {
                std::array::from_fn(|column| match row == column {
                    true => self.pixdim[row + 1].abs(),
                    false => 0.0,
                })
            })
        };
        affine.map(|row| row.map(|value| value * millimetres(units)))
    }

    /// As nifti1.h has it.
    fn turned(&self) -> [[f64; 4]; 3] {
        let [b, c, d] = self.turn;
        let a = (1.0 - b * b - c * c - d * d).max(0.0).sqrt();
        let rotation = [
            [
                a * a + b * b - c * c - d * d,
                2.0 * (b * c - a * d),
                2.0 * (b * d + a * c),
            ],
            [
                2.0 * (b * c + a * d),
                a * a + c * c - b * b - d * d,
                2.0 * (c * d - a * b),
            ],
            [
                2.0 * (b * d - a * c),
                2.0 * (c * d + a * b),
                a * a + d * d - b * b - c * c,
            ],
        ];
        let sign = if self.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
        let scale = [self.pixdim[1], self.pixdim[2], self.pixdim[3] * sign];
        std::array::from_fn(|row| {
            let [x, y, z] = std::array::from_fn(|column| rotation[row][column] * scale[column]);
            [x, y, z, self.origin[row]]
        })
    }
}

/// What lies before the header's end is written by those who mean "right after it".
fn offset(written: f64, version: Version) -> Result<u64, Fault> {
    let offset = written.max(version.size() as f64);
    if written.is_nan() || offset.fract() != 0.0 || offset > MAX_OFFSET {
        return Err(Fault::Offset { offset: written });
    }
    Ok(offset as u64)
}

impl Scaling {
    /// A slope of 0, or one that is no number, means that nothing is scaled.
    fn of(slope: f64, intercept: f64) -> Option<Self> {
        let intercept = if intercept.is_finite() {
            intercept
        } else {
            0.0
        };
        let scales = slope.is_finite() && slope != 0.0 && (slope, intercept) != (1.0, 0.0);
        scales.then_some(Self { slope, intercept })
    }
}

impl Datatype {
    /// Bytes of a voxel.
    pub(super) fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    fn of(code: i16) -> Result<Self, Fault> {
        Ok(match code {
            2 => Self::U8,
            4 => Self::I16,
            8 => Self::I32,
            16 => Self::F32,
            64 => Self::F64,
            256 => Self::I8,
            512 => Self::U16,
            768 => Self::U32,
            1024 => Self::I64,
            1280 => Self::U64,
            _ => return Err(Fault::Datatype { code }),
        })
    }
}

struct Fields<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

impl Fields<'_> {
    fn take<const N: usize>(&self, at: usize) -> [u8; N] {
        std::array::from_fn(|index| self.bytes[at + index])
    }

    fn ordered<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = self.take(at);
        if self.is_big_endian {
            bytes.reverse();
        }
        bytes
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes[at]
    }

    fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.ordered(at))
    }

    fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.ordered(at))
    }

    fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.ordered(at))
    }

    fn f32(&self, at: usize) -> f64 {
        f32::from_le_bytes(self.ordered(at)).into()
    }

    fn f64(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.ordered(at))
    }
}
