use std::collections::BTreeSet;
use std::io::Read;

use molar_metrics::{MAX_LABELS, Segmentation, Voxel};
use ndarray::{Array3, ArrayView3};

use super::header::{Datatype, Header, Scaling};
use super::stream::Stream;
use super::{Fault, Limits};
use crate::error::{Error, Result};
use crate::geometry::Geometry;

/// Whole voxels of every datatype fit.
const CHUNK: usize = 1 << 16;

/// Labels in the narrowest of three types that holds all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelVolume {
    geometry: Geometry,
    voxels: Voxels,
}

/// Axes z, y, x: the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Voxels {
    U8(Array3<u8>),
    I16(Array3<i16>),
    I32(Array3<i32>),
}

/// Reads a label volume to its end, a chunk at a time: neither the stored bytes nor the inflated ones
/// are held.
pub fn read_labels(reader: impl Read, limits: &Limits) -> Result<LabelVolume> {
    read(Stream::open(reader)?, limits)
}

fn read(mut stream: Stream<'_>, limits: &Limits) -> Result<LabelVolume> {
    let (header, read) = Header::read(&mut stream)?;
    header.check(limits)?;
    stream.skip(header.voxels_at - read)?;
    let narrow = match header.datatype {
        Datatype::U8 => decode::<u8>(&mut stream, &header),
        Datatype::I8 => decode::<i8>(&mut stream, &header),
        Datatype::U16 => decode::<u16>(&mut stream, &header),
        Datatype::I16 => decode::<i16>(&mut stream, &header),
        Datatype::U32 => decode::<u32>(&mut stream, &header),
        Datatype::I32 => decode::<i32>(&mut stream, &header),
        Datatype::U64 => decode::<u64>(&mut stream, &header),
        Datatype::I64 => decode::<i64>(&mut stream, &header),
        Datatype::F32 => decode::<f32>(&mut stream, &header),
        Datatype::F64 => decode::<f64>(&mut stream, &header),
    }?;
    if !stream.is_at_end()? {
        return Err(Fault::TrailingBytes.into());
    }
    Ok(LabelVolume {
        geometry: header.geometry,
        voxels: narrow.shaped(header.geometry),
    })
}

impl LabelVolume {
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Value of the voxel in the header's axes; `None` outside.
    pub fn value(&self, [x, y, z]: [u32; 3]) -> Option<i32> {
        let at = [z as usize, y as usize, x as usize];
        match &self.voxels {
            Voxels::U8(voxels) => voxels.get(at).copied().map(i32::from),
            Voxels::I16(voxels) => voxels.get(at).copied().map(i32::from),
            Voxels::I32(voxels) => voxels.get(at).copied(),
        }
    }

    /// The values that occur, without 0.
    pub fn labels(&self) -> Result<BTreeSet<i32>> {
        match &self.voxels {
            Voxels::U8(voxels) => distinct(voxels),
            Voxels::I16(voxels) => distinct(voxels),
            Voxels::I32(voxels) => distinct(voxels),
        }
    }

    /// One mask per label; 0 is background.
    pub fn segmentation(&self) -> Result<Segmentation<i32>> {
        self.segment(None)
    }

    /// For a prediction: labels that the reference lacks count but take no memory.
    pub fn segmentation_against(&self, reference: &Segmentation<i32>) -> Result<Segmentation<i32>> {
        self.segment(Some(reference))
    }

    fn segment(&self, reference: Option<&Segmentation<i32>>) -> Result<Segmentation<i32>> {
        match &self.voxels {
            Voxels::U8(voxels) => segment(voxels.view(), reference),
            Voxels::I16(voxels) => segment(voxels.view(), reference),
            Voxels::I32(voxels) => segment(voxels.view(), reference),
        }
    }
}

fn distinct<V: Voxel + Copy + Into<i32>>(voxels: &Array3<V>) -> Result<BTreeSet<i32>> {
    let mut labels = BTreeSet::new();
    let mut last = 0;
    for &voxel in voxels {
        let label = voxel.into();
        if label != last && label != 0 {
            labels.insert(label);
            if labels.len() > MAX_LABELS {
                return Err(Fault::TooManyLabels { limit: MAX_LABELS }.into());
            }
        }
        last = label;
    }
    Ok(labels)
}

fn segment<V: Voxel>(
    voxels: ArrayView3<'_, V>,
    reference: Option<&Segmentation<i32>>,
) -> Result<Segmentation<i32>> {
    let found = match reference {
        Some(reference) => Segmentation::from_labels_against(voxels, reference),
        None => Segmentation::from_labels(voxels),
    };
    found.map_err(|error| match error {
        molar_metrics::Error::Scattered { .. } => Fault::Scattered.into(),
        // The only other thing that a label volume can be refused for.
        _ => Fault::TooManyLabels { limit: MAX_LABELS }.into(),
    })
}

/// The voxels so far, in the order of the file.
enum Growing {
    U8(Vec<u8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
}

impl Growing {
    fn new(voxels: usize) -> Result<Self, Fault> {
        Ok(Self::U8(room_for(voxels)?))
    }

    #[inline]
    fn push(&mut self, label: i32) -> Result<(), Fault> {
        loop {
            match self {
                Self::U8(voxels) => {
                    if let Ok(label) = u8::try_from(label) {
                        voxels.push(label);
                        return Ok(());
                    }
                }
                Self::I16(voxels) => {
                    if let Ok(label) = i16::try_from(label) {
                        voxels.push(label);
                        return Ok(());
                    }
                }
                Self::I32(voxels) => {
                    voxels.push(label);
                    return Ok(());
                }
            }
            self.widen(label)?;
        }
    }

