//! Polygons from bytes, and filling by the definition: slow, and obviously right.

use std::collections::BTreeSet;

use molar_volumes::Canvas;

type Point = [i32; 2];

/// `kind` chooses how wide a coordinate is: from inside the image to the end of the integers.
pub fn points(kind: u8, bytes: &[u8]) -> Vec<Point> {
    let coordinates: Vec<i32> = match kind {
        0 => bytes.iter().map(|&byte| byte.into()).collect(),
        1 => bytes.iter().map(|&byte| (byte as i8).into()).collect(),
        2 => chunks(bytes)
            .map(|it| i16::from_le_bytes(it).into())
            .collect(),
        _ => chunks(bytes).map(i32::from_le_bytes).collect(),
    };
    let points = coordinates.chunks_exact(2).map(|it| [it[0], it[1]]);
    points.take(64).collect()
}

fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes
        .chunks_exact(N)
        .map(|chunk| std::array::from_fn(|index| chunk[index]))
}

/// Rows and columns of the pixels that are set, which the runs have to name too.
pub fn pixels(canvas: &Canvas) -> BTreeSet<(usize, usize)> {
    let (height, width) = (canvas.height() as usize, canvas.width() as usize);
    let all = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
    let set = all.filter(|&(y, x)| canvas.is_set(y, x)).collect();
    let rows = canvas.touched_rows();
    let runs = rows.flat_map(|y| canvas.runs_of(y).flatten().map(move |x| (y, x)));
    assert!(runs.eq(Vec::from_iter(&set).into_iter().copied()));
    set
}

/// Of a polygon inside the image: the border's pixels, and those that an odd number of edges passes
/// on their left, judged on the rows from an edge's upper end to above its lower one.
pub fn by_definition(height: u32, width: u32, points: &[Point]) -> BTreeSet<(usize, usize)> {
    let wide = |[x, y]: Point| [i64::from(x), i64::from(y)];
    let ends = points.iter().cycle().skip(1);
    let edges: Vec<_> = points
        .iter()
        .zip(ends)
        .map(|(&a, &b)| (wide(a), wide(b)))
        .collect();
    let all = (0..i64::from(height)).flat_map(|y| (0..i64::from(width)).map(move |x| [x, y]));
    let filled = all.filter(|&pixel| {
        let passed = edges.iter().filter(|edge| is_left_of(edge, pixel)).count();
        passed % 2 == 1 || edges.iter().any(|edge| is_on(edge, pixel))
    });
    filled.map(|[x, y]| (y as usize, x as usize)).collect()
}

fn is_left_of(&(a, b): &([i64; 2], [i64; 2]), [x, y]: [i64; 2]) -> bool {
    let (top, bottom) = if a[1] < b[1] { (a, b) } else { (b, a) };
    let [dx, dy] = [bottom[0] - top[0], bottom[1] - top[1]];
    (top[1]..bottom[1]).contains(&y) && top[0] * dy + dx * (y - top[1]) < x * dy
}

/// Whether the pixel is the one nearest to the line in its column, or in its row if the line is
/// steep; of two equally near ones it is that on the side of the line's left end.
fn is_on(&(a, b): &([i64; 2], [i64; 2]), [x, y]: [i64; 2]) -> bool {
    let (left, right) = if b[0] < a[0] { (b, a) } else { (a, b) };
    let [dx, dy] = [right[0] - left[0], right[1] - left[1]];
    let [right_by, away_by] = [x - left[0], (y - left[1]) * if dy < 0 { -1 } else { 1 }];
    let (long, short, along, aside) = if dy.abs() > dx {
        (dy.abs(), dx, away_by, right_by)
    } else {
        (dx, dy.abs(), right_by, away_by)
    };
    if long == 0 {
        return along == 0 && aside == 0;
    }
    (0..=long).contains(&along) && aside == (2 * short * along + long - 1) / (2 * long)
}
