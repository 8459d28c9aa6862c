//! Tiny container images, as `docker save IMAGE | gzip` delivers them: a static busybox and a script.
//!
//! [`Image`] is the usual one; [`Layer`], [`Picture`] and [`Saver`] make every other, in each layout
//! that a tool writes.

mod layer;
mod save;

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sha2::{Digest as _, Sha256};

pub use layer::{Layer, are_you_root};
pub use save::{Picture, Saver};

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
        image.script = image.script.map(|script| script + wait.as_str());
        image
    }

    pub fn running(script: &str) -> Self {
        Self {
            script: Some(script.to_owned()),
            has_shell: true,
            predictions: BTreeMap::new(),
        }
    }

    /// The archive, as Docker 20 saves it, gzipped.
    pub fn archive(&self) -> anyhow::Result<Vec<u8>> {
        archive_of(vec![self.layer()?])
    }

    /// The same on top of a layer, a tar, that others may share.
    pub fn archive_on(&self, base: &[u8]) -> anyhow::Result<Vec<u8>> {
        archive_of(vec![base.to_vec(), self.layer()?])
    }

    fn layer(&self) -> anyhow::Result<Vec<u8>> {
        let mut layer = Layer::new();
        for folder in ["tmp", "opt/algorithm", "opt/algorithm/predictions"] {
            layer.folder(folder, 0o777)?;
        }
        if self.has_shell {
            layer.busybox()?;
        }
        if let Some(script) = &self.script {
            layer.file("opt/algorithm/predict.sh", 0o644, script.as_bytes())?;
        }
        for (name, bytes) in &self.predictions {
            let path = format!("opt/algorithm/predictions/{name}");
            layer.file(&path, 0o644, bytes)?;
        }
        layer.finish()
    }
}

fn archive_of(layers: Vec<Vec<u8>>) -> anyhow::Result<Vec<u8>> {
    let process = json!({"User": "", "Env": ["PATH=/bin"], "WorkingDir": "/opt/algorithm"});
    gzipped(&Picture::new(layers, process).save(Saver::Docker20)?)
}

/// Any bytes, gzipped.
pub fn gzipped(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes)?;
    Ok(gz.finish()?)
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
