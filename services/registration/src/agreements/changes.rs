//! What a new version of an agreement changed, line by line.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

/// A difference that takes longer is shown coarser.
const PATIENCE: Duration = Duration::from_millis(200);
/// Lines around a change that are shown with it.
const AROUND: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Same,
    Added,
    Removed,
    /// Lines that did not change and are not shown.
    Gap,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub kind: Kind,
    pub text: String,
}

impl Line {
    pub fn sign(&self) -> &'static str {
        match self.kind {
            Kind::Added => "+",
            Kind::Removed => "−",
            Kind::Same => "\u{a0}",
            Kind::Gap => "…",
        }
    }

    /// For those who hear the page.
    pub fn word(&self) -> &'static str {
        match self.kind {
            Kind::Added => "added",
            Kind::Removed => "removed",
            Kind::Same => "unchanged",
            Kind::Gap => "unchanged lines are left out",
        }
    }
}

/// Every changed line with a few around it.
pub fn between(old: &str, new: &str) -> Vec<Line> {
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(old.trim_end(), new.trim_end());
    let mut lines = Vec::new();
    for (n, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        let is_behind_a_gap = n > 0 || group.first().is_some_and(|op| op.new_range().start > 0);
        if is_behind_a_gap {
            lines.push(Line {
                kind: Kind::Gap,
                text: String::new(),
            });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let kind = match change.tag() {
                ChangeTag::Equal => Kind::Same,
                ChangeTag::Insert => Kind::Added,
                ChangeTag::Delete => Kind::Removed,
            };
            let text = change.value().trim_end().to_owned();
            lines.push(Line { kind, text });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_are_shown_with_a_few_around_them() {
        let old = "1\n2\n3\n4\nfor research\n6\n7\n8\n9\n10\n11\n12\nend";
        let new = "1\n2\n3\n4\nfor this challenge\n6\n7\n8\n9\n10\n11\n12\nthe end\n";
        let told: Vec<_> = between(old, new)
            .iter()
            .map(|line| format!("{} {}", line.sign(), line.text))
            .collect();
        insta::assert_snapshot!(told.join("\n").replace('\u{a0}', " "), @r"
        … 
          3
          4
        − for research
        + for this challenge
          6
          7
        … 
          11
          12
        − end
        + the end
        ");
        assert_eq!(between("same\n", "same"), []);
    }
}
