//! Files that are too large, end elsewhere than they should, or come in pieces.

use std::io::{self, Read};

use super::sample::{LABELS, Sample, fault, gzipped, values};
use crate::geometry::Geometry;
use crate::nifti::{Fault, Limits, read_labels};

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
