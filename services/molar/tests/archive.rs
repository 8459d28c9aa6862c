//! `molar archive verify` as a process, without a server, on an archive that an earlier version wrote.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on is a failed test"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Of the test `all_of_a_phase_follows_from_its_scores` of `leaderboard`, which writes it to `MOLAR_KEEP_ARCHIVE`. Made
/// anew when the version of `molar-ranking` is raised.
const ARCHIVE: &[u8] = include_bytes!("archive/phase.zip");

fn verify(archive: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_molar"));
    command
        .args(["archive", "verify"])
        .arg(archive)
        .args(arguments);
    // Nowhere to log in, and nobody to ask.
    command.env_remove("MOLAR_URL").env("HOME", "/nonexistent");
    command.output().unwrap()
}

fn made(bytes: &[u8], arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phase.zip");
    fs::write(&path, bytes).unwrap();
    let output = verify(&path, arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn an_archive_that_follows_from_its_scores_is_equal_in_everything() {
    let (code, told, wrong) = made(ARCHIVE, &[]);
    assert_eq!(code, Some(0), "{told}{wrong}");
    assert!(
        told.contains("All is equal") && !told.contains("DIFFERS"),
        "{told}"
    );
    let (code, told, _) = made(ARCHIVE, &["--json"]);
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &report["is_equal"]), (Some(0), &Value::Bool(true)));
    assert_eq!(report["checks"].as_array().unwrap().len(), 10);
    assert_eq!(report["notes"], json!([]));
}

fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn the_file_is_named_by_its_sha_256_whether_or_not_it_is_equal() {
    let broken = changed("README.md", |text| text.replacen("sts", "STS", 1));
    for bytes in [ARCHIVE, &broken] {
        let sha256 = sha256(bytes);
        let (_, told, _) = made(bytes, &[]);
        assert!(told.contains(&format!("SHA-256 {sha256}\n")), "{told}");
        let (_, told, _) = made(bytes, &["--json"]);
        let report: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(report["sha256"], sha256);
    }
}

#[test]
fn what_another_library_wrote_is_equal_with_a_note() {
    let mut statistics = String::new();
    rewritten(|name, text| {
        if name == "statistics.json" {
            statistics = text.to_owned();
        }
        text.to_owned()
    });
    let library: Value = serde_json::from_str(&statistics).unwrap();
    let library = library["library"].to_string();
    let other = statistics.replacen(&library, "\"molar-ranking 1.9.9\"", 1);
    let bytes = rewritten(|name, text| match name {
        "statistics.json" => other.clone(),
        "checksums.sha256" => text.replace(&sha256(&statistics), &sha256(&other)),
        _ => text.to_owned(),
    });
    let (code, told, _) = made(&bytes, &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("note: written by molar-ranking 1.9.9, recomputed by molar-ranking "),
        "{told}"
    );
    assert!(told.contains("see the notes"), "{told}");
    let (code, told, _) = made(&bytes, &["--json"]);
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &report["is_equal"]), (Some(0), &Value::Bool(true)));
    assert_eq!(report["notes"].as_array().unwrap().len(), 1);
}

/// The same files, with one of them changed.
fn changed(name: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    rewritten(|found, text| match found == name {
        true => change(text),
        false => text.to_owned(),
    })
}

/// The same files, each as it comes out.
fn rewritten(mut change: impl FnMut(&str, &str) -> String) -> Vec<u8> {
    use std::io::{Cursor, Read as _, Write as _};
    let mut from = zip::ZipArchive::new(Cursor::new(ARCHIVE)).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..from.len() {
        let mut entry = from.by_index(at).unwrap();
        let found = entry.name().unwrap().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let text = change(&found, &text);
        to.start_file(found, zip::write::SimpleFileOptions::default())
            .unwrap();
        to.write_all(text.as_bytes()).unwrap();
    }
    to.finish().unwrap().into_inner()
}

#[test]
fn what_differs_is_named_and_the_exit_code_says_so() {
    let bytes = changed("ranking.json", |text| {
        text.replacen("\"rank\": 1,", "\"rank\": 2,", 1)
    });
    let (code, told, _) = made(&bytes, &[]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("final ranks")
            && told.contains("entry 1: the archive has 2, from its scores comes 1"),
        "{told}"
    );
    assert!(told.contains("ranking.json is not as it was"), "{told}");
    let (code, told, _) = made(&bytes, &["--json"]);
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &report["is_equal"]), (Some(1), &Value::Bool(false)));
}

#[test]
fn what_is_no_archive_ends_otherwise() {
    let (code, _, wrong) = made(b"no archive", &[]);
    assert_eq!(code, Some(2));
    assert!(wrong.contains("no ZIP archive"), "{wrong}");
    let (code, told, _) = made(&ARCHIVE[..ARCHIVE.len() / 2], &["--json"]);
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(code, Some(2));
    assert!(report["unreadable"].is_string(), "{report}");
    let output = verify(Path::new("/nonexistent/phase.zip"), &[]);
    assert_eq!(output.status.code(), Some(2));
}
