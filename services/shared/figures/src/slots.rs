//! Ranks as places above each other.

/// The ranks of one entry, one a scheme; None where it has none, or the list is shorter.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    pub name: &'a str,
    pub ranks: &'a [Option<f64>],
}

impl Line<'_> {
    pub(crate) fn rank(&self, scheme: usize) -> Option<f64> {
        let rank = self.ranks.get(scheme).copied().flatten();
        rank.filter(|rank| (1.0..1e6).contains(rank))
    }
}

/// For each entry its place among those shown; those without rank come last.
pub(crate) fn slots(entries: &[Line<'_>], scheme: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    let key = |at: usize| entries[at].rank(scheme).unwrap_or(f64::MAX);
    order.sort_by(|a, b| key(*a).total_cmp(&key(*b)));
    let mut slots = vec![0; entries.len()];
    for (slot, at) in order.into_iter().enumerate() {
        slots[at] = slot;
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ties_lies_one_above_the_other_and_who_has_no_rank_last() {
        let line = |ranks: &'static [Option<f64>]| Line { name: "", ranks };
        let entries = [
            line(&[None]),
            line(&[Some(2.0)]),
            line(&[Some(1.0)]),
            line(&[Some(1.0)]),
            line(&[Some(f64::NAN)]),
        ];
        assert_eq!(slots(&entries, 0), [3, 2, 0, 1, 4]);
        assert_eq!(slots(&entries, 7), [0, 1, 2, 3, 4]);
    }
}
