use std::io::{self, Read, Write};

use flate2::{Compression, write::GzEncoder};
use molar_metrics::LabelRun;
use ndarray::Array3;

use super::*;
use crate::error::Error;

/// Written out by hand, not by [`write_labels`]: a reader and a writer may share a mistake.
struct Sample {
    is_big_endian: bool,
    dim: [i16; 8],
    datatype: i16,
    scaling: [f32; 2],
    offset: f32,
    magic: [u8; 4],
    voxels: Vec<u8>,
}

impl Sample {
    /// 3 × 2 × 1 voxels of one byte.
    fn new() -> Self {
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

    fn of<T: Copy, const N: usize>(datatype: i16, values: [T; 6], bytes: fn(T) -> [u8; N]) -> Self {
        let voxels = values.into_iter().flat_map(bytes).collect();
        Self {
            datatype,
            voxels,
            ..Self::new()
        }
    }

    fn big_endian(self) -> Self {
        Self {
            is_big_endian: true,
            ..self
        }
    }

    fn bytes(&self) -> Vec<u8> {
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

    fn gzipped(&self) -> Vec<u8> {
        gzipped(&self.bytes())
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn values(bytes: &[u8]) -> Vec<i32> {
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

fn fault(bytes: &[u8]) -> Fault {
    match read_labels(bytes, &Limits::default()) {
        Err(Error::Nifti(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

const LABELS: [i32; 6] = [0, 11, 12, 0, 0, 48];

#[test]
fn every_datatype_and_byte_order_is_read() {
    let labels = LABELS;
    let little = [
        Sample::new(),
        Sample::of(256, labels.map(|v| v as i8), i8::to_le_bytes),
        Sample::of(4, labels.map(|v| v as i16), i16::to_le_bytes),
        Sample::of(512, labels.map(|v| v as u16), u16::to_le_bytes),
        Sample::of(8, labels, i32::to_le_bytes),
        Sample::of(768, labels.map(|v| v as u32), u32::to_le_bytes),
        Sample::of(1024, labels.map(i64::from), i64::to_le_bytes),
        Sample::of(1280, labels.map(|v| v as u64), u64::to_le_bytes),
        Sample::of(16, labels.map(|v| v as f32), f32::to_le_bytes),
        Sample::of(64, labels.map(f64::from), f64::to_le_bytes),
    ];
    let big = [
        Sample::new().big_endian(),
        Sample::of(4, labels.map(|v| v as i16), i16::to_be_bytes).big_endian(),
        Sample::of(8, labels, i32::to_be_bytes).big_endian(),
        Sample::of(16, labels.map(|v| v as f32), f32::to_be_bytes).big_endian(),
        Sample::of(64, labels.map(f64::from), f64::to_be_bytes).big_endian(),
    ];
    for sample in little.iter().chain(&big) {
        assert_eq!(
            values(&sample.bytes()),
            LABELS,
            "datatype {}",
            sample.datatype
        );
        assert_eq!(
            values(&sample.gzipped()),
            LABELS,
            "datatype {}",
            sample.datatype
        );
    }
}

#[test]
fn labels_of_any_width_survive() {
    let wide = [0, -1, 200, 70_000, i32::MIN, i32::MAX];
    assert_eq!(values(&Sample::of(8, wide, i32::to_le_bytes).bytes()), wide);
    let signed = [0, 200, -1, 300, 0, 5];
    assert_eq!(
        values(&Sample::of(8, signed, i32::to_le_bytes).bytes()),
        signed
    );
    let volume = read_labels(
        &*Sample::of(8, signed, i32::to_le_bytes).bytes(),
        &Limits::default(),
    );
    let volume = volume.unwrap();
    assert_eq!(
        volume.labels().iter().copied().collect::<Vec<_>>(),
        [-1, 5, 200, 300]
    );
    assert_eq!(volume.value([3, 0, 0]), None);
}

#[test]
fn scaling_is_honoured_unless_its_slope_is_none() {
    let scaled = |scaling| {
        values(
            &Sample {
                scaling,
                ..Sample::new()
            }
            .bytes(),
        )
    };
    assert_eq!(scaled([2.0, 1.0]), LABELS.map(|label| 2 * label + 1));
    for none in [
        [0.0, 7.0],
        [f32::NAN, f32::NAN],
        [1.0, 0.0],
        [1.0, f32::NAN],
    ] {
        assert_eq!(scaled(none), LABELS);
    }
    let half = Sample {
        scaling: [0.5, 0.0],
        ..Sample::new()
    };
    assert_eq!(
        fault(&half.bytes()),
        Fault::Fractional {
            at: [1, 0, 0],
            value: 5.5
        }
    );
}

#[test]
fn values_that_are_no_label_are_refused_with_their_place() {
    let with =
        |value: f32| Sample::of(16, [0.0, 0.0, 0.0, 0.0, value, 0.0], f32::to_le_bytes).bytes();
    let at = [1, 1, 0];
    assert_eq!(fault(&with(f32::NAN)), Fault::NotFinite { at });
    assert_eq!(fault(&with(f32::INFINITY)), Fault::NotFinite { at });
    assert_eq!(fault(&with(1.5)), Fault::Fractional { at, value: 1.5 });
    assert_eq!(
        fault(&with(3e9)),
        Fault::OutOfRange {
            at,
            value: f64::from(3e9_f32)
        }
    );
    assert_eq!(values(&with(-0.0)), [0; 6]);
}

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
fn the_size_is_checked_before_anything_is_allocated() {
    let huge = Sample {
        dim: [3, 32_767, 32_767, 32_767, 1, 1, 1, 1],
        ..Sample::new()
    }
    .gzipped();
    let voxels = 32_767_u64.pow(3);
    assert_eq!(
        fault(&huge),
        Fault::TooManyVoxels {
            voxels,
            limit: 400_000_000
        }
    );
    let expected = Geometry::volume([3, 2, 2]);
    let error = read_labels(&*Sample::new().gzipped(), &Limits::expecting(expected)).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("it is 3 × 2 × 1 (x × y × z), the case is 3 × 2 × 2")
    );
}

#[test]
fn a_file_that_ends_early_or_late_is_refused() {
    let whole = Sample::new();
    let bytes = whole.bytes();
    let geometry = Geometry::volume([3, 2, 1]);
    let truncated = |voxels| Fault::Truncated {
        voxels,
        expected: 6,
        geometry,
    };
    assert_eq!(fault(&bytes[..355]), truncated(3));
    assert_eq!(fault(&gzipped(&bytes[..352])), truncated(0));
    assert_eq!(fault(&bytes[..350]), truncated(0));
    assert_eq!(fault(&bytes[..100]), Fault::HeaderTruncated { bytes: 100 });
    assert_eq!(fault(&[]), Fault::HeaderTruncated { bytes: 0 });
    assert_eq!(fault(&[0x1f]), Fault::HeaderTruncated { bytes: 1 });
    assert_eq!(fault(&gzipped(&[])), Fault::HeaderTruncated { bytes: 0 });
    assert_eq!(fault(&[&bytes[..], &[0]].concat()), Fault::TrailingBytes);
    assert_eq!(
        fault(&gzipped(&[&bytes[..], &[0]].concat())),
        Fault::TrailingBytes
    );
    let half_a_voxel = Sample::of(4, [1, 2, 3, 4, 5, 6], i16::to_le_bytes).bytes();
    assert_eq!(fault(&half_a_voxel[..355]), truncated(1));
}

#[test]
fn a_gzip_stream_is_verified_to_its_end() {
    let good = Sample::new().gzipped();
    let is_gzip_fault = |bytes: &[u8]| matches!(fault(bytes), Fault::Gzip { .. });
    assert!(is_gzip_fault(&good[..good.len() - 4]), "checksum cut");
    assert!(is_gzip_fault(&good[..good.len() / 2]), "cut in the middle");
    assert!(
        is_gzip_fault(&[&good[..], b"junk"].concat()),
        "something after it"
    );
    let mut flipped = good.clone();
    let checksum = flipped.len() - 8;
    flipped[checksum] ^= 1;
    assert!(is_gzip_fault(&flipped), "wrong checksum");
}

#[test]
fn a_gzip_file_may_have_several_members() {
    let bytes = Sample::new().bytes();
    let members = [gzipped(&bytes[..200]), gzipped(&[]), gzipped(&bytes[200..])].concat();
    assert_eq!(values(&members), LABELS);
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

#[test]
fn what_is_written_is_read_back() {
    let labels = Array3::from_shape_fn((4, 3, 5), |(z, y, x)| (z * 15 + y * 5 + x) as u8);
    let mut file = Vec::new();
    write_labels(&mut file, labels.view(), [0.3, 0.4, 0.5]).unwrap();
    let header = read_header(&*file).unwrap();
    assert_eq!(header.spacing.map(|size| size as f32), [0.3, 0.4, 0.5]);
    let volume = read_labels(&*file, &Limits::expecting(Geometry::volume([5, 3, 4]))).unwrap();
    for ((z, y, x), &label) in labels.indexed_iter() {
        assert_eq!(
            volume.value([x, y, z].map(|at| at as u32)),
            Some(label.into())
        );
    }

    let image = labels.mapv(|value| u16::from(value) * 1_000);
    let mut file = Vec::new();
    write_u16(&mut file, image.view(), [0.3; 3]).unwrap();
    assert_eq!(read_header(&*file).unwrap().datatype, Datatype::U16);
    let volume = read_labels(&*file, &Limits::default()).unwrap();
    assert_eq!(volume.value([4, 2, 3]), Some(59_000));

    let too_long = Array3::<u8>::zeros((1, 1, 40_000));
    assert!(write_labels(io::sink(), too_long.view(), [1.0; 3]).is_err());
}

#[test]
fn a_source_that_fails_is_not_the_files_fault() {
    struct Broken<'a>(&'a [u8]);
    impl Read for Broken<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                count => Ok(count),
            }
        }
    }
    let file = Sample::new().gzipped();
    for kept in [0, 1, 20, file.len() - 4] {
        let error = read_labels(Broken(&file[..kept]), &Limits::default()).unwrap_err();
        assert!(!error.is_of_the_file(), "{kept}: {error}");
    }
}

#[test]
fn a_reader_that_gives_one_byte_at_a_time_is_enough() {
    struct Slow<'a>(&'a [u8]);
    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(1);
            self.0.read(&mut buffer[..most])
        }
    }
    let volume = read_labels(Slow(&Sample::new().gzipped()), &Limits::default()).unwrap();
    assert_eq!(volume.value([2, 1, 0]), Some(48));
}

proptest::proptest! {
    /// Any bytes give labels or a fault, without a panic and within the limits.
    #[test]
    fn damaged_files_are_refused_not_feared(
        damage in proptest::collection::vec((0..358_usize, proptest::num::u8::ANY), 1..8),
        kept in 0..=358_usize,
    ) {
        let mut bytes = Sample::new().bytes();
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        let limits = Limits { max_voxels: 1_000_000, ..Limits::default() };
        let _ = read_labels(&bytes[..kept], &limits);
        let mut compressed = gzipped(&bytes);
        compressed.truncate(kept);
        let _ = read_labels(&*compressed, &limits);
    }

    /// Longer than what is compared at once, and ending anywhere in it.
    #[test]
    fn stretches_of_any_length_are_runs(
        stretches in proptest::collection::vec((0..4_usize, 1..1500_usize), 1..12),
        width in 1..600_usize,
        datatype in proptest::sample::select(vec![2_i16, 4, 16, 1024]),
    ) {
        let byte = datatype == 2;
        let labels = [0, 11, if byte { 200 } else { -257 }, if byte { 1 } else { 256 }];
        let stretch = |&(label, length): &(usize, usize)| std::iter::repeat_n(labels[label], length);
        let mut expected: Vec<i32> = stretches.iter().flat_map(stretch).collect();
        expected.resize(expected.len().next_multiple_of(width), 0);
        let stored = |(at, &label): (usize, &i32)| match datatype {
            2 => vec![label as u8],
            4 => (label as i16).to_le_bytes().to_vec(),
            // Equal, but not in their bytes.
            16 if label == 0 && at % 3 == 0 => (-0.0_f32).to_le_bytes().to_vec(),
            16 => (label as f32).to_le_bytes().to_vec(),
            _ => i64::from(label).to_le_bytes().to_vec(),
        };
        let sample = Sample {
            dim: [3, width as i16, (expected.len() / width) as i16, 1, 1, 1, 1, 1],
            datatype,
            voxels: expected.iter().enumerate().flat_map(stored).collect(),
            ..Sample::new()
        };
        let volume = read_labels(&*sample.bytes(), &Limits::default()).unwrap();
        let mut found = vec![0; expected.len()];
        for run in volume.plane(0) {
            let row = run.y as usize * width;
            found[row + run.start as usize..row + run.end as usize].fill(run.label);
        }
        proptest::prop_assert_eq!(found, expected);
        let next_to = |pair: &[LabelRun]| {
            let [a, b] = [pair[0], pair[1]];
            (a.y, a.end, a.label) == (b.y, b.start, b.label)
        };
        proptest::prop_assert!(!volume.plane(0).windows(2).any(next_to));
    }
}
