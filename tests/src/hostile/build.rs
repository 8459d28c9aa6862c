//! From a [`Case`] to its archive.

use std::sync::OnceLock;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::case::{Case, Content, Packing, Parts, Script};
use super::flaw;
use crate::image::{Layer, Picture, are_you_root, gzipped};

pub struct Built {
    pub archive: Vec<u8>,
    /// What the engine will know it by.
    pub digest: String,
}

const SCRIPT: &str = "opt/algorithm/predict.sh";

/// `mark` makes the image another one than that of any other run of the suite on the same engine.
pub fn build(case: &Case, mark: &str) -> anyhow::Result<Built> {
    let mut layers = Vec::new();
    if case.image.has_shell {
        layers.push(base()?.clone());
    }
    layers.push(own(case)?);
    let mut picture = Picture::new(layers, process(&case.image, mark));
    picture.config["architecture"] = json!(case.image.architecture);
    let digest = picture.digest();
    let plain = match case.image.flaw {
        Some(flaw) => flaw::save(picture, flaw)?,
        None => picture.save(case.image.saved_by)?,
    };
    let archive = pack(plain, case.image.packing)?;
    Ok(Built { archive, digest })
}

/// One for all images, so that the engine unpacks it once.
fn base() -> anyhow::Result<&'static Vec<u8>> {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(base) = BASE.get() {
        return Ok(base);
    }
    let mut layer = Layer::new();
    layer.busybox()?;
    layer.folder("tmp", 0o1777)?;
    layer.folder("root", 0o700)?;
    layer.file(
        "etc/passwd",
        0o644,
        b"root:x:0:0::/root:/bin/sh\nalgo:x:1000:1000::/home/algo:/bin/sh\n",
    )?;
    layer.file("etc/group", 0o644, b"root:x:0:\nalgo:x:1000:\n")?;
    layer.owned_by(1000).folder("home/algo", 0o755)?;
    Ok(BASE.get_or_init(|| layer.finish().unwrap_or_default()))
}

fn own(case: &Case) -> anyhow::Result<Vec<u8>> {
    let mut layer = Layer::new();
    for content in &case.image.files {
        add(&mut layer, content).with_context(|| content.path.clone())?;
    }
    layer.owned_by(0);
    match case.image.script {
        Script::File => layer.file(SCRIPT, 0o644, case.script.as_bytes())?,
        Script::Missing => layer.file("opt/algorithm/readme", 0o644, b"none")?,
        Script::Folder => layer.folder(SCRIPT, 0o755)?,
        Script::DanglingLink => layer.link(SCRIPT, "/home/nobody/predict.sh")?,
    }
    layer.finish()
}

fn add(layer: &mut Layer, content: &Content) -> anyhow::Result<()> {
    let usual = if content.is_folder || content.is_program {
        "755"
    } else {
        "644"
    };
    let mode = u32::from_str_radix(content.mode.as_deref().unwrap_or(usual), 8)?;
    layer.owned_by(content.owner);
    if content.is_folder {
        return layer.folder(&content.path, mode);
    }
    match content.is_program {
        true => layer.file(&content.path, mode, &are_you_root()),
        false => layer.file(&content.path, mode, content.text.as_bytes()),
    }
}

fn process(parts: &Parts, mark: &str) -> Value {
    let mut variables = vec!["PATH=/bin".to_owned(), format!("MOLAR_TEST={mark}")];
    variables.extend((0..parts.variables).map(|n| format!("VARIABLE_{n}={}", "x".repeat(100))));
    let volumes: serde_json::Map<_, _> = parts
        .volumes
        .iter()
        .map(|path| (path.clone(), json!({})))
        .collect();
    let mut process = json!({
        "User": parts.user,
        "WorkingDir": parts.working_dir,
        "Env": variables,
        "Volumes": volumes,
        "OnBuild": parts.on_build,
    });
    if !parts.entrypoint.is_empty() {
        process["Entrypoint"] = json!(parts.entrypoint);
    }
    if let Some(signal) = &parts.stop_signal {
        process["StopSignal"] = json!(signal);
    }
    if let Some(command) = &parts.health_check {
        let second = 1_000_000_000;
        process["Healthcheck"] =
            json!({"Test": ["CMD-SHELL", command], "Interval": second, "Timeout": second});
    }
    process
}

fn pack(plain: Vec<u8>, packing: Packing) -> anyhow::Result<Vec<u8>> {
    Ok(match packing {
        Packing::None => plain,
        Packing::Gzip => gzipped(&plain)?,
        Packing::Members => {
            let members = plain.chunks(128 << 10).map(gzipped);
            members.collect::<anyhow::Result<Vec<_>>>()?.concat()
        }
    })
}
