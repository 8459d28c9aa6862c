//! An archive, and what the inspection says of it.

use molar_sandbox::image::{ArchiveError, ArchiveFacts, Limits, inspect_archive};

use crate::common::Tar;

pub fn inspect(bytes: &[u8]) -> Result<ArchiveFacts, ArchiveError> {
    inspect_archive(bytes, &Limits::default())
}

pub fn refusal(bytes: &[u8]) -> (&'static str, String) {
    let error = inspect(bytes).unwrap_err();
    (error.code(), error.to_string())
}

pub fn assert_refused(bytes: &[u8], code: &str, says: &str) {
    let (found, message) = refusal(bytes);
    assert_eq!(found, code, "{message}");
    assert!(message.contains(says), "{message}");
}

/// An archive whose manifest, config and layers may contradict each other.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    files
        .iter()
        .fold(Tar::new(), |tar, (name, bytes)| {
            tar.file(name, 0o644, bytes)
        })
        .finish()
}
