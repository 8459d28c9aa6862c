//! A small volume, written by hand and read by what is tested.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use crate::error::Error;
use crate::geometry::Geometry;
use crate::nifti::{Fault, Limits, read_labels};

/// Written out by hand, not by [`write_labels`](crate::nifti::write_labels): a reader and a writer may
/// share a mistake.
pub struct Sample {
    pub is_big_endian: bool,
    pub dim: [i16; 8],
    pub datatype: i16,
    pub scaling: [f32; 2],
    pub offset: f32,
    pub magic: [u8; 4],
    pub voxels: Vec<u8>,
}

impl Sample {
    /// 3 × 2 × 1 voxels of one byte.
    pub fn new() -> Self {
        Self {
            is_big_endian: false,
            dim: [3, 3, 2, 1, 1, 1, 1, 1],
            datatype: 2,
            scaling: [1.0, 0.0],
            offset: 352.0,
            magic: *b"n+1\0",
            voxels: vec![0, 11, 12, 0, 0, 48],
        }
    }

    pub fn of<T: Copy, const N: usize>(
        datatype: i16,
        values: [T; 6],
        bytes: fn(T) -> [u8; N],
    ) -> Self {
        let voxels = values.into_iter().flat_map(bytes).collect();
        Self {
            datatype,
            voxels,
            ..Self::new()
        }
    }

    pub fn big_endian(self) -> Self {
        Self {
            is_big_endian: true,
            ..self
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; 352];
        let i16 = |value: i16| {
            if self.is_big_endian {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        let f32 = |value: f32| {
            if self.is_big_endian {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        bytes[..4].copy_from_slice(&if self.is_big_endian {
            [0, 0, 1, 0x5c]
        } else {
            [0x5c, 1, 0, 0]
        });
        for (index, extent) in self.dim.into_iter().enumerate() {
            bytes[40 + 2 * index..][..2].copy_from_slice(&i16(extent));
        }
        bytes[70..72].copy_from_slice(&i16(self.datatype));
        for (index, size) in [1.0, 0.2, 0.3, 1.5].into_iter().enumerate() {
            bytes[76 + 4 * index..][..4].copy_from_slice(&f32(size));
        }
        bytes[108..112].copy_from_slice(&f32(self.offset));
        bytes[112..116].copy_from_slice(&f32(self.scaling[0]));
        bytes[116..120].copy_from_slice(&f32(self.scaling[1]));
        bytes[344..348].copy_from_slice(&self.magic);
        bytes.extend(&self.voxels);
        bytes
    }

    pub fn gzipped(&self) -> Vec<u8> {
        gzipped(&self.bytes())
    }
}

pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn values(bytes: &[u8]) -> Vec<i32> {
    let volume = read_labels(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(volume.geometry(), Geometry::volume([3, 2, 1]));
    let places = [
        [0, 0, 0],
        [1, 0, 0],
        [2, 0, 0],
        [0, 1, 0],
        [1, 1, 0],
        [2, 1, 0],
    ];
    places
        .into_iter()
        .map(|at| volume.value(at).unwrap())
        .collect()
}

pub fn fault(bytes: &[u8]) -> Fault {
    match read_labels(bytes, &Limits::default()) {
        Err(Error::Nifti(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

pub const LABELS: [i32; 6] = [0, 11, 12, 0, 0, 48];