    #[cold]
    fn widen(&mut self, label: i32) -> Result<(), Fault> {
        let fits = i16::try_from(label).is_ok();
        *self = match self {
            Self::U8(voxels) if fits => Self::I16(widened(voxels)?),
            Self::U8(voxels) => Self::I32(widened(voxels)?),
            Self::I16(voxels) => Self::I32(widened(voxels)?),
            Self::I32(_) => return Ok(()),
        };
        Ok(())
    }

    fn shaped(self, geometry: Geometry) -> Voxels {
        let shape = geometry.grid().map(|extent| extent as usize);
        // Unwrap safety: `decode` pushes as many voxels as the geometry has.
        let message = "as many voxels as the shape has";
        match self {
            Self::U8(voxels) => Voxels::U8(Array3::from_shape_vec(shape, voxels).expect(message)),
            Self::I16(voxels) => Voxels::I16(Array3::from_shape_vec(shape, voxels).expect(message)),
            Self::I32(voxels) => Voxels::I32(Array3::from_shape_vec(shape, voxels).expect(message)),
        }
    }
}

fn room_for<T>(voxels: usize) -> Result<Vec<T>, Fault> {
    let mut room = Vec::new();
    let reserved = room.try_reserve_exact(voxels);
    reserved.map_err(|_| Fault::NoMemory {
        voxels: voxels as u64,
    })?;
    Ok(room)
}

fn widened<N: Copy, W: From<N>>(narrow: &mut Vec<N>) -> Result<Vec<W>, Fault> {
    let mut wide = room_for(narrow.capacity())?;
    wide.extend(narrow.iter().map(|&voxel| W::from(voxel)));
    Ok(wide)
}

fn decode<T: Stored>(stream: &mut Stream<'_>, header: &Header) -> Result<Growing> {
    let expected = header.geometry.elements();
    let mut voxels = Growing::new(expected as usize)?;
    let mut chunk = [0; CHUNK];
    let mut read = 0;
    // Teeth and background come in long runs: most voxels are what the last one was.
    let mut last: Option<(T, i32)> = None;
    while read < expected {
        let wanted = (CHUNK / T::SIZE).min((expected - read) as usize) * T::SIZE;
        let filled = stream.fill(&mut chunk[..wanted])?;
        for (index, bytes) in chunk[..filled].chunks_exact(T::SIZE).enumerate() {
            let stored = if header.is_big_endian {
                T::from_be(bytes)
            } else {
                T::from_le(bytes)
            };
            let label = match last {
                Some((same, label)) if same == stored => label,
                _ => {
                    let place = || place(header.geometry, read + index as u64);
                    stored
                        .label(header.scaling)
                        .map_err(|bad| bad.at(place()))?
                }
            };
            last = Some((stored, label));
            voxels.push(label)?;
        }
        read += (filled / T::SIZE) as u64;
        if filled < wanted {
            let geometry = header.geometry;
            return Err(Fault::Truncated {
                voxels: read,
                expected,
                geometry,
            }
            .into());
        }
    }
    Ok(voxels)
}

fn place(geometry: Geometry, index: u64) -> [u32; 3] {
    let [_, height, width] = geometry.grid().map(u64::from);
    // Unwrap safety (of the casts): each is below an extent of the geometry.
    [
        index % width,
        index / width % height,
        index / width / height,
    ]
    .map(|at| at as u32)
}

enum BadVoxel {
    NotFinite,
    Fractional(f64),
    OutOfRange(f64),
}

impl BadVoxel {
    fn at(self, at: [u32; 3]) -> Error {
        Error::Nifti(match self {
            Self::NotFinite => Fault::NotFinite { at },
            Self::Fractional(value) => Fault::Fractional { at, value },
            Self::OutOfRange(value) => Fault::OutOfRange { at, value },
        })
    }
}

/// A type that voxels are stored as.
trait Stored: Copy + PartialEq {
    const SIZE: usize;

    fn from_le(bytes: &[u8]) -> Self;
    fn from_be(bytes: &[u8]) -> Self;
    fn label(self, scaling: Option<Scaling>) -> Result<i32, BadVoxel>;
}

macro_rules! stored {
    ($($stored:ty)*) => {$(
        impl Stored for $stored {
            const SIZE: usize = size_of::<Self>();

            fn from_le(bytes: &[u8]) -> Self {
                Self::from_le_bytes(std::array::from_fn(|index| bytes[index]))
            }

            fn from_be(bytes: &[u8]) -> Self {
                Self::from_be_bytes(std::array::from_fn(|index| bytes[index]))
            }

            // A 64-bit integer that f64 rounds is far out of range either way.
            fn label(self, scaling: Option<Scaling>) -> Result<i32, BadVoxel> {
                label_of(self as f64, scaling)
            }
        }
    )*};
}

stored!(u8 i8 u16 i16 u32 i32 u64 i64 f32 f64);

fn label_of(stored: f64, scaling: Option<Scaling>) -> Result<i32, BadVoxel> {
    let value = scaling.map_or(stored, |s| stored * s.slope + s.intercept);
    if !value.is_finite() {
        Err(BadVoxel::NotFinite)
    } else if value.fract() != 0.0 {
        Err(BadVoxel::Fractional(value))
    } else if value < f64::from(i32::MIN) || value > f64::from(i32::MAX) {
        Err(BadVoxel::OutOfRange(value))
    } else {
        Ok(value as i32)
    }
}
