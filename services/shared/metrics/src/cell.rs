//! The area of the surface inside one cell of the corner lattice.
//!
//! Eight voxel centres around a voxel corner span a unit cube; its *code* has bit `4 dz + 2 dy + dx`
//! set where the voxel is inside the mask. The surface is that of marching cubes (Lorensen and
//! Cline, SIGGRAPH 1987) with vertices at the middle of the crossed edges. As in their fifteen
//! cases, a code and its complement have the same surface: with more than four corners inside, the
//! outside is cut off, and corners that touch only across a face stay apart.
//!
//! Two of the polygons are not flat (three corners of one face; a bent path of four), so their area
//! depends on the triangulation. The one with the largest area at unit spacing is taken, whatever
//! the spacing: there is one such for every code, and it is what the table of DeepMind's
//! surface-distance holds (compared at four spacings, all 256 codes).

use std::sync::LazyLock;

/// Normal of a triangle, as long as eight times its area in voxel faces.
type Normal = [i32; 3];

/// The triangles of each sheet of a code.
static SHEETS: LazyLock<[Vec<Vec<Normal>>; 256]> = LazyLock::new(|| {
    let triangles = |sheet| largest(&polygon(sheet));
    std::array::from_fn(|code| sheets(code as u8).map(triangles).collect())
});

static AREAS: LazyLock<[f64; 256]> = LazyLock::new(|| areas_at([1.0; 3]));

/// Area for each code, in voxel faces; 0 for the codes 0 and 255, which are no surface.
pub(crate) fn areas() -> &'static [f64; 256] {
    &AREAS
}

/// Area for each code where voxels are this far apart along z, y, x; in the square of its unit.
pub(crate) fn areas_at([z, y, x]: [f64; 3]) -> [f64; 256] {
    let faces = [y * x, z * x, z * y];
    let area = |normal: &Normal| {
        let scaled = [0, 1, 2].map(|axis| f64::from(normal[axis]) * faces[axis]);
        scaled.iter().map(|n| n * n).sum::<f64>().sqrt() / 8.0
    };
    let sheet = |triangles: &Vec<Normal>| triangles.iter().map(area).sum::<f64>();
    std::array::from_fn(|code| SHEETS[code].iter().map(sheet).sum())
}

/// The connected groups of corners that are cut off, each as a set of bits.
fn sheets(code: u8) -> impl Iterator<Item = u8> {
    let mut left = if code.count_ones() > 4 { !code } else { code };
    std::iter::from_fn(move || {
        let mut sheet = left & left.wrapping_neg();
        loop {
            let grown = (0..8)
                .filter(|&corner| sheet >> corner & 1 == 1)
                .flat_map(neighbours)
                .fold(sheet, |sheet, corner| sheet | (left & 1 << corner));
            if grown == sheet {
                break;
            }
            sheet = grown;
        }
        left &= !sheet;
        (sheet != 0).then_some(sheet)
    })
}

fn neighbours(corner: u8) -> [u8; 3] {
    [corner ^ 1, corner ^ 2, corner ^ 4]
}

/// Doubled coordinates: the middle of an edge is odd along the edge, 0 or 2 across it.
type Vertex = [i8; 3];

/// The middles of the crossed edges, in order around the sheet.
fn polygon(sheet: u8) -> Vec<Vertex> {
    let place = |corner: u8| [corner >> 2 & 1, corner >> 1 & 1, corner & 1].map(|bit| bit as i8);
    let mut left: Vec<Vertex> = (0..8)
        .filter(|&corner| sheet >> corner & 1 == 1)
        .flat_map(|inside| neighbours(inside).map(|outside| (inside, outside)))
        .filter(|&(_, outside)| sheet >> outside & 1 == 0)
        .map(|(a, b)| [0, 1, 2].map(|axis| place(a)[axis] + place(b)[axis]))
        .collect();

    let mut around = vec![left.swap_remove(0)];
    // A sheet crosses the edges of a face twice or not at all, so the next vertex is on a common
    // face, and the walk ends when it is back.
    while let Some(at) = left
        .iter()
        .position(|next| share_a_face(next, &around[around.len() - 1]))
    {
        around.push(left.swap_remove(at));
    }
    around
}

fn share_a_face(a: &Vertex, b: &Vertex) -> bool {
    (0..3).any(|axis| a[axis] == b[axis] && a[axis] != 1)
}

