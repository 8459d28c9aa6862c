//! axe-core, which looks at a page as those need it who see little or use no mouse. It is fetched when it is wanted
//! first, by version and hash, and kept beside what was built: it is no part of this repository.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use flate2::read::GzDecoder;
use tar::Archive;

use crate::people::sha256;

const VERSION: &str = "4.11.0";
const SHA256: &str = "39bed7d72308f6d620789c169d699bfd7e8da80f65b545821a6b2215c3e83107";

/// The script, as the package has it.
pub async fn script(folder: &Path) -> anyhow::Result<String> {
    let path = folder.join(format!("axe-core-{VERSION}.tgz"));
    let package = match std::fs::read(&path) {
        Ok(kept) if sha256(&kept) == SHA256 => kept,
        _ => {
            let fetched = fetch().await?;
            std::fs::create_dir_all(folder)?;
            std::fs::write(&path, &fetched)?;
            fetched
        }
    };
    unpack(&package)
}

async fn fetch() -> anyhow::Result<Vec<u8>> {
    let url = format!("https://registry.npmjs.org/axe-core/-/axe-core-{VERSION}.tgz");
    let told = || {
        format!(
            "{url} could not be fetched, and without it no page can be checked: is there a network?"
        )
    };
    // Unlike the tests' own client it goes by a proxy where there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(60))
        .build()?;
    let answer = client.get(&url).send().await.with_context(told)?;
    let answer = answer.error_for_status().with_context(told)?;
    let package = answer.bytes().await.with_context(told)?.to_vec();
    let hash = sha256(&package);
    ensure!(
        hash == SHA256,
        "{url} has the SHA-256 {hash}, and not the {SHA256} that is expected"
    );
    Ok(package)
}

fn unpack(package: &[u8]) -> anyhow::Result<String> {
    let mut archive = Archive::new(GzDecoder::new(package));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()?.as_ref() == Path::new("package/axe.min.js") {
            let mut script = String::new();
            entry.read_to_string(&mut script)?;
            return Ok(script);
        }
    }
    anyhow::bail!("axe-core {VERSION} has no axe.min.js")
}
