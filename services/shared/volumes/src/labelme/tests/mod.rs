mod forms;

use super::*;
use crate::error::Error;
use molar_metrics::Bounds;

/// A document of 8 × 6 pixels with the given shapes.
fn document(shapes: &str) -> String {
    format!(r#"{{"shapes": {shapes}, "imageHeight": 8, "imageWidth": 6, "imageData": null}}"#)
}

fn shape(label: &str, points: &str) -> String {
    document(&format!(
        r#"[{{"label": {label}, "points": {points}, "shape_type": "polygon"}}]"#
    ))
}

fn read_text(text: &str) -> Result<LabelmeFile, Error> {
    parse(text.as_bytes(), &Limits::default())
}

fn fault(text: &str) -> Fault {
    match read_text(text) {
        Err(Error::Labelme(fault)) => fault,
        other => panic!("{text}: {other:?}"),
    }
}

fn points(text: &str) -> Vec<[i32; 2]> {
    read_text(&shape(r#""11""#, text))
        .unwrap()
        .shapes
        .remove(0)
        .points
}

#[test]
fn points_are_truncated_toward_zero() {
    assert_eq!(
        points("[[-0.9, 1.9], [2, -3.5], [1e1, 2.5E+0]]"),
        [[0, 1], [2, -3], [10, 2]]
    );
}

/// A reader that rounds the last digit puts this point one pixel to the right.
#[test]
fn a_coordinate_just_below_a_pixel_stays_below() {
    let digits = [
        "144.99999999999997",
        "1023.9999999999999",
        "2.9999999999999996",
        "0.99999999999999989",
    ];
    let expected = [144, 1023, 2, 0];
    for (digits, expected) in digits.into_iter().zip(expected) {
        assert_eq!(
            points(&format!("[[{digits}, 0]]")),
            [[expected, 0]],
            "{digits}"
        );
    }
}

#[test]
fn shapes_of_one_label_are_united_and_different_labels_may_overlap() {
    let file = read_text(&document(
        r#"[{"label": "11", "points": [[0, 0], [2, 0], [2, 2], [0, 2]]},
            {"label": "12", "points": [[1, 1], [4, 1], [4, 4], [1, 4]]},
            {"label": "11", "points": [[1, 1], [3, 1], [3, 3], [1, 3]]}]"#,
    ))
    .unwrap();
    let labels = file.rasterise();
    let text = |text: &str| Label::Text(text.to_owned());
    // 3 × 3 twice with 2 × 2 in common: a union, not even-odd between shapes.
    assert_eq!(labels.voxels(&text("11")), Some(14));
    assert_eq!(labels.voxels(&text("12")), Some(16));
    assert_eq!(labels.foreground().voxels(), 21);
    assert_eq!(labels.grid(), [1, 8, 6]);
    let bounds = labels.mask(&text("12")).unwrap().bounds();
    assert_eq!(
        bounds,
        Bounds {
            start: [0, 1, 1],
            end: [1, 5, 5]
        }
    );
    assert_eq!(file.notes(), []);
}

#[test]
fn a_label_outside_the_image_is_there_without_a_pixel() {
    let file = read_text(&shape(r#""48""#, "[[100, 100], [200, 100], [100, 200]]")).unwrap();
    let labels = file.rasterise();
    let label = Label::Text("48".to_owned());
    assert_eq!(labels.voxels(&label), Some(0));
    assert_eq!(notes_without_pixel(&labels), [Note::WithoutPixel { label }]);
}

#[test]
fn a_number_and_its_text_are_two_labels_but_all_spellings_of_a_number_one() {
    let label = |text: &str| {
        read_text(&shape(text, "[[0, 0]]"))
            .unwrap()
            .shapes
            .remove(0)
            .label
    };
    assert_eq!(label("11"), label("11.0"));
    assert_eq!(label("11"), label("1.1e1"));
    assert_ne!(label("11"), label(r#""11""#));
    assert_ne!(label(r#""11 ""#), label(r#""11""#));
    assert_eq!(label(r#""\u0031\u0031""#), label(r#""11""#));
    assert_eq!(label("-0.0"), label("0"));
    assert_eq!(label("-0"), label("0"));
    assert_ne!(label("11.5"), label("11"));
    // As Python compares them: a whole number has all its digits.
    assert_eq!(label("1e23"), label("99999999999999991611392"));
    assert_ne!(label("1e23"), label("100000000000000000000000"));
}

#[test]
fn what_is_odd_is_told_once_and_some_of_it_refuses_an_upload() {
    let file = read_text(&document(
        r#"[{"label": 11, "points": [[0, 0], [1, 1], [0, 1]], "shape_type": "polygon"},
            {"label": 11, "points": [[0, 0], [1, 1], [0, 1]], "shape_type": "polygon"},
            {"label": " 12", "points": [[0, 0], [5, 5]], "shape_type": "rectangle"},
            {"label": "13", "points": [[0, 0]], "shape_type": "polygon"},
            {"label": "tooth", "points": [[0, 0], [1, 0], [1, 1]]}]"#,
    ))
    .unwrap();
    let told: Vec<_> = file.notes().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "label 11 (a number) matches no reference label: write it as text, between quotes",
            "label \" 12\" matches no reference label: write the digits without spaces",
            "/shapes/2 is a \"rectangle\", its points were taken as a polygon: write a polygon",
            "/shapes/3 has one point and is a dot: write three or more",
        ]
    );
    let complaints = complaints_strict(&file);
    let pointers: Vec<_> = complaints
        .iter()
        .map(|complaint| complaint.pointer.as_str())
        .collect();
    assert_eq!(
        pointers,
        ["/shapes/0/label", "/shapes/1/label", "/shapes/2/label"]
    );

    let labels = file.shapes.iter().map(|shape| shape.label.clone());
    let outside = notes_outside_set(labels, |number| number == 13);
    assert_eq!(
        outside,
        [Note::OutsideSet {
            label: Label::Text("tooth".to_owned())
        }]
    );
}

#[test]
fn the_size_has_to_be_the_cases() {
    let expected = Geometry::image(6, 8);
    let text = document("[]");
    let error = parse(text.as_bytes(), &Limits::expecting(expected)).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("it is 8 × 6 (height × width), the case is 6 × 8")
    );
    parse(text.as_bytes(), &Limits::expecting(Geometry::image(8, 6))).unwrap();
}

#[test]
fn every_fault_names_its_place() {
    let cases = [
        (shape(r#""11""#, "[]"), "/shapes/0/points is empty: "),
        (
            shape(r#""11""#, "[[1, 2, 3]]"),
            "/shapes/0/points/0 has 3 coordinates: ",
        ),
        (
            shape(r#""11""#, "[[1, 2], [1]]"),
            "/shapes/0/points/1 has 1 coordinates: ",
        ),
        (
            shape(r#""11""#, "[[1, null]]"),
            "/shapes/0/points/0 holds null as a coordinate: ",
        ),
        (
            shape(r#""11""#, r#"[["1", 2]]"#),
            "/shapes/0/points/0 holds text as a coordinate: ",
        ),
        (
            shape(r#""11""#, "[[true, 2]]"),
            "/shapes/0/points/0 holds true or false as ",
        ),
        (
            shape(r#""11""#, "[[[1], 2]]"),
            "/shapes/0/points/0 holds a list as a coordinate: ",
        ),
        (
            shape(r#""11""#, "[7]"),
            "/shapes/0/points/0 is a number: write [x, y]",
        ),
        (
            shape(r#""11""#, "[[1e10, 2]]"),
            "/shapes/0/points/0 is more than 2147483647 pixels ",
        ),
        (
            shape(r#""11""#, "[[3e9, 2]]"),
            "/shapes/0/points/0 is more than 2147483647 pixels ",
        ),
        (
            shape(r#""11""#, "[[1, 2], [1, -1e300]]"),
            "/shapes/0/points/1 is more than 2147483647 pixels ",
        ),
        (
            shape(r#""11""#, "[[1e999, 2]]"),
            "/shapes/0/points/0 holds NaN or Infinity as a coordinate: ",
        ),
        (
            shape(r#""11""#, "[[1, 2], [NaN, 2]]"),
            "/shapes/0/points/1 holds NaN or Infinity as a coordinate: ",
        ),
        (
            shape(r#""11""#, "[[1, -Infinity]]"),
            "/shapes/0/points/0 holds NaN or Infinity as a coordinate: ",
        ),
        (
            shape(r#""11""#, "[Infinity]"),
            "/shapes/0/points/0 is NaN or Infinity: write [x, y]",
        ),
        (
            shape("NaN", "[[1, 2]]"),
            "/shapes/0/label is NaN or Infinity: write the tooth's number as text",
        ),
        (
            shape(r#""11""#, "[[1, -NaN]]"),
            "not a labelme JSON document: invalid number",
        ),
        (shape(r#""11""#, "null"), "/shapes/0/points is null: "),
        (shape("null", "[[1, 2]]"), "/shapes/0/label is null: "),
        (shape("[]", "[[1, 2]]"), "/shapes/0/label is a list: "),
        (
            shape(r#""1\ud800""#, "[[1, 2]]"),
            "/shapes/0/label is not Unicode, it holds one half of a surrogate pair: write ",
        ),
        (
            shape(&format!("{:?}", "1".repeat(1_001)), "[[1, 2]]"),
            "/shapes/0/label is longer than 1000 bytes: write ",
        ),
        (
            shape("\"1\u{1}\"", "[[1, 2]]"),
            "not a labelme JSON document: control character",
        ),
        (
            document(r#"[{"label": "11", "points": [[1, 2]], "label": "12"}]"#),
            "/shapes/0/label stands twice: write it once",
        ),
        (
            document(r#"[{"points": [[1, 2]]}]"#),
            "/shapes/0 has no \"label\": ",
        ),
        (
            document(r#"[{"label": "11"}]"#),
            "/shapes/0 has no \"points\": ",
        ),
        (
            document("[7]"),
            "/shapes/0 is a number, not a shape: write ",
        ),
        (document("null"), "\"shapes\" is null: write a list"),
        (
            r#"{"imageHeight": 8, "imageWidth": 6}"#.to_owned(),
            "the key \"shapes\" is missing: ",
        ),
        (
            r#"{"imageHeight": 8, "shapes": []}"#.to_owned(),
            "the key \"imageWidth\" is missing: ",
        ),
        (
            document("[]").replace("8", "8.0"),
            "\"imageHeight\" is 8.0: write the image's size as a whole number above 0, without ",
        ),
        (
            document("[]").replace("8", "\"8\""),
            "\"imageHeight\" is text: ",
        ),
        (document("[]").replace("8", "0"), "\"imageHeight\" is 0: "),
        (document("[]").replace("8", "-8"), "\"imageHeight\" is -8: "),
        (
            document("[]").replace("8", &"9".repeat(50)),
            "\"imageHeight\" is 9999999999999999999999999999999999999999…: ",
        ),
        (
            document("[]").replace("8", "NaN"),
            "\"imageHeight\" is NaN or Infinity: ",
        ),
        (
            document("[]").replace("8", "65536"),
            "\"imageHeight\" is 65536, at most 65535 is read: give the size of ",
        ),
        (
            document("[]").replace("8", "65535").replace("6,", "65535,"),
            "the image has 4294836225 pixels, ",
        ),
        (
            document("[]") + "]",
            "not a labelme JSON document: trailing characters",
        ),
        ("[8, 6, []]".to_owned(), "the document is a list: "),
        (
            document(r#"[["11", [[1, 2]], "polygon"]]"#),
            "/shapes/0 is a list, not a shape: ",
        ),
        (
            document("[]").replace("imageData", "shapes"),
            "the key \"shapes\" stands twice at the top of the document: write it once",
        ),
        (String::new(), "not a labelme JSON document: EOF"),
        (
            "{".to_owned(),
            "not a labelme JSON document: EOF while parsing an object at line 1 column 1",
        ),
        (
            format!("\u{feff}{}", document("[]")),
            "the file starts with a byte order mark: ",
        ),
        (
            shape(r#""11""#, &"[".repeat(100_000)),
            "not a labelme JSON document: expected value",
        ),
    ];
    for (text, start) in cases {
        let message = fault(&text).to_string();
        assert!(
            message.starts_with(start),
            "{message:?} does not start with {start:?}"
        );
    }
    for (bytes, offset) in [(&b"{\xff"[..], 1), (b"{\"\xc3\xa4\": \"\xc3", 8)] {
        let error = parse(bytes, &Limits::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("byte {offset} is not UTF-8: save the file as UTF-8")
        );
    }
}

#[test]
fn a_file_is_refused_above_each_limit() {
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    let text = document(
        r#"[{"label": "11", "points": [[0, 0], [1, 1]]}, {"label": "12", "points": [[0, 0]]}]"#,
    );
    let refused = |limits: Limits| match parse(text.as_bytes(), &limits) {
        Err(Error::Labelme(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refused(limits(|l| l.shapes = 1)),
        Fault::TooManyShapes { found: 2, limit: 1 }
    );
    assert_eq!(
        refused(limits(|l| l.points = 2)),
        Fault::TooManyPoints { limit: 2 }
    );
    // One point costs the image's eight rows and six columns.
    assert_eq!(
        refused(limits(|l| l.steps = 41)),
        Fault::TooManyPoints { limit: 2 }
    );
    parse(text.as_bytes(), &limits(|l| l.steps = 42)).unwrap();
    assert_eq!(
        refused(limits(|l| l.label_bytes = 1)),
        Fault::LongLabel { shape: 0, limit: 1 }
    );
    assert_eq!(
        refused(limits(|l| l.side = 7)),
        Fault::TooLong {
            key: "imageHeight",
            extent: 8,
            limit: 7
        }
    );
    assert_eq!(
        refused(limits(|l| l.labels = 1)),
        Fault::TooManyLabels { limit: 1 }
    );
    assert_eq!(
        refused(limits(|l| l.bytes = 20)),
        Fault::TooManyBytes { limit: 20 }
    );
    assert_eq!(
        refused(limits(|l| l.pixels = 47)),
        Fault::TooManyPixels {
            pixels: 48,
            limit: 47
        }
    );
    parse(text.as_bytes(), &limits(|l| l.points = 3)).unwrap();

    let endless = std::io::repeat(b' ');
    let error = read(endless, &limits(|l| l.bytes = 1_000)).unwrap_err();
    assert!(matches!(
        error,
        Error::Labelme(Fault::TooManyBytes { limit: 1_000 })
    ));
}

#[test]
fn a_source_that_fails_is_not_the_files_fault() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    assert!(
        !read(Broken, &Limits::default())
            .unwrap_err()
            .is_of_the_file()
    );
}

proptest::proptest! {
    /// Any text gives shapes or a fault, without a panic.
    #[test]
    fn odd_documents_are_refused_not_feared(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"shapes\"", "\"label\"", "\"points\"", "\"11\"", "11",
                "1e5", "-0.5", "null", "\"imageHeight\"", "\"imageWidth\"", "NaN", "é", "\n", "\"",
            ]),
            0..40,
        ),
    ) {
        let text = pieces.concat();
        let _ = read_text(&text);
        let _ = read_text(&shape(r#""11""#, &text));
        let _ = read_text(&document(&text));
    }
}
