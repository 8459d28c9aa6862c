//! Parts of sentences.

use crate::number::thousands;
use crate::text::{cut, whole};

/// How names are told: whole to who listens, cut to who sees the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    Whole,
    Short,
}

impl Naming {
    pub fn of(self, name: &str) -> String {
        match self {
            Self::Whole => whole(name),
            // Kept together where the line breaks.
            Self::Short => cut(name, 170.0, 12.0).0.replace(' ', "\u{a0}"),
        }
    }

    pub fn of_all<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
        names.into_iter().map(|name| self.of(name)).collect()
    }
}

/// `1 case`, `1,000 cases`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{} {many}", thousands(number)),
    }
}

/// `A, B and C`; beyond `most`, `A, B and 7 more`.
pub(crate) fn listed(items: &[String], most: usize) -> String {
    if items.len() > most.max(1) {
        let (shown, left) = items.split_at(most.max(1));
        return format!("{} and {} more", shown.join(", "), thousands(left.len()));
    }
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// One word for one, another for more.
pub(crate) fn verb<'w>(items: &[String], one: &'w str, many: &'w str) -> &'w str {
    match items.len() {
        1 => one,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_counts_read_as_sentences() {
        let items: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(listed(&items, 9), "a, b, c and d");
        assert_eq!(listed(&items, 2), "a, b and 2 more");
        assert_eq!(listed(&items[..1], 0), "a");
        assert_eq!(listed(&[], 3), "");
        assert_eq!(count(1, "case", "cases"), "1 case");
        assert_eq!(count(12_345, "case", "cases"), "12,345 cases");
    }
}
