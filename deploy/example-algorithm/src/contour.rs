//! The outline of a set of pixels, along their edges.

/// Corners of the outer edge of the set that holds the first pixel (in reading order) for which
/// `inside` holds, clockwise as seen on the picture, corners of straight lines left out.
pub fn trace(
    width: usize,
    height: usize,
    inside: impl Fn(usize, usize) -> bool,
) -> Vec<[usize; 2]> {
    let start = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .find(|&(x, y)| inside(x, y));
    let Some((x0, y0)) = start else {
        return Vec::new();
    };
    let filled = |x: isize, y: isize| {
        x >= 0
            && y >= 0
            && (x as usize) < width
            && (y as usize) < height
            && inside(x as usize, y as usize)
    };
    let (mut x, mut y) = (x0 as isize, y0 as isize);
    // Walks along cracks with the set on the right hand; begins eastwards on the top edge.
    let (mut dx, mut dy) = (1isize, 0isize);
    let mut corners = Vec::new();
    loop {
        corners.push([x as usize, y as usize]);
        loop {
            x += dx;
            y += dy;
            // The pixels ahead to the left and to the right of the crack.
            let left = filled(x + (dx + dy - 1) / 2, y + (dy - dx - 1) / 2);
            let right = filled(x + (dx - dy - 1) / 2, y + (dy + dx - 1) / 2);
            if !right {
                (dx, dy) = (-dy, dx);
                break;
            }
            if left {
                (dx, dy) = (dy, -dx);
                break;
            }
        }
        if (x, y) == (x0 as isize, y0 as isize) {
            return corners;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_four_corners() {
        let corners = trace(5, 5, |x, y| (1..3).contains(&x) && (1..4).contains(&y));
        assert_eq!(corners, [[1, 1], [3, 1], [3, 4], [1, 4]]);
    }

    #[test]
    fn a_corner_shape_has_six() {
        let corners = trace(4, 4, |x, y| (x == 0 && y < 3) || (x < 3 && y == 2));
        assert_eq!(corners, [[0, 0], [1, 0], [1, 2], [3, 2], [3, 3], [0, 3]]);
    }
}
