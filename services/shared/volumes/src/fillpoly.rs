//! Filling a polygon as OpenCV 4.11 and later fills it, pixel for pixel.
//!
//! A pixel belongs to the polygon if the border passes through it, drawn as an 8-connected line from
//! left to right, or if it lies inside by the even-odd rule. Inside is judged on the pixel's row from
//! the edges' crossings in 16.16 fixed point: a pixel is inside when an odd number of crossings lies
//! left of it, or one exactly on it.
//!
//! OpenCV sorts the crossings of each row and fills between pairs of them. Here every crossing flips
//! one bit and a running XOR along the row does the rest; the pixels are the same, nothing is sorted,
//! and a polygon costs at most its number of edges times the image's height and width, wherever its
//! points are.
//!
//! One thing differs. The height of an edge of more than 2³¹ − 1 rows overflows in OpenCV, which then
//! takes the inside of some polygons for invisible; here it is filled.

use crate::canvas::Canvas;

const FRACTION: u32 = 16;
const FRACTION_MASK: i64 = (1 << FRACTION) - 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Point {
    x: i64,
    y: i64,
}

/// Adds the closed polygon through `points` (x, y) to the canvas. One point is a dot, two are a line.
/// Points may lie anywhere in 32 bits; what is outside the canvas is clipped as OpenCV clips it.
pub fn fill_polygon(canvas: &mut Canvas, points: &[[i32; 2]]) {
    let mut flips = Canvas::new(canvas.height(), canvas.width());
    fill_polygon_with(&mut flips, canvas, points);
}

/// [`fill_polygon`] with an empty canvas of the same size to work on, which is empty again after.
pub(crate) fn fill_polygon_with(flips: &mut Canvas, canvas: &mut Canvas, points: &[[i32; 2]]) {
    let Some(last) = points.last() else { return };
    let mut from = Point::from(*last);
    for to in points.iter().copied().map(Point::from) {
        draw_line(canvas, from, to);
        if let Some(edge) = Edge::new(canvas, from, to) {
            edge.mark_crossings(canvas, flips);
        }
        from = to;
    }
    fill_between(canvas, flips);
    flips.wipe();
}

impl From<[i32; 2]> for Point {
    fn from([x, y]: [i32; 2]) -> Self {
        Self {
            x: x.into(),
            y: y.into(),
        }
    }
}

/// A border between two rows, as the straight line through `anchor` that its crossings lie on.
struct Edge {
    top: i64,
    bottom: i64,
    anchor: Point,
    /// Fixed point: `anchor.x`'s fraction and the step from row to row.
    x: i64,
    step: i64,
}

impl Edge {
    /// `None` for a horizontal border, which no row crosses.
    fn new(canvas: &Canvas, from: Point, to: Point) -> Option<Self> {
        if from.y == to.y {
            return None;
        }
        // The line is laid through the clipped end points. Where clipping puts both on one row, only
        // their columns are taken over: that is what OpenCV does, and its masks show it.
        let (mut start, mut end) = (from, to);
        clip(canvas, &mut start, &mut end);
        if start.y == end.y {
            (start.y, end.y) = (from.y, to.y);
        }
        let (top, bottom, anchor) = if from.y < to.y {
            (from.y, to.y, start)
        } else {
            (to.y, from.y, end)
        };
        Some(Self {
            top,
            bottom,
            anchor,
            x: anchor.x << FRACTION,
            step: ((end.x - start.x) << FRACTION) / (end.y - start.y),
        })
    }

    fn mark_crossings(&self, canvas: &mut Canvas, flips: &mut Canvas) {
        let (height, width) = (i64::from(canvas.height()), i64::from(canvas.width()));
        let rows = self.top.max(0)..self.bottom.min(height);
        if rows.is_empty() {
            return;
        }
        canvas.touch(rows.start as usize..rows.end as usize);
        flips.touch(rows.start as usize..rows.end as usize);
        for y in rows {
            // Far inside 64 bits: between ends that were clipped it stays in the image, and between
            // others within 2³² columns of them.
            let x = self.x + self.step * (y - self.anchor.y);
            let column = x >> FRACTION;
            if x & FRACTION_MASK == 0 && (0..width).contains(&column) {
                canvas.put(y as usize, column as usize);
            }
            let first_right_of_it = (column + 1).max(0);
            if first_right_of_it < width {
                flips.flip(y as usize, first_right_of_it as usize);
            }
        }
    }
}

