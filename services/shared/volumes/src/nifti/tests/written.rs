//! What we write ourselves.

use std::io;

use ndarray::Array3;

use crate::geometry::Geometry;
use crate::nifti::{Datatype, Limits, read_header, read_labels, write_labels, write_u16};

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
