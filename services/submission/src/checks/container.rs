//! An image archive, looked into without running it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use molar_domain::FailureCode;
use molar_sandbox::image::{self, ArchiveError, Limits, report_on};

use super::report::ImageReport;
use super::verdict::{Image, Verdict};

pub fn check(path: &Path, uncompressed_bytes: u64) -> io::Result<Verdict> {
    let mut report = ImageReport {
        limit_bytes: uncompressed_bytes,
        ..ImageReport::default()
    };
    let limits = limits(uncompressed_bytes);
    match report_on(File::open(path)?, &limits, &mut report.seen) {
        Ok(facts) => {
            let image = Image {
                digest: facts.image_digest,
                size_bytes: facts.uncompressed_bytes,
                report,
                places: facts.places,
            };
            Ok(Verdict::accepted(Some(image), Vec::new()))
        }
        Err(ArchiveError::Io(error)) => Err(error),
        Err(error) => {
            // What no honest tool writes has no code of its own in the public list.
            let code = error.code().parse().unwrap_or(FailureCode::BadArchive);
            let refused = Verdict::refused(code, error.to_string(), code.advice());
            Ok(refused.with_report(report))
        }
    }
}

/// Of an archive that was accepted: whatever is wrong with it now is our doing.
pub fn split(
    path: &Path,
    uncompressed_bytes: u64,
    image: &str,
    wanted: &BTreeMap<String, String>,
    folder: &Path,
) -> io::Result<Verdict> {
    let limits = limits(uncompressed_bytes);
    let layers = image::split(File::open(path)?, &limits, image, wanted, folder);
    let layers = layers.map_err(io::Error::other)?;
    Ok(Verdict::Split { layers })
}

fn limits(uncompressed_bytes: u64) -> Limits {
    Limits {
        uncompressed_bytes,
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::testing::image_archive;

    fn image(files: &[(&str, &[u8])], architecture: &str) -> Vec<u8> {
        image_archive(&[files], architecture)
    }

    fn verdict(archive: &[u8]) -> Verdict {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(archive).unwrap();
        check(file.path(), 1 << 30).unwrap()
    }

    fn code(archive: &[u8]) -> &'static str {
        match verdict(archive) {
            Verdict::Refused { code, .. } => code.as_str(),
            other => panic!("{other:?}"),
        }
    }

    const SHELL: (&str, &[u8]) = ("bin/sh", b"#!");
    const SCRIPT: (&str, &[u8]) = ("opt/algorithm/predict.sh", b"true");

    #[test]
    fn an_image_with_script_and_shell_is_accepted_with_a_report() {
        match verdict(&image(&[SHELL, SCRIPT], "amd64")) {
            Verdict::Accepted {
                image: Some(image), ..
            } => {
                assert_eq!(image.report.seen.digest.as_deref(), Some(&*image.digest));
                assert_eq!(image.report.seen.layers.len(), image.places.len());
                assert_eq!(image.report.limit_bytes, 1 << 30);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_run_is_refused_by_its_code() {
        assert_eq!(code(&image(&[SHELL], "amd64")), "no-predict-script");
        assert_eq!(code(&image(&[SCRIPT], "amd64")), "no-shell");
        assert_eq!(
            code(&image(&[SHELL, SCRIPT], "arm64")),
            "wrong-architecture"
        );
        assert_eq!(code(b"PK\x03\x04 this is a zip"), "bad-archive");
        let archive = image(&[SHELL, SCRIPT], "amd64");
        assert_eq!(code(&archive[..archive.len() / 2]), "bad-archive");
    }
}
