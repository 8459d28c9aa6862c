//! How many of a ranking are finalists.

/// Of ranks in order: the first `top`, and whoever has the rank of the last of them.
pub fn finalists(ranks: &[i32], top: usize) -> usize {
    let last = match ranks.get(top.saturating_sub(1)) {
        Some(last) if top > 0 => *last,
        _ => return ranks.len().min(top),
    };
    ranks.partition_point(|rank| *rank <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_at_the_last_place_are_in() {
        assert_eq!(finalists(&[1, 2, 3, 4], 3), 3);
        assert_eq!(finalists(&[1, 2, 2, 4], 2), 3);
        assert_eq!(finalists(&[1, 1, 1, 4], 2), 3);
        assert_eq!(finalists(&[1, 2, 3, 3], 3), 4);
    }

    #[test]
    fn fewer_teams_than_places_are_all_in() {
        assert_eq!(finalists(&[1, 2], 3), 2);
        assert_eq!(finalists(&[], 3), 0);
        assert_eq!(finalists(&[1, 2], 0), 0);
    }

    #[test]
    fn who_was_struck_leaves_its_place_to_the_next() {
        // Rank 1 was struck.
        assert_eq!(finalists(&[2, 3, 4], 2), 2);
        assert_eq!(finalists(&[2, 3, 3], 2), 3);
    }
}
