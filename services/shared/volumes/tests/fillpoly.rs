//! Polygons drawn by hand beside the pixels that OpenCV gave them; the file names its versions.

use molar_volumes::{Canvas, fill_polygon};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    height: u32,
    width: u32,
    points: Vec<[i32; 2]>,
    rows: Vec<String>,
}

#[test]
fn every_polygon_has_the_pixels_that_opencv_gives_it() {
    let golden: Golden = serde_json::from_str(include_str!("golden/fillpoly.json")).unwrap();
    assert_eq!(golden.cases.len(), 29);
    for case in golden.cases {
        let mut canvas = Canvas::new(case.height, case.width);
        fill_polygon(&mut canvas, &case.points);
        let pixel = |y, x| if canvas.is_set(y, x) { '#' } else { '.' };
        let row = |y| (0..case.width as usize).map(|x| pixel(y, x)).collect();
        let rows: Vec<String> = (0..case.height as usize).map(row).collect();
        assert_eq!(rows, case.rows, "{}", case.name);
    }
}
