//! Documents as people's tools write them, cut to what matters.

use super::*;

type Tooth = (String, Vec<[i32; 2]>);

/// Labels and points, and what is told.
fn read_form(text: &str) -> (Vec<Tooth>, Vec<String>) {
    let file = read_text(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(file.geometry(), Geometry::image(1200, 2000));
    let notes = file.notes().iter().map(ToString::to_string).collect();
    let shapes = file.shapes.into_iter();
    let shapes = shapes.map(|shape| (shape.label.to_string(), shape.points));
    (shapes.collect(), notes)
}

fn tooth(points: &[[i32; 2]]) -> Vec<Tooth> {
    vec![("11".to_owned(), points.to_vec())]
}

const TRIANGLE: [[i32; 2]; 3] = [[810, 405], [871, 402], [866, 520]];

#[test]
fn labelme_3_with_its_colours_and_the_image_inside() {
    let text = r#"{
      "version": "3.16.7",
      "flags": {},
      "shapes": [
        {
          "label": "11",
          "line_color": null,
          "fill_color": null,
          "points": [[810.5, 405.25], [871, 402.99], [866.0, 520.0]],
          "shape_type": "polygon",
          "flags": {}
        }
      ],
      "lineColor": [0, 255, 0, 128],
      "fillColor": [255, 0, 0, 128],
      "imagePath": "..\\images\\a.jpg",
      "imageData": "iVBORw0KGgoAAAANSUhEUgAAB9AAAASwCAAAAA+/==",
      "imageHeight": 1200,
      "imageWidth": 2000
    }"#;
    assert_eq!(read_form(text), (tooth(&TRIANGLE), vec![]));
    let on_windows = text.replace('\n', "\r\n");
    assert_eq!(read_form(&on_windows), (tooth(&TRIANGLE), vec![]));
}

#[test]
fn labelme_before_it_wrote_the_size_or_the_type() {
    let with_size = r#"{"shapes": [{"label": "11", "line_color": null, "fill_color": null,
        "points": [[810, 405], [871, 402], [866, 520]]}],
        "lineColor": [0, 255, 0, 128], "fillColor": [255, 0, 0, 128], "imagePath": "a.jpg",
        "imageData": null, "imageHeight": 1200, "imageWidth": 2000}"#;
    assert_eq!(read_form(with_size), (tooth(&TRIANGLE), vec![]));
    let without = with_size.replace(r#", "imageHeight": 1200, "imageWidth": 2000"#, "");
    assert_eq!(fault(&without), Fault::MissingKey { key: "imageHeight" });
}

#[test]
fn labelme_5_with_groups_descriptions_and_no_mask() {
    let text = r#"{"version": "5.5.0", "flags": {"reviewed": true}, "shapes": [{"label": "11",
        "points": [[810.1, 405.2], [871.3, 402.4], [866.5, 520.6]], "group_id": 1,
        "description": "crown: \u00e9 \ud83e\uddb7", "shape_type": "polygon", "flags": {},
        "mask": null}], "imagePath": "a.jpg", "imageData": null, "imageHeight": 1200,
        "imageWidth": 2000}"#;
    assert_eq!(read_form(text), (tooth(&TRIANGLE), vec![]));
}

/// labelme's own assistant writes pixels, and two corners as the points.
#[test]
fn a_mask_is_its_corners_and_told() {
    let text = r#"{"version": "5.4.1", "shapes": [{"label": "11", "points": [[810, 405], [866, 520]],
        "group_id": null, "description": "", "shape_type": "mask", "flags": {},
        "mask": "iVBORw0KGgo="}], "imageData": null, "imageHeight": 1200, "imageWidth": 2000}"#;
    let told = r#"/shapes/0 is a "mask", its points were taken as a polygon: write a polygon"#;
    assert_eq!(
        read_form(text),
        (tooth(&[[810, 405], [866, 520]]), vec![told.to_owned()])
    );
}

#[test]
fn any_labeling_with_a_text_and_its_keys_in_another_order() {
    let text = r#"{"imageWidth": 2000, "shapes": [{"shape_type": "polygon", "flags": {},
        "points": [[810, 405], [871, 402], [866, 520]], "group_id": null, "text": "",
        "label": "11"}], "version": "0.4.10", "imageHeight": 1200, "text": "", "imageData": null}"#;
    assert_eq!(read_form(text), (tooth(&TRIANGLE), vec![]));
}

