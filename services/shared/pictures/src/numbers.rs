use std::collections::BTreeMap;
use std::ops::Range;

use crate::cells::Cells;
use crate::text::NUMBER;

/// More are not told apart.
const MOST: usize = 256;

/// Drawn pixels of one row that bear a label.
struct Stretch {
    y: u32,
    x: Range<u32>,
}

/// Stretches of one label that hang together.
#[derive(Default)]
struct Piece {
    pixels: u64,
    /// Of columns and of rows.
    sums: [u64; 2],
    stretches: Vec<Stretch>,
}

/// Where each label is to be written: on its largest piece, and on every other that is as large as the
/// lettering. `by_set` has the labels of each kind of cell.
pub fn places(cells: &Cells<Option<usize>>, by_set: &[Vec<i32>]) -> Vec<(i32, [u32; 2])> {
    let lettering = u64::from(NUMBER.width("00") * NUMBER.height());
    let mut places = Vec::new();
    for (label, stretches) in stretches(cells, by_set) {
        let mut pieces = pieces(stretches);
        pieces.sort_by_key(|piece| std::cmp::Reverse(piece.pixels));
        let written = pieces.into_iter().enumerate();
        let written = written.filter(|(at, piece)| *at == 0 || piece.pixels >= lettering);
        places.extend(written.map(|(_, piece)| (piece.pixels, label, piece.middle())));
    }
    places.sort_by_key(|(pixels, ..)| std::cmp::Reverse(*pixels));
    let places = places.into_iter().take(MOST);
    places.map(|(_, label, at)| (label, at)).collect()
}

fn stretches(cells: &Cells<Option<usize>>, by_set: &[Vec<i32>]) -> BTreeMap<i32, Vec<Stretch>> {
    let mut stretches = BTreeMap::<i32, Vec<Stretch>>::new();
    for (x, y, set) in cells.each() {
        for label in set.map_or(&[][..], |set| &by_set[set]) {
            let of_label = stretches.entry(*label).or_default();
            match of_label.last_mut() {
                Some(last) if (last.y, last.x.end) == (y, x) => last.x.end += 1,
                _ => of_label.push(Stretch { y, x: x..x + 1 }),
            }
        }
    }
    stretches
}

/// Stretches hang together if they touch in rows that follow each other.
fn pieces(stretches: Vec<Stretch>) -> Vec<Piece> {
    let mut parents: Vec<usize> = (0..stretches.len()).collect();
    let mut above = 0;
    for (at, stretch) in stretches.iter().enumerate() {
        let is_before =
            |other: &Stretch| (other.y + 1, other.x.end) <= (stretch.y, stretch.x.start);
        while is_before(&stretches[above]) {
            above += 1;
        }
        let touching = stretches[above..at].iter().zip(above..);
        let touching =
            touching.take_while(|(other, _)| other.y < stretch.y && other.x.start < stretch.x.end);
        for (_, other) in touching {
            let (a, b) = (root(&mut parents, other), root(&mut parents, at));
            parents[b] = a;
        }
    }
    let mut pieces = BTreeMap::<usize, Piece>::new();
    for (at, stretch) in stretches.into_iter().enumerate() {
        pieces
            .entry(root(&mut parents, at))
            .or_default()
            .add(stretch);
    }
    pieces.into_values().collect()
}

fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

impl Piece {
    fn add(&mut self, stretch: Stretch) {
        let pixels = stretch.x.len() as u64;
        self.pixels += pixels;
        self.sums[0] += stretch.x.clone().map(u64::from).sum::<u64>();
        self.sums[1] += u64::from(stretch.y) * pixels;
        self.stretches.push(stretch);
    }

    /// The centroid, or the middle of the longest stretch where the centroid lies outside.
    fn middle(&self) -> [u32; 2] {
        // Unwrap safety (of the cast): a mean of columns, or of rows.
        let [x, y] = self.sums.map(|sum| (sum / self.pixels.max(1)) as u32);
        let holds = |stretch: &Stretch| stretch.y == y && stretch.x.contains(&x);
        let longest = self.stretches.iter().max_by_key(|stretch| stretch.x.len());
        match longest {
            Some(longest) if !self.stretches.iter().any(holds) => {
                [(longest.x.start + longest.x.end) / 2, longest.y]
            }
            _ => [x, y],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A letter is a label; capitals bear `z` as well.
    fn drawn(rows: &[&str]) -> (Cells<Option<usize>>, Vec<Vec<i32>>) {
        let mut cells = Cells::new(rows[0].len() as u32, rows.len() as u32);
        let mut by_set = vec![Vec::new(); 128];
        for (y, row) in rows.iter().enumerate() {
            for (x, letter) in row
                .bytes()
                .enumerate()
                .filter(|(_, letter)| *letter != b' ')
            {
                let alone = vec![i32::from(letter.to_ascii_lowercase())];
                let both = [alone.clone(), vec![i32::from(b'z')]].concat();
                let is_both = letter.is_ascii_uppercase();
                by_set[usize::from(letter)] = if is_both { both } else { alone };
                cells.put(x as u32, y as u32, Some(usize::from(letter)));
            }
        }
        (cells, by_set)
    }

    fn written(rows: &[&str]) -> Vec<(char, [u32; 2])> {
        let (cells, by_set) = drawn(rows);
        let places = places(&cells, &by_set).into_iter();
        // Unwrap safety (of the cast): a letter.
        places
            .map(|(label, at)| (char::from(label as u8), at))
            .collect()
    }

    #[test]
    fn a_number_stands_in_the_middle_of_its_label() {
        assert_eq!(
            written(&["aaa  ", "aaa b", "aaa  "]),
            [('a', [1, 1]), ('b', [4, 1])]
        );
        let bent = ["aaaaa", "a   a", "a   a", "a   a"];
        assert_eq!(written(&bent), [('a', [2, 0])]);
        assert_eq!(written(&["aAAz"]), [('a', [1, 0]), ('z', [2, 0])]);
    }

    #[test]
    fn only_the_largest_piece_has_a_number_unless_there_is_room_on_others() {
        assert_eq!(written(&["a aa", "a   ", "a   "]), [('a', [0, 1])]);
        let wide = format!("{0} {0}", "a".repeat(60));
        let rows = vec![&*wide; 20];
        assert_eq!(written(&rows), [('a', [29, 9]), ('a', [90, 9])]);
    }

    #[test]
    fn pieces_that_meet_further_down_are_one() {
        let (cells, by_set) = drawn(&["a a a", "a aaa", "aaa a"]);
        let stretches = stretches(&cells, &by_set).remove(&97).unwrap();
        let pixels: Vec<_> = pieces(stretches).iter().map(|piece| piece.pixels).collect();
        assert_eq!(pixels, [11]);
        for rows in [["aa  ", "  aa"], ["  aa", "aa  "]] {
            let (cells, by_set) = drawn(&rows);
            let stretches = self::stretches(&cells, &by_set).remove(&97).unwrap();
            assert_eq!(pieces(stretches).len(), 2);
        }
    }
}
