//! What was looked at in an archive, and what came of it.

use serde::Serialize;

use super::differences::Differences;

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether all is equal that was looked at.
    pub is_equal: bool,
    pub checks: Vec<Check>,
    /// What is no difference and yet to be known: what was taken as given, what was not looked at, another library.
    pub notes: Vec<String>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    pub what: &'static str,
    pub is_equal: bool,
    /// Where it is not.
    pub differences: Vec<String>,
}

impl Report {
    pub(super) fn add(&mut self, what: &'static str, differences: Differences) {
        let differences = differences.into_lines();
        self.checks.push(Check {
            what,
            is_equal: differences.is_empty(),
            differences,
        });
        self.is_equal = self.checks.iter().all(|check| check.is_equal);
    }

    /// What could not even be looked at.
    pub(super) fn fail(&mut self, what: &'static str, why: String) {
        let mut differences = Differences::default();
        differences.add(|| why);
        self.add(what, differences);
    }
}
