//! Complaints about a request, all of them at once.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::ApiError;

/// What is wrong with one place of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Complaint {
    /// A JSON pointer into the request, `/name`; empty for the whole of it.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// Collects complaints, so that a caller mends a request once.
#[derive(Debug, Default)]
pub struct Complaints(Vec<Complaint>);

impl Complaints {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Complaint {
            pointer: pointer.into(),
            detail: detail.into(),
        });
    }

    /// Complains unless `holds`.
    pub fn check(&mut self, holds: bool, pointer: &str, detail: impl Into<String>) {
        if !holds {
            self.add(pointer, detail);
        }
    }

    /// The value, or a complaint made of the error's text.
    pub fn take<T, E: Display>(&mut self, pointer: &str, result: Result<T, E>) -> Option<T> {
        result
            .map_err(|error| self.add(pointer, error.to_string()))
            .ok()
    }

    /// Trims a text and complains if its length in characters is outside of `lengths`.
    pub fn text(
        &mut self,
        pointer: &str,
        value: &str,
        lengths: std::ops::RangeInclusive<usize>,
    ) -> String {
        let value = value.trim();
        let length = value.chars().count();
        self.check(
            lengths.contains(&length),
            pointer,
            format!(
                "must have {} to {} characters, has {length}",
                lengths.start(),
                lengths.end()
            ),
        );
        self.check(
            !value.chars().any(char::is_control),
            pointer,
            "must have no control characters",
        );
        value.to_owned()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn finish(self) -> Result<(), ApiError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ApiError::Invalid(self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_complaint_is_kept() {
        let mut wrong = Complaints::new();
        assert_eq!(wrong.text("/name", "  Ada ", 2..=60), "Ada");
        wrong.text("/team", "x", 2..=60);
        let size: Option<u64> = wrong.take("/size_bytes", "many".parse::<u64>());
        assert_eq!(size, None);
        let Err(ApiError::Invalid(complaints)) = wrong.finish() else {
            panic!("must complain")
        };
        insta::assert_json_snapshot!(complaints, @r#"
        [
          {
            "pointer": "/team",
            "detail": "must have 2 to 60 characters, has 1"
          },
          {
            "pointer": "/size_bytes",
            "detail": "invalid digit found in string"
          }
        ]
        "#);
    }
}
