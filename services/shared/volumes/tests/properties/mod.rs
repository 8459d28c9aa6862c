//! What holds for every input, however hostile. Each function panics where it does not; the fuzz
//! targets call them with what the fuzzer makes, `hostile.rs` with mutated files.

mod polygon;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use molar_metrics::{Groups, Metric};
use molar_volumes::{Canvas, Error, Format, Geometry, Plan, Reference, Result, Scored};
use molar_volumes::{check_prediction, fill_polygon, labelme, nifti};

/// Small enough for a thousand inputs a second.
const ELEMENTS: u64 = 1 << 14;

pub fn nifti_header(bytes: &[u8]) {
    // NaN is not equal to itself, and the spacing may be anything.
    let read = |reader: &mut dyn Read| nifti::read_header(reader).map(|it| format!("{it:?}"));
    let header = read(&mut &*bytes);
    assert_same(&header, &read(&mut &*bytes));
    // How far a damaged gzip stream is inflated depends on how much of it is at hand.
    if !is_gzip(bytes) {
        assert_same(&header, &read(&mut Trickle(bytes)));
        assert_same(&header, &read(&mut &*gzipped(bytes)));
    }
    if let Ok(header) = nifti::read_header(bytes) {
        assert!(header.geometry.grid().into_iter().all(|extent| extent > 0));
    }
}

pub fn nifti_labels(bytes: &[u8]) {
    let limits = nifti::Limits {
        expected: None,
        max_voxels: ELEMENTS,
    };
    let read = |reader: &mut dyn Read| nifti::read_labels(reader, &limits).map(|it| contents(&it));
    let found = read(&mut &*bytes);
    assert_same(&found, &read(&mut &*bytes));
    assert_eq!(found.as_ref().ok(), read(&mut Trickle(bytes)).as_ref().ok());
    if !is_gzip(bytes) {
        assert_same(&found, &read(&mut Trickle(bytes)));
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let members = [gzipped(first), gzipped(second)].concat();
        assert_same(&found, &read(&mut &*members));
    }
}

/// A volume's size and values, in the order of the file.
fn contents(volume: &nifti::LabelVolume) -> (Geometry, Vec<i32>) {
    let geometry = volume.geometry();
    assert!(geometry.elements() <= ELEMENTS);
    let [depth, height, width] = geometry.grid();
    let places = (0..depth).flat_map(|z| (0..height).map(move |y| (z, y)));
    let places = places.flat_map(|(z, y)| (0..width).map(move |x| [x, y, z]));
    let values: Vec<i32> = places
        .map(|place| volume.value(place).expect("a voxel inside the volume"))
        .collect();
    assert_eq!(volume.value([width, 0, 0]), None);
    let occurring: BTreeSet<_> = values.iter().copied().filter(|&value| value != 0).collect();
    assert_eq!(*volume.labels(), occurring);
    (geometry, values)
}

pub fn labelme(bytes: &[u8]) {
    let limits = labelme::Limits {
        pixels: ELEMENTS,
        ..Default::default()
    };
    let found = labelme::parse(bytes, &limits);
    assert_same(&found, &labelme::read(bytes, &limits));
    assert_same(&found, &labelme::read(Trickle(bytes), &limits));
    let Ok(file) = found else { return };

    assert!(file.image_height > 0 && file.image_width > 0);
    assert!(file.geometry().elements() <= ELEMENTS);
    assert!(file.shapes.iter().all(|shape| !shape.points.is_empty()));
    let labels = file.rasterise();
    assert_eq!(
        labels.grid(),
        file.geometry().grid().map(|extent| extent as usize)
    );
    let distinct: BTreeSet<_> = file.shapes.iter().map(|shape| &shape.label).collect();
    assert!(labels.labels().eq(distinct));
    assert_eq!(file.rasterise(), labels);
    for shape in &file.shapes {
        let shown = format!("{}, a {:?}", shape.label, shape.shape_type);
        assert!(shown.len() <= 900, "{shown}");
        assert!(!shown.contains(char::is_control), "{shown:?}");
    }
    for note in file.notes() {
        is_a_line(&note.to_string());
    }
    for complaint in labelme::complaints_strict(&file) {
        is_a_line(&complaint.to_string());
    }
}

/// Three bytes for the image and the width of a coordinate, the rest are coordinates.
pub fn fillpoly(bytes: &[u8]) {
    let [height, width, kind, rest @ ..] = bytes else {
        return;
    };
    let (height, width) = (u32::from(height % 70) + 1, u32::from(width % 150) + 1);
    let points = polygon::points(kind % 4, rest);
    let drawn = |points: &[_]| {
        let mut canvas = Canvas::new(height, width);
        fill_polygon(&mut canvas, points);
        canvas
    };
    let pixels = polygon::pixels(&drawn(&points));
    let inside = |&[x, y]: &[_; 2]| (0..width as _).contains(&x) && (0..height as _).contains(&y);
    for [x, y] in points.iter().copied().filter(|point| inside(point)) {
        assert!(
            pixels.contains(&(y as usize, x as usize)),
            "vertex {x}, {y}"
        );
    }
    if let Some(last) = points.len().checked_sub(1) {
        let mut rotated = points.clone();
        rotated.rotate_left(last.min(1));
        assert_eq!(
            polygon::pixels(&drawn(&rotated)),
            pixels,
            "from another vertex"
        );
    }
    if points.iter().all(inside) {
        assert_eq!(pixels, polygon::by_definition(height, width, &points));
    }
}