/// A score that is NaN stands in no coordinate: Python reads past it, and so is it here.
#[test]
fn x_any_labeling_with_scores_attributes_and_links() {
    for score in ["null", "0.93", "NaN", "-Infinity"] {
        let text = r#"{"version": "2.4.4", "flags": {}, "shapes": [{"kie_linking": [[0, 1]],
            "label": "11", "score": SCORE, "points": [[810, 405], [871, 402], [866, 520]],
            "group_id": null, "description": null, "difficult": false, "shape_type": "rotation",
            "direction": 0.0, "flags": null, "attributes": {"label": "12", "points": [[1]],
            "conf": SCORE}}], "imagePath": "a.jpg", "imageData": null, "imageHeight": 1200,
            "imageWidth": 2000, "score": SCORE}"#;
        let told =
            r#"/shapes/0 is a "rotation", its points were taken as a polygon: write a polygon"#;
        let read = read_form(&text.replace("SCORE", score));
        assert_eq!(read, (tooth(&TRIANGLE), vec![told.to_owned()]), "{score}");
    }
}

#[test]
fn another_tools_document_lacks_the_shapes() {
    let text = r#"{"info": {"description": "ISAT", "name": "a.jpg", "width": 2000, "height": 1200},
        "objects": [{"category": "11", "segmentation": [[810, 405], [871, 402], [866, 520]]}],
        "imageHeight": 1200, "imageWidth": 2000}"#;
    assert_eq!(fault(text), Fault::MissingKey { key: "shapes" });
}

#[test]
fn a_type_that_says_nothing_is_a_polygon_and_every_other_is_told_once() {
    let shapes = |kinds: &[&str]| {
        let shape =
            |kind| format!(r#"{{"label": "11", "points": [[1, 2]], "shape_type": {kind}}}"#);
        let shapes: Vec<_> = kinds.iter().map(shape).collect();
        let file = read_text(&document(&format!("[{}]", shapes.join(",")))).unwrap();
        file.notes()
    };
    let dot = |shape| Note::FewPoints { shape, points: 1 };
    assert_eq!(shapes(&["null", r#""polygon""#]), [dot(0), dot(1)]);
    let kinds = [
        "rectangle",
        "circle",
        "linestrip",
        "line",
        "point",
        "points",
        "mask",
    ];
    let quoted: Vec<_> = kinds.iter().map(|kind| format!("{kind:?}")).collect();
    let twice: Vec<_> = quoted.iter().chain(&quoted).map(String::as_str).collect();
    let told = |(shape, kind): (usize, &&str)| Note::OtherShapeType {
        shape,
        shape_type: (*kind).to_owned(),
    };
    let expected: Vec<_> = kinds.iter().enumerate().map(told).collect();
    assert_eq!(shapes(&twice), expected);
    // Whatever else stands there is held, and shown, as one short line.
    let long = format!("{:?}", "x".repeat(9_999));
    for odd in ["7", "[1, {\"a\": 2}]", r#""\ud800""#, &long] {
        let notes = shapes(&[odd]);
        let [Note::OtherShapeType { shape_type, .. }] = &*notes else {
            panic!("{notes:?}");
        };
        assert!(shape_type.len() <= 41, "{shape_type}");
    }
}

/// Only what is looked at has to make sense.
#[test]
fn what_nobody_asks_for_may_be_anything() {
    let nested = "[".repeat(100_000) + &"]".repeat(100_000);
    let digits = "9".repeat(100_000);
    for odd in [nested.as_str(), &digits, r#""\ud800""#, "1e999", "{}"] {
        let text = format!(
            r#"{{"extra": {odd}, "\udc00": {odd}, "shapes": [{{"x": {odd}, "label": "11",
                "\ud800": {odd}, "points": [[1, 2]], "extra": {odd}}}], "extra": {odd},
                "imageHeight": 8, "imageWidth": 6}}"#
        );
        let file = read_text(&text).unwrap();
        assert_eq!(file.shapes[0].points, [[1, 2]]);
    }
}
