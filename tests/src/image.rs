//! Tiny container images, as `docker save IMAGE | gzip` delivers them: a static busybox and a script.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// What an image is made of. The default one predicts nothing.
#[derive(Debug, Clone)]
pub struct Image {
    pub script: Option<String>,
    pub has_shell: bool,
    /// By name, below `/opt/algorithm/predictions`.
    pub predictions: BTreeMap<String, Vec<u8>>,
}

impl Image {
    /// Copies the prediction that it brings along, after a while. What it hands in is known, byte by byte.
    pub fn predicting(predictions: &BTreeMap<String, Vec<u8>>, sleep_s: u32) -> Self {
        let script = format!(
            "#!/bin/sh\nset -eu\nfor file in /inputs/*; do\n    name=${{file##*/}}\n    \
             cp /opt/algorithm/predictions/${{name%%.*}}_Mask.* /outputs/\ndone\nsleep {sleep_s}\n"
        );
        Self {
            script: Some(script),
            has_shell: true,
            predictions: predictions.clone(),
        }
    }

    /// The same, and only the case of this name takes its time.
    pub fn slow_at(predictions: &BTreeMap<String, Vec<u8>>, case: &str, sleep_s: u32) -> Self {
        let mut image = Self::predicting(predictions, 0);
        let wait = format!("[ ! -e /inputs/{case}.* ] || sleep {sleep_s}\n");
        image.script = image.script.map(|script| script + &wait);
        image
    }

    pub fn running(script: &str) -> Self {
        Self {
            script: Some(script.to_owned()),
            has_shell: true,
            predictions: BTreeMap::new(),
        }
    }

    /// The archive, and the digest by which Docker knows the image.
    pub fn archive(&self) -> anyhow::Result<Vec<u8>> {
        archive_of(&[&self.layer()?])
    }

    /// The same on top of a layer, a tar, that others may share.
    pub fn archive_on(&self, base: &[u8]) -> anyhow::Result<Vec<u8>> {
        archive_of(&[base, &self.layer()?])
    }

    fn layer(&self) -> anyhow::Result<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        for folder in [
            "bin/",
            "tmp/",
            "inputs/",
            "outputs/",
            "opt/",
            "opt/algorithm/",
            "opt/algorithm/predictions/",
        ] {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o777);
            header.set_size(0);
            tar.append_data(&mut header, folder, std::io::empty())?;
        }
        if self.has_shell {
            append(
                &mut tar,
                "bin/busybox",
                0o755,
                &std::fs::read("/bin/busybox")?,
            )?;
            for tool in ["sh", "cat", "cp", "dd", "ls", "sleep"] {
                let mut header = tar::Header::new_ustar();
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                tar.append_link(&mut header, format!("bin/{tool}"), "busybox")?;
            }
        }
        if let Some(script) = &self.script {
            append(
                &mut tar,
                "opt/algorithm/predict.sh",
                0o644,
                script.as_bytes(),
            )?;
        }
        for (name, bytes) in &self.predictions {
            append(
                &mut tar,
                &format!("opt/algorithm/predictions/{name}"),
                0o644,
                bytes,
            )?;
        }
        Ok(tar.into_inner()?)
    }
}

fn append<W: std::io::Write>(
    tar: &mut tar::Builder<W>,
    name: &str,
    mode: u32,
    bytes: &[u8],
) -> anyhow::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(mode);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, name, bytes)?;
    Ok(())
}

fn archive_of(layers: &[&[u8]]) -> anyhow::Result<Vec<u8>> {
    let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let hashes: Vec<_> = layers.iter().map(|layer| hash(layer)).collect();
    let diff_ids: Vec<_> = hashes.iter().map(|hash| format!("sha256:{hash}")).collect();
    let history = json!({"created": "1970-01-01T00:00:00Z", "created_by": "a test"});
    let config = serde_json::to_vec(&json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {"User": "", "Env": ["PATH=/bin"], "WorkingDir": "/opt/algorithm"},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": vec![history; layers.len()],
    }))?;
    let config_name = format!("{}.json", hash(&config));
    let names: Vec<_> = hashes
        .iter()
        .map(|hash| format!("{hash}/layer.tar"))
        .collect();
    let manifest = serde_json::to_vec(&json!([{
        "Config": config_name, "RepoTags": ["molar-test:latest"], "Layers": names,
    }]))?;
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, layer) in names.iter().zip(layers) {
        append(&mut tar, name, 0o644, layer)?;
    }
    append(&mut tar, &config_name, 0o644, &config)?;
    append(&mut tar, "manifest.json", 0o644, &manifest)?;
    Ok(tar.into_inner()?.finish()?)
}

/// Any bytes, gzipped: what an image is not.
pub fn gzipped(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes)?;
    Ok(gz.finish()?)
}
