//! The values of voxels, however they are stored.

use super::sample::{LABELS, Sample, fault, values};
use crate::nifti::{Fault, Limits, read_labels};

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
