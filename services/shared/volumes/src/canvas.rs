use std::ops::Range;

const BITS: usize = u64::BITS as usize;

/// One bit for each pixel of an image, and which rows were drawn on.
#[derive(Debug, Clone)]
pub struct Canvas {
    height: u32,
    width: u32,
    words_per_row: usize,
    words: Vec<u64>,
    touched: Range<usize>,
}

impl Canvas {
    pub fn new(height: u32, width: u32) -> Self {
        let words_per_row = (width as usize).div_ceil(BITS);
        let words = vec![0; words_per_row * height as usize];
        Self {
            height,
            width,
            words_per_row,
            words,
            touched: 0..0,
        }
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn is_set(&self, y: usize, x: usize) -> bool {
        self.row(y)[x / BITS] >> (x % BITS) & 1 == 1
    }

    pub fn set(&mut self, y: usize, x: usize) {
        self.touch(y..y + 1);
        self.put(y, x);
    }

    /// [`set`](Self::set) in a row that was touched.
    pub(crate) fn put(&mut self, y: usize, x: usize) {
        self.words[y * self.words_per_row + x / BITS] |= 1 << (x % BITS);
    }

    /// In a row that was touched.
    pub(crate) fn flip(&mut self, y: usize, x: usize) {
        self.words[y * self.words_per_row + x / BITS] ^= 1 << (x % BITS);
    }

    /// Sets the pixels of one word of a row; bits beyond the row's end are dropped.
    pub(crate) fn join(&mut self, y: usize, word: usize, bits: u64) {
        let used = self.width as usize - word * BITS;
        let mask = if used >= BITS {
            u64::MAX
        } else {
            (1 << used) - 1
        };
        self.touch(y..y + 1);
        self.words[y * self.words_per_row + word] |= bits & mask;
    }

    pub(crate) fn row(&self, y: usize) -> &[u64] {
        &self.words[y * self.words_per_row..][..self.words_per_row]
    }

    pub(crate) fn words_per_row(&self) -> usize {
        self.words_per_row
    }

    /// Of the rows that were drawn on.
    pub(crate) fn touched_words(&self) -> &[u64] {
        let rows = self.touched_rows();
        &self.words[rows.start * self.words_per_row..rows.end * self.words_per_row]
    }

    /// No pixel outside these rows is set.
    pub fn touched_rows(&self) -> Range<usize> {
        self.touched.clone()
    }

    /// The longest runs of set pixels in a row, from left to right.
    pub fn runs_of(&self, y: usize) -> impl Iterator<Item = Range<usize>> {
        let row = self.row(y);
        let mut at = 0;
        std::iter::from_fn(move || {
            let start = next(row, at, |word| word)?;
            // A row's last word may be full to its end.
            let end = next(row, start, |word| !word).unwrap_or(row.len() * BITS);
            at = end;
            Some(start..end)
        })
    }

    /// Makes the canvas empty again, at the cost of what was drawn.
    pub fn wipe(&mut self) {
        let rows = self.touched_rows();
        self.words[rows.start * self.words_per_row..rows.end * self.words_per_row].fill(0);
        self.touched = 0..0;
    }

    /// Announces drawing on these rows; there is at least one.
    pub(crate) fn touch(&mut self, rows: Range<usize>) {
        self.touched = if self.touched.is_empty() {
            rows
        } else {
            self.touched.start.min(rows.start)..self.touched.end.max(rows.end)
        };
    }
}

/// The first column from `at` on whose bit is set in what `view` makes of its word.
fn next(row: &[u64], at: usize, view: impl Fn(u64) -> u64) -> Option<usize> {
    let first = at / BITS;
    let later = row.get(first..)?.iter().enumerate();
    later
        .map(|(skipped, &word)| {
            let wanted = if skipped == 0 {
                u64::MAX << (at % BITS)
            } else {
                u64::MAX
            };
            (first + skipped, view(word) & wanted)
        })
        .find(|&(_, word)| word != 0)
        .map(|(index, word)| index * BITS + word.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(canvas: &Canvas, y: usize) -> Vec<Range<usize>> {
        canvas.runs_of(y).collect()
    }

    #[test]
    fn runs_cross_words() {
        let mut canvas = Canvas::new(2, 128);
        for x in [0, 1, 62, 63, 64, 65, 127] {
            canvas.set(1, x);
        }
        assert_eq!(runs(&canvas, 1), [0..2, 62..66, 127..128]);
        assert_eq!(runs(&canvas, 0), []);
        canvas.wipe();
        assert_eq!(runs(&canvas, 1), []);
    }

    #[test]
    fn bits_beyond_the_row_are_dropped() {
        let mut canvas = Canvas::new(1, 70);
        canvas.join(0, 0, u64::MAX);
        canvas.join(0, 1, u64::MAX);
        assert_eq!(runs(&canvas, 0).as_slice(), std::slice::from_ref(&(0..70)));
    }
}
