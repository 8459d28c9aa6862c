//! Connected sets of a grid.

/// Sizes of a grid; two-dimensional ones have one slice.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    pub nx: usize,
    pub ny: usize,
    pub nz: usize,
}

impl Grid {
    pub fn len(self) -> usize {
        self.nx * self.ny * self.nz
    }

    pub fn at(self, x: usize, y: usize, z: usize) -> usize {
        (z * self.ny + y) * self.nx + x
    }

    pub fn place(self, at: usize) -> [usize; 3] {
        [
            at % self.nx,
            at / self.nx % self.ny,
            at / (self.nx * self.ny),
        ]
    }

    /// Calls `visit` for the neighbours that share a face.
    pub fn neighbours(self, at: usize, mut visit: impl FnMut(usize)) {
        let sides = [self.nx, self.ny, self.nz];
        let strides = [1, self.nx, self.nx * self.ny];
        for (k, place) in self.place(at).into_iter().enumerate() {
            if place > 0 {
                visit(at - strides[k]);
            }
            if place + 1 < sides[k] {
                visit(at + strides[k]);
            }
        }
    }
}

/// Every connected set of cells with the same value that is not 0.
pub fn components(values: &[u8], grid: Grid) -> Vec<Vec<usize>> {
    let mut seen = vec![false; values.len()];
    let mut found = Vec::new();
    for start in 0..values.len() {
        if values[start] == 0 || seen[start] {
            continue;
        }
        seen[start] = true;
        let mut cells = vec![start];
        let mut next = 0;
        while next < cells.len() {
            let at = cells[next];
            next += 1;
            grid.neighbours(at, |near| {
                if !seen[near] && values[near] == values[start] {
                    seen[near] = true;
                    cells.push(near);
                }
            });
        }
        found.push(cells);
    }
    found
}

/// Keeps of each value its largest connected set, and that only from `min_cells` on.
pub fn keep_largest(values: &mut [u8], grid: Grid, min_cells: usize) {
    let mut largest = [0usize; 256];
    let found = components(values, grid);
    for cells in &found {
        let value = usize::from(values[cells[0]]);
        largest[value] = largest[value].max(cells.len());
    }
    for cells in &found {
        let value = usize::from(values[cells[0]]);
        if cells.len() < largest[value] || cells.len() < min_cells {
            for &at in cells {
                values[at] = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_largest_set_of_a_value_stays() {
        let grid = Grid {
            nx: 6,
            ny: 1,
            nz: 1,
        };
        let mut values = [7, 7, 0, 7, 9, 9];
        keep_largest(&mut values, grid, 2);
        assert_eq!(values, [7, 7, 0, 0, 9, 9]);
    }
}