/// Joins to `canvas` what lies right of an odd number of flips.
fn fill_between(canvas: &mut Canvas, flips: &Canvas) {
    for y in flips.touched_rows() {
        let mut inside = 0_u64;
        for (word, &flipped) in flips.row(y).iter().enumerate() {
            let spread = running_xor(flipped) ^ inside;
            canvas.join(y, word, spread);
            // All ones if the last column of this word is inside, else zero.
            inside = ((spread as i64) >> 63) as u64;
        }
    }
}

/// Bit n of the result is the XOR of the bits 0 to n.
fn running_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Bresenham's line, from left to right whichever end comes first.
fn draw_line(canvas: &mut Canvas, mut from: Point, mut to: Point) {
    if !clip(canvas, &mut from, &mut to) {
        return;
    }
    if to.x < from.x {
        std::mem::swap(&mut from, &mut to);
    }
    let (dx, dy) = (to.x - from.x, (to.y - from.y).abs());
    let down = if to.y < from.y { -1 } else { 1 };
    let is_steep = dy > dx;
    let (long, short) = if is_steep { (dy, dx) } else { (dx, dy) };

    let mut error = long - 2 * short;
    let Point { mut x, mut y } = from;
    canvas.touch(from.y.min(to.y) as usize..from.y.max(to.y) as usize + 1);
    for _ in 0..=long {
        canvas.put(y as usize, x as usize);
        let sidesteps = error < 0;
        error += if sidesteps {
            2 * (long - short)
        } else {
            -2 * short
        };
        x += i64::from(!is_steep || sidesteps);
        y += if is_steep || sidesteps { down } else { 0 };
    }
}

const LEFT: u8 = 1;
const RIGHT: u8 = 2;
const ABOVE: u8 = 4;
const BELOW: u8 = 8;

/// Cohen-Sutherland, rows before columns, each cut truncated toward zero. False if nothing of the
/// line is inside; the points may have moved all the same, and an [`Edge`] uses where they are.
fn clip(canvas: &Canvas, a: &mut Point, b: &mut Point) -> bool {
    let (right, bottom) = (
        i64::from(canvas.width()) - 1,
        i64::from(canvas.height()) - 1,
    );
    let columns = |p: &Point| (u8::from(p.x < 0) * LEFT) | (u8::from(p.x > right) * RIGHT);
    let rows = |p: &Point| (u8::from(p.y < 0) * ABOVE) | (u8::from(p.y > bottom) * BELOW);

    if (rows(a) | columns(a)) & (rows(b) | columns(b)) != 0 {
        return false;
    }
    if rows(a) != 0 {
        cut_at_row(a, *b, if rows(a) == ABOVE { 0 } else { bottom });
    }
    if rows(b) != 0 {
        cut_at_row(b, *a, if rows(b) == ABOVE { 0 } else { bottom });
    }
    if columns(a) & columns(b) != 0 {
        return false;
    }
    if columns(a) != 0 {
        cut_at_column(a, *b, if columns(a) == LEFT { 0 } else { right });
    }
    if columns(b) != 0 {
        cut_at_column(b, *a, if columns(b) == LEFT { 0 } else { right });
    }
    true
}

fn cut_at_row(p: &mut Point, other: Point, row: i64) {
    p.x += proportion(row - p.y, other.x - p.x, other.y - p.y);
    p.y = row;
}

fn cut_at_column(p: &mut Point, other: Point, column: i64) {
    p.y += proportion(column - p.x, other.y - p.y, other.x - p.x);
    p.x = column;
}

