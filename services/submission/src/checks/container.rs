//! An image archive, looked into without running it.

use std::fs::File;
use std::io;
use std::path::Path;

use molar_domain::FailureCode;
use molar_sandbox::image::{ArchiveError, Limits, inspect_archive};

use super::verdict::{Image, Verdict};

pub fn check(path: &Path, uncompressed_bytes: u64) -> io::Result<Verdict> {
    let limits = Limits {
        uncompressed_bytes,
        ..Limits::default()
    };
    match inspect_archive(File::open(path)?, &limits) {
        Ok(facts) => {
            let image = Image {
                digest: facts.image_digest,
                size_bytes: facts.uncompressed_bytes,
            };
            Ok(Verdict::accepted(Some(image), Vec::new()))
        }
        Err(ArchiveError::Io(error)) => Err(error),
        Err(error) => {
            // What no honest tool writes has no code of its own in the public list.
            let code = error.code().parse().unwrap_or(FailureCode::BadArchive);
            Ok(Verdict::refused(code, error.to_string(), code.advice()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;
    use sha2::{Digest, Sha256};

    use super::*;

    fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o755);
            header.set_cksum();
            tar.append_data(&mut header, path, *content).unwrap();
        }
        tar.into_inner().unwrap()
    }

    /// As `docker save` wrote it for years: a folder a layer, a config, a manifest.
    fn image(files: &[(&str, &[u8])], architecture: &str) -> (Vec<u8>, String) {
        let layer = tar_of(files);
        let config = serde_json::to_vec(&json!({
            "os": "linux", "architecture": architecture, "config": {},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", hex::encode(Sha256::digest(&layer)))]},
        }))
        .unwrap();
        let digest = hex::encode(Sha256::digest(&config));
        let name = format!("{digest}.json");
        let manifest = json!([{"Config": name, "RepoTags": null, "Layers": ["l/layer.tar"]}]);
        let manifest = serde_json::to_vec(&manifest).unwrap();
        let archive = tar_of(&[
            (&name, &config),
            ("l/layer.tar", &layer),
            ("manifest.json", &manifest),
        ]);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&archive).unwrap();
        (gzip.finish().unwrap(), format!("sha256:{digest}"))
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
    fn an_image_with_script_and_shell_is_known_by_its_digest() {
        let (archive, expected) = image(&[SHELL, SCRIPT], "amd64");
        match verdict(&archive) {
            Verdict::Accepted {
                image: Some(image), ..
            } => assert_eq!(image.digest, expected),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_run_is_refused_by_its_code() {
        assert_eq!(code(&image(&[SHELL], "amd64").0), "no-predict-script");
        assert_eq!(code(&image(&[SCRIPT], "amd64").0), "no-shell");
        assert_eq!(
            code(&image(&[SHELL, SCRIPT], "arm64").0),
            "wrong-architecture"
        );
        assert_eq!(code(b"PK\x03\x04 this is a zip"), "bad-archive");
        let (archive, _) = image(&[SHELL, SCRIPT], "amd64");
        assert_eq!(code(&archive[..archive.len() / 2]), "bad-archive");
    }
}
