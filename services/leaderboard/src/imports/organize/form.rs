//! What an organizer fills in, and what is wrong with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use molar_web_kit::ApiError;
use serde::Deserialize;

use crate::imports::create::ImportBoard;
use crate::imports::rows::Challenge;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    pub slug: String,
    pub title: String,
    pub source: String,
    pub note: String,
    /// Columns, one a line.
    pub higher: String,
    pub lower: String,
    /// Why it takes the place of another; empty where it does not.
    pub replace: String,
    /// And the SHA-256 of the table of that, for the second step.
    pub replaces: String,
    /// The file, for the second step: as text a browser would change the ends of its lines, and in these letters it is
    /// no longer in a form than it is.
    pub table: String,
}

impl Form {
    /// Of the step in which the file comes.
    pub fn of(fields: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, text) in fields {
            match name.as_str() {
                "slug" => form.slug = text,
                "title" => form.title = text,
                "source" => form.source = text,
                "note" => form.note = text,
                "higher" => form.higher = text,
                "lower" => form.lower = text,
                "replace" => form.replace = text,
                _ => {}
            }
        }
        form
    }

    pub fn hold(&mut self, table: &[u8]) {
        self.table = URL_SAFE_NO_PAD.encode(table);
    }

    /// As the API takes it.
    pub fn request(&self, challenge: &Challenge) -> Result<ImportBoard, ApiError> {
        let table = URL_SAFE_NO_PAD.decode(&self.table).unwrap_or_default();
        if table.is_empty() {
            let why = "look at what comes out of it first";
            return Err(ApiError::invalid("/table", why));
        }
        Ok(ImportBoard {
            challenge: challenge.slug.clone(),
            slug: self.slug.trim().to_owned(),
            title: self.title.clone(),
            source: given(&self.source),
            note: given(&self.note),
            table: text(table)?,
            higher: lines(&self.higher),
            lower: lines(&self.lower),
            replace: given(&self.replace),
        })
    }
}

/// A browser sends every field.
fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.trim().is_empty())
}

fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn text(table: Vec<u8>) -> Result<String, ApiError> {
    String::from_utf8(table).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        let why = format!("line {line} is no text in UTF-8; save the table as CSV in UTF-8");
        ApiError::invalid("/table", why)
    })
}

/// What a person can mend in the form that is shown again; anything else remains an error.
pub fn slips(error: ApiError) -> Result<Vec<String>, ApiError> {
    let problem = error.problem();
    // The challenge is there: what was not found is a board to be replaced.
    if !matches!(problem.status, 404 | 409 | 422) {
        return Err(error);
    }
    let told = problem.errors.into_iter().map(|complaint| {
        let field = label(complaint.pointer.trim_start_matches('/'));
        format!("{field}: {}", complaint.detail)
    });
    Ok(problem.detail.into_iter().chain(told).collect())
}

/// As the form calls it.
fn label(field: &str) -> &'static str {
    match field {
        "slug" => "Name in the address",
        "title" => "Title",
        "source" => "Source",
        "note" => "Note",
        "higher" => "More is better",
        "replace" => "Reason to replace",
        _ => "The table",
    }
}

#[cfg(test)]
mod tests {
    use super::{lines, text};

    #[test]
    fn a_line_that_is_no_text_is_named() {
        let told = text(b"team,IA\nA,0.9\n\xff,0.8\n".to_vec());
        let problem = told.unwrap_err().problem();
        assert!(
            problem.errors[0].detail.starts_with("line 3 is no text"),
            "{problem:?}"
        );
        assert_eq!(text("שן,1".into()).unwrap(), "שן,1");
    }

    #[test]
    fn columns_are_lines_of_the_field_whatever_ends_them() {
        assert_eq!(
            lines(" seconds \r\n\r\na, b\nc"),
            ["seconds", "a, b", "c"].map(str::to_owned)
        );
    }
}
