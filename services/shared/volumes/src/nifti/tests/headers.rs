//! What a header says, and where the voxels start after it.

use super::sample::{LABELS, Sample, fault, gzipped, values};
use crate::geometry::Geometry;
use crate::nifti::{Datatype, Fault, read_header};

#[test]
fn a_volume_has_three_axes() {
    let with = |dim| {
        Sample {
            dim,
            ..Sample::new()
        }
        .bytes()
    };
    assert_eq!(values(&with([5, 3, 2, 1, 1, 1, 0, 0])), LABELS);
    assert_eq!(values(&with([2, 3, 2, 0, 0, 0, 0, 0])), LABELS);
    for dim in [
        [0, 3, 2, 1, 1, 1, 1, 1],
        [8, 3, 2, 1, 1, 1, 1, 1],
        [-1, 3, 2, 1, 1, 1, 1, 1],
        [3, 3, 0, 1, 1, 1, 1, 1],
        [3, 3, -2, 1, 1, 1, 1, 1],
        [4, 3, 1, 1, 2, 1, 1, 1],
    ] {
        assert_eq!(
            fault(&with(dim)),
            Fault::Dimensions {
                dim: dim.map(i64::from)
            }
        );
    }
}

#[test]
fn what_is_not_a_volume_in_one_file_is_refused() {
    let pair = Sample {
        magic: *b"ni1\0",
        ..Sample::new()
    };
    assert_eq!(fault(&pair.bytes()), Fault::TwoFiles);
    let analyze = Sample {
        magic: [0; 4],
        ..Sample::new()
    };
    assert!(matches!(fault(&analyze.bytes()), Fault::NotNifti { .. }));
    assert_eq!(fault(&[b'<'; 400]), Fault::NotNifti { start: [b'<'; 4] });
    let complex = Sample {
        datatype: 32,
        ..Sample::new()
    };
    assert_eq!(fault(&complex.bytes()), Fault::Datatype { code: 32 });
    for offset in [352.5, 1e9, f32::INFINITY] {
        let sample = Sample {
            offset,
            ..Sample::new()
        };
        assert_eq!(
            fault(&sample.bytes()),
            Fault::Offset {
                offset: offset.into()
            }
        );
    }
    let nowhere = Sample {
        offset: f32::NAN,
        ..Sample::new()
    };
    assert!(matches!(fault(&nowhere.bytes()), Fault::Offset { .. }));
}

#[test]
fn extensions_are_passed_over() {
    let mut sample = Sample {
        offset: 352.0 + 16.0,
        ..Sample::new()
    };
    sample.voxels.splice(0..0, [9; 16]);
    assert_eq!(values(&sample.gzipped()), LABELS);
}

#[test]
fn the_second_version_is_read_too() {
    for is_big_endian in [false, true] {
        let ordered = |value: i64| {
            if is_big_endian {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        let mut bytes = vec![0; 544];
        bytes[..4].copy_from_slice(&if is_big_endian {
            [0, 0, 2, 0x1c]
        } else {
            [0x1c, 2, 0, 0]
        });
        bytes[4..12].copy_from_slice(b"n+2\0\r\n\x1a\n");
        bytes[12 + usize::from(is_big_endian)] = 2;
        for (index, extent) in [3, 3, 2, 1, 1, 1, 1, 1].into_iter().enumerate() {
            bytes[16 + 8 * index..][..8].copy_from_slice(&ordered(extent));
        }
        bytes[168..176].copy_from_slice(&ordered(544));
        bytes.extend(LABELS.map(|label| label as u8));
        assert_eq!(values(&gzipped(&bytes)), LABELS);
    }
}

#[test]
fn a_header_is_read_without_the_voxels() {
    let mut bytes = Sample {
        datatype: 512,
        ..Sample::new()
    }
    .gzipped();
    bytes.truncate(bytes.len() - 9);
    let header = read_header(&*bytes).unwrap();
    assert_eq!(header.geometry, Geometry::volume([3, 2, 1]));
    assert_eq!(header.datatype, Datatype::U16);
    assert_eq!(header.spacing.map(|size| size as f32), [0.2, 0.3, 1.5]);
}

#[test]
fn the_size_of_a_voxel_is_in_millimetres_whatever_the_header_s_unit() {
    let spacing = |unit: u8| {
        let mut bytes = Sample::new().bytes();
        bytes[123] = unit;
        // A sign is of the orientation.
        bytes[80..84].copy_from_slice(&(-0.25_f32).to_le_bytes());
        read_header(&*bytes).unwrap().spacing[0]
    };
    // The higher bits are the unit of time.
    assert_eq!([0, 2, 8 | 2, 5].map(spacing), [0.25; 4]);
    assert_eq!([1, 3, 16 | 3].map(spacing), [250.0, 0.00025, 0.00025]);
}

#[test]
fn the_place_of_a_volume_is_its_rows_or_its_turn_or_its_spacing() {
    let placed = |sform: i16, qform: i16| {
        let mut bytes = Sample::new().bytes();
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(252, &qform.to_le_bytes());
        put(254, &sform.to_le_bytes());
        // The third axis the other way round.
        for (axis, size) in [-1.0_f32, 0.5, 0.25, 2.0].into_iter().enumerate() {
            put(76 + 4 * axis, &size.to_le_bytes());
        }
        // Half a turn about z: b, c, d are 0, 0, 1.
        put(264, &1_f32.to_le_bytes());
        put(268, &7_f32.to_le_bytes());
        for (at, value) in [(0, 9.0_f32), (3, 1.0), (5, 8.0), (10, 4.0)] {
            put(280 + 4 * at, &value.to_le_bytes());
        }
        read_header(&bytes[..]).unwrap().affine
    };
    let rows = [
        [9.0, 0.0, 0.0, 1.0],
        [0.0, 8.0, 0.0, 0.0],
        [0.0, 0.0, 4.0, 0.0],
    ];
    assert_eq!(placed(1, 1), rows);
    let turned = [
        [-0.5, 0.0, 0.0, 7.0],
        [0.0, -0.25, 0.0, 0.0],
        [0.0, 0.0, -2.0, 0.0],
    ];
    assert_eq!(placed(0, 1), turned);
    let alone = [
        [0.5, 0.0, 0.0, 0.0],
        [0.0, 0.25, 0.0, 0.0],
        [0.0, 0.0, 2.0, 0.0],
    ];
    assert_eq!(placed(0, 0), alone);
}