/// A byte for the format, two for the length of the reference, then both files.
pub fn score(bytes: &[u8]) {
    let [format, a, b, files @ ..] = bytes else {
        return;
    };
    let format = [Format::Labelme, Format::Nifti][usize::from(format & 1)];
    let length = usize::from(u16::from_le_bytes([*a, *b])).min(files.len());
    let (reference, prediction) = files.split_at(length);
    // An image of the largest size is too much to draw a thousand times a second.
    let expected = match format {
        Format::Labelme => Geometry::image(24, 70),
        Format::Nifti => match nifti::read_header(reference) {
            Ok(header) if header.geometry.elements() <= ELEMENTS => header.geometry,
            _ => return,
        },
    };
    let read = || Reference::read(format, reference, Some(expected));
    let labels = |read: &Result<Reference>| match read {
        Ok(reference) => format!("{:?} of {}", reference.labels(), reference.geometry()),
        Err(error) => error.to_string(),
    };
    let reference_read = read();
    assert_eq!(labels(&reference_read), labels(&read()));
    let reference_read = match reference_read {
        Ok(reference) => reference,
        Err(error) => return says_what_to_mend(&error),
    };
    assert!(!reference_read.labels().is_empty());
    let is_in_set = |label| (11..=48).contains(&label);
    let score = |prediction: &[u8]| reference_read.score(prediction, is_in_set);
    let perfect = score(reference).expect("a reference is a prediction too");
    assert!(
        Metric::ALL
            .into_iter()
            .all(|metric| perfect.scores.value(metric) == 1.0)
    );

    let scored = score(prediction);
    assert_same(&scored, &score(prediction));
    if let Ok(scored) = scored {
        is_in_range(&scored);
        is_measured_alike(&reference_read, prediction, &scored);
        let checked = check_prediction(format, prediction, expected, is_in_set);
        assert_eq!(
            checked.expect("what is scored is readable").notes,
            scored.notes
        );
    }
}

/// Measures beyond the protocol's change none of its scores, and stay in their range.
fn is_measured_alike(reference: &Reference, prediction: &[u8], scored: &Scored) {
    let names = [
        "image_HD95",
        "instance_HD",
        "instance_NSD@0.5mm/upper",
        "PQ@optimal",
        "SQ@greedy",
    ];
    let measures = names.map(|name| name.parse().expect("a measure"));
    let groups = Groups::new([("upper", 11..30)]).expect("a group");
    let plan = Plan::new(measures.into(), groups, 0.1).expect("a plan");
    let measured = match reference.measure(prediction, &plan, |label| (11..=48).contains(&label)) {
        Ok(measured) => measured,
        Err(Error::Reference(unfit)) => return is_a_line(&unfit.to_string()),
        Err(error) => return says_what_to_mend(&error),
    };
    assert_eq!(
        (&measured.scores, &measured.notes),
        (&scored.scores, &scored.notes)
    );
    for (measure, one) in plan.measures().iter().zip(&measured.measured) {
        let values = one.labels.iter().map(|(_, value)| *value).chain(one.value);
        for value in values {
            assert!(
                measure.range().contains(&value) && value.is_finite(),
                "{measure}: {value}"
            );
        }
    }
}

fn is_in_range(scored: &Scored) {
    for metric in Metric::ALL {
        let value = scored.scores.value(metric);
        assert!((0.0..=1.0).contains(&value), "{metric}: {value}");
    }
    for label in &scored.scores.labels {
        let values = [label.dsc, label.iou, label.nsd];
        assert!(
            values.iter().all(|value| (0.0..=1.0).contains(value)),
            "{label:?}"
        );
    }
    for note in &scored.notes {
        is_a_line(&note.to_string());
    }
}

/// Insists on two answers being one, and on a refusal that helps.
fn assert_same<T: PartialEq + Debug>(one: &Result<T>, other: &Result<T>) {
    match (one, other) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(one), Err(other)) => {
            says_what_to_mend(one);
            assert_eq!(one.to_string(), other.to_string());
        }
        _ => panic!("{one:?} is not {other:?}"),
    }
}

fn says_what_to_mend(error: &Error) {
    assert!(error.is_of_the_file(), "memory does not fail: {error:?}");
    is_a_line(&error.to_string());
}

fn is_a_line(message: &str) {
    assert!(message.len() >= 20, "{message:?} says little");
    assert!(message.len() <= 600, "{message:?} says too much");
    assert!(!message.contains(char::is_control), "{message:?}");
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut file = GzEncoder::new(Vec::new(), Compression::none());
    file.write_all(bytes).expect("memory does not fail");
    file.finish().expect("memory does not fail")
}

/// A source that gives a few bytes at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(7);
        self.0.read(&mut buffer[..count])
    }
}
