//! Rows of bits in 64-bit words, the first bit in the lowest of the first word.

use std::ops::Range;

/// The 64 bits of a row from `at` on; outside of the row everything is 0.
#[inline]
pub(crate) fn word_at(row: &[u64], at: isize) -> u64 {
    if at < 0 {
        let first = row.first().copied().unwrap_or(0);
        return if at > -64 { first << -at } else { 0 };
    }
    let (index, shift) = (at as usize / 64, at as usize % 64);
    let word = |index: usize| row.get(index).copied().unwrap_or(0);
    match shift {
        0 => word(index),
        _ => word(index) >> shift | word(index + 1) << (64 - shift),
    }
}

/// Sets bits inside the row; at least one.
#[inline]
pub(crate) fn fill(row: &mut [u64], bits: Range<usize>) {
    let (first, last) = (bits.start, bits.end - 1);
    let (head, tail) = (u64::MAX << (first % 64), u64::MAX >> (63 - last % 64));
    match &mut row[first / 64..=last / 64] {
        [word] => *word |= head & tail,
        [start, inner @ .., end] => {
            *start |= head;
            inner.fill(u64::MAX);
            *end |= tail;
        }
        [] => {}
    }
}

/// The place of the first bit that is set.
pub(crate) fn first(row: &[u64]) -> Option<usize> {
    let at = row.iter().position(|word| *word != 0)?;
    Some(64 * at + row[at].trailing_zeros() as usize)
}

/// The place of the last bit that is set.
pub(crate) fn last(row: &[u64]) -> Option<usize> {
    let at = row.iter().rposition(|word| *word != 0)?;
    Some(64 * at + 63 - row[at].leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_at_any_offset() {
        let mut row = [0; 2];
        fill(&mut row, 0..100);
        assert_eq!(row, [u64::MAX, u64::MAX >> 28]);
        assert_eq!(word_at(&row, 0), u64::MAX);
        assert_eq!(word_at(&row, -10), u64::MAX << 10);
        assert_eq!(word_at(&row, -63), 1 << 63);
        assert_eq!(word_at(&row, -64), 0);
        assert_eq!(word_at(&row, 50), u64::MAX >> 14);
        assert_eq!(word_at(&row, 99), 1);
        assert_eq!(word_at(&row, 100), 0);
        assert_eq!(word_at(&row, 500), 0);
        assert_eq!(word_at(&[], 0), 0);
    }

    #[test]
    fn filling_keeps_what_was_set() {
        let mut row = [0; 3];
        for bits in [3..4, 60..130, 191..192] {
            fill(&mut row, bits);
        }
        assert_eq!(row, [0xf << 60 | 8, u64::MAX, 1 << 63 | 3]);
    }
}