/// The triangulation of the largest area: the triangle on the side from last to first, and the best
/// of what remains on both sides of it.
fn largest(polygon: &[Vertex]) -> Vec<Normal> {
    let last = polygon.len() - 1;
    (1..last)
        .map(|tip| {
            let normal = normal(polygon[0], polygon[tip], polygon[last]);
            [
                vec![normal],
                largest(&polygon[..=tip]),
                largest(&polygon[tip..]),
            ]
            .concat()
        })
        .max_by(|a, b| length(a).total_cmp(&length(b)))
        .unwrap_or_default()
}

fn normal(a: Vertex, b: Vertex, c: Vertex) -> Normal {
    let [u, v] = [b, c].map(|p| [0, 1, 2].map(|axis| i32::from(p[axis] - a[axis])));
    // Halved for the triangle, and by four for the doubled coordinates: hence the eight.
    [(1, 2), (2, 0), (0, 1)].map(|(i, j)| u[i] * v[j] - u[j] * v[i])
}

fn length(normals: &[Normal]) -> f64 {
    let length = |normal: &Normal| f64::from(normal.iter().map(|n| n * n).sum::<i32>()).sqrt();
    normals.iter().map(length).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_area(code: u8, expected: f64) {
        let got = areas()[usize::from(code)];
        assert!(
            (got - expected).abs() < 1e-15,
            "{code:08b}: {got} is not {expected}"
        );
    }

    /// Lorensen and Cline's cases, by hand, from the sides of their polygons.
    #[test]
    fn the_fifteen_cases_have_their_areas() {
        let corner = 3f64.sqrt() / 8.0;
        let edge = 0.5f64.sqrt();
        // A right triangle of half a face, and a trapezoid made of four corner triangles less one.
        let three_of_a_face = 0.5 + 3.0 * corner;
        let bent_path = 3.0 * corner + corner + 2.0 * edge / 2.0;

        assert_area(0b0000_0000, 0.0);
        assert_area(0b0000_0001, corner);
        assert_area(0b0000_0011, edge);
        assert_area(0b0000_0110, 2.0 * corner);
        assert_area(0b1000_0001, 2.0 * corner);
        assert_area(0b0000_0111, three_of_a_face);
        assert_area(0b1000_0011, edge + corner);
        assert_area(0b1001_0010, 3.0 * corner);
        assert_area(0b0000_1111, 1.0);
        assert_area(0b0001_0111, 6.0 * corner);
        assert_area(0b1100_0011, 2.0 * edge);
        assert_area(0b0110_1001, 4.0 * corner);
        assert_area(0b1000_0111, three_of_a_face + corner);
        assert_area(0b0010_0111, bent_path);
        assert_area(0b0100_0111, bent_path);
    }

    /// From the sides of the polygons again, 1.5 × 0.5 × 2 for z, y, x.
    #[test]
    fn areas_follow_the_spacing() {
        let areas = areas_at([1.5, 0.5, 2.0]);
        let assert_area = |code: usize, expected: f64| {
            assert!((areas[code] - expected).abs() < 1e-15, "{code:08b}");
        };
        let corner =
            |z: f64, y: f64, x: f64| (y * y * x * x + z * z * x * x + z * z * y * y).sqrt();
        let cut = corner(1.5, 0.5, 2.0) / 8.0;
        assert_area(0b0000_0001, cut);
        // Along x, across the diagonal of the halves of z and y.
        assert_area(0b0000_0011, 2.0 * 0.75f64.hypot(0.25));
        assert_area(0b0000_1111, 0.5 * 2.0);
        assert_area(0b0011_0011, 1.5 * 2.0);
        assert_area(0b0101_0101, 1.5 * 0.5);
        assert_area(0b0000_0111, 0.5 * 0.5 * 2.0 + 3.0 * cut);
        assert_area(0b0001_0111, 6.0 * cut);
    }

    #[test]
    fn inside_and_outside_have_one_surface() {
        for code in 0..=255u8 {
            assert_area(!code, areas()[usize::from(code)]);
            assert_eq!(
                areas()[usize::from(code)] == 0.0,
                code == 0 || code == 255,
                "{code:08b}"
            );
        }
    }

    #[test]
    fn no_axis_or_side_is_preferred() {
        let turned = |code: u8, map: fn(u8) -> u8| {
            (0..8)
                .filter(|&c| code >> c & 1 == 1)
                .fold(0, |all, c| all | 1u8 << map(c))
        };
        let maps: [fn(u8) -> u8; 3] = [
            |c| c ^ 1,                             // mirrored along x
            |c| c & 4 | (c & 1) << 1 | c >> 1 & 1, // x and y swapped
            |c| (c << 1 | c >> 2) & 7,             // x to y to z to x
        ];
        for (code, map) in (0..=255u8).flat_map(|code| maps.map(|map| (code, map))) {
            assert_area(turned(code, map), areas()[usize::from(code)]);
        }
    }
}
