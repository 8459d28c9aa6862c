//! The archive before the RO-Crate validator of others, from PyPI; fails where it cannot be fetched.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sqlx::PgPool;

use super::editions::{MEASURED, timed};
use super::{World, get, unzip, zip_of};

/// `rocrate` brings the context along that the validator would ask the network for.
const PACKAGES: [&str; 2] = ["roc-validator==0.13.0", "rocrate==0.13.0"];

fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Made once, beside what is built.
fn python() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/roc-validator-0.13.0");
    let (python, ready) = (built.join("bin/python"), built.join("is-ready"));
    if !ready.exists() {
        let made = run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&built));
        assert!(
            made.status.success(),
            "no environment for Python (package python3-venv): {made:?}"
        );
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        let fetched = run(Command::new(&python).args(pip).args(PACKAGES));
        assert!(
            fetched.status.success(),
            "the validator cannot be fetched: {fetched:?}"
        );
        std::fs::write(ready, "").unwrap();
    }
    python
}

fn validate(archive: &Path) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/archive/tests/validate_crate.py");
    let output = run(Command::new(python()).arg(script).arg(archive));
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), told)
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_archive_is_an_ro_crate_to_the_last_recommendation(db: PgPool) {
    let archive = World::new(&db).await.archive(&db).await;
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.zip");
    std::fs::write(&whole, &archive).unwrap();
    let (is_valid, told) = validate(&whole);
    assert!(is_valid, "{told}");
    assert!(told.contains(" checks, 0 issues"), "{told}");

    let mut files = unzip(&archive);
    files.remove("phase.json").unwrap();
    let part = folder.path().join("part.zip");
    std::fs::write(&part, zip_of(&files)).unwrap();
    let (is_valid, told) = validate(&part);
    assert!(!is_valid && told.contains("phase.json"), "{told}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn both_editions_are_ro_crates_to_the_last_recommendation(db: PgPool) {
    let world = timed(&db, MEASURED).await;
    let (_, public) = get(&db, world.challenge.phase_id, None, 0).await;
    for archive in [public, world.archive(&db).await] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edition.zip");
        std::fs::write(&path, &archive).unwrap();
        let (is_valid, told) = validate(&path);
        assert!(is_valid && told.contains(" checks, 0 issues"), "{told}");
    }
}