fn proportion(part: i64, across: i64, whole: i64) -> i64 {
    (part as f64 * across as f64 / whole as f64) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, straight away: each row's crossings sorted, and filled between pairs of them.
    fn drawn_by_pairs(height: u32, width: u32, points: &[[i32; 2]]) -> Canvas {
        let mut canvas = Canvas::new(height, width);
        let from = points
            .iter()
            .cycle()
            .skip(points.len() - 1)
            .copied()
            .map(Point::from);
        let sides: Vec<_> = from.zip(points.iter().copied().map(Point::from)).collect();
        for &(from, to) in &sides {
            draw_line(&mut canvas, from, to);
        }
        let edges: Vec<_> = sides
            .iter()
            .filter_map(|&(a, b)| Edge::new(&canvas, a, b))
            .collect();
        for y in 0..i64::from(height) {
            let crossed = edges
                .iter()
                .filter(|edge| (edge.top..edge.bottom).contains(&y));
            let mut xs: Vec<_> = crossed.map(|e| e.x + e.step * (y - e.anchor.y)).collect();
            xs.sort_unstable();
            for pair in xs.chunks_exact(2) {
                let (left, right) = ((pair[0] + FRACTION_MASK) >> FRACTION, pair[1] >> FRACTION);
                for x in left.max(0)..=right.min(i64::from(width) - 1) {
                    canvas.set(y as usize, x as usize);
                }
            }
        }
        canvas
    }

    proptest::proptest! {
        #[test]
        fn flipping_bits_fills_what_sorting_crossings_fills(
            points in proptest::collection::vec([-60..160_i32, -20..60_i32], 1..12),
        ) {
            let pairs = drawn_by_pairs(30, 100, &points);
            let mut canvas = Canvas::new(30, 100);
            fill_polygon(&mut canvas, &points);
            for y in 0..30 {
                proptest::prop_assert_eq!(canvas.row(y), pairs.row(y), "row {}", y);
            }
        }

        #[test]
        fn no_polygon_is_too_far_away(
            points in proptest::collection::vec(proptest::prelude::any::<[i32; 2]>(), 1..8),
            height in 1..80_u32,
            width in 1..200_u32,
        ) {
            fill_polygon(&mut Canvas::new(height, width), &points);
        }
    }

    fn drawn(height: u32, width: u32, points: &[[i32; 2]]) -> String {
        let mut canvas = Canvas::new(height, width);
        fill_polygon(&mut canvas, points);
        (0..height as usize)
            .map(|y| {
                let row = (0..width as usize).map(|x| if canvas.is_set(y, x) { '#' } else { '.' });
                row.chain(['\n']).collect::<String>()
            })
            .collect()
    }

    #[test]
    fn the_border_belongs_to_the_polygon() {
        assert_eq!(
            drawn(4, 5, &[[1, 1], [3, 1], [3, 2], [1, 2]]),
            ".....\n.###.\n.###.\n.....\n"
        );
    }

    #[test]
    fn one_point_is_a_dot_and_two_are_a_line() {
        assert_eq!(drawn(2, 3, &[[1, 1]]), "...\n.#.\n");
        assert_eq!(drawn(2, 4, &[[0, 0], [3, 1]]), "##..\n..##\n");
        assert_eq!(drawn(2, 3, &[]), "...\n...\n");
    }

    #[test]
    fn what_is_enclosed_twice_is_outside() {
        let outer_then_inner = [
            [0, 0],
            [8, 0],
            [8, 6],
            [0, 6],
            [0, 0],
            [2, 2],
            [2, 4],
            [6, 4],
            [6, 2],
            [2, 2],
        ];
        assert_eq!(
            drawn(7, 9, &outer_then_inner),
            "#########\n#########\n#########\n###...###\n#########\n#########\n#########\n"
        );
    }

    #[test]
    fn a_thin_triangle_keeps_its_edges() {
        assert_eq!(
            drawn(7, 10, &[[0, 0], [9, 2], [1, 6]]),
            "###.......\n\
             #######...\n\
             ##########\n\
             #########.\n\
             .######...\n\
             .####.....\n\
             .##.......\n"
        );
    }

    #[test]
    fn an_edge_that_is_clipped_to_one_pixel_stands_upright_there() {
        let points = [[3, 9], [4, 14], [-4, 1], [-2, 5], [2, 8], [15, 4]];
        assert_eq!(
            drawn(8, 11, &points),
            "...........\n#..........\n#..........\n#..........\n#..........\n\
             #........##\n#......###.\n##...###...\n"
        );
    }

    #[test]
    fn a_polygon_around_the_image_fills_it_across_words() {
        let far = i32::MAX;
        let around = [[-far, -far], [far, -far], [far, far], [-far, far]];
        assert_eq!(
            drawn(3, 130, &around),
            format!("{0}\n{0}\n{0}\n", "#".repeat(130))
        );
    }

    /// OpenCV leaves this one empty.
    #[test]
    fn an_edge_of_more_rows_than_31_bits_count_is_filled_beside() {
        let far = i32::MAX;
        let around = [[-far, far], [-far, 0], [1, -70_000], [far, far]];
        assert_eq!(drawn(2, 70, &around), format!("{0}\n{0}\n", "#".repeat(70)));
    }

    #[test]
    fn a_polygon_outside_the_image_leaves_it_empty() {
        let beside = [
            [1_000_000, 1_000_000],
            [2_000_000, 1_000_000],
            [1_000_000, 2_000_000],
        ];
        let mut canvas = Canvas::new(120, 160);
        fill_polygon(&mut canvas, &beside);
        assert!((0..120).all(|y| (0..160).all(|x| !canvas.is_set(y, x))));
    }
}
