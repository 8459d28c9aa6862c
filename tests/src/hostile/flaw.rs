//! Archives that no tool saves.

use serde::Deserialize;
use serde_json::json;

use crate::image::{Layer, Picture, Saver, sha256};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    SeveralImages,
    /// Its tag is that of an image that is there already.
    AnothersTag,
    EntryLeavesTheRoot,
    EntryThroughALink,
    LayerLiesAboutItsSize,
    LayerLiesAboutItsDigest,
    LayerIsABomb,
    HugeManifest,
    NoLayers,
    /// Of the archive itself, not of a layer.
    ArchiveLeavesTheRoot,
    CutOff,
}

/// The tag that [`Flaw::AnothersTag`] is after.
pub const ANOTHERS: &str = "molar-test/another-teams:latest";

/// The plain tar of the archive.
pub fn save(mut picture: Picture, flaw: Flaw) -> anyhow::Result<Vec<u8>> {
    match flaw {
        Flaw::SeveralImages => two(&picture),
        Flaw::AnothersTag => {
            picture.tags = vec![ANOTHERS.to_owned()];
            picture.save(Saver::Docker20)
        }
        Flaw::EntryLeavesTheRoot => on_top(&picture, |layer| {
            layer.file("../../../../../../etc/molar-was-here", 0o644, b"x")
        }),
        Flaw::EntryThroughALink => on_top(&picture, |layer| {
            layer.link("way", "/../../../../../../etc")?;
            layer.file("way/molar-was-here", 0o644, b"x")
        }),
        Flaw::LayerLiesAboutItsSize => {
            let mut tar = picture.save(Saver::Docker20)?;
            enlarge(&mut tar);
            Ok(tar)
        }
        Flaw::LayerLiesAboutItsDigest => {
            let last = picture.layers.len() - 1;
            let mut other = Layer::new();
            other.file("opt/algorithm/predict.sh", 0o644, b"echo another")?;
            picture.layers[last] = other.finish()?;
            picture.save(Saver::Docker20)
        }
        Flaw::LayerIsABomb => on_top(&picture, |layer| {
            layer.file("zeros", 0o644, &vec![0; 256 << 20])
        }),
        Flaw::HugeManifest => {
            let mut tar = Layer::new();
            let config = sha256(&picture.config_bytes());
            let mut manifest =
                json!([{"Config": format!("{config}.json"), "Layers": []}]).to_string();
            manifest.extend(std::iter::repeat_n(' ', 100 << 20));
            tar.file(&format!("{config}.json"), 0o644, &picture.config_bytes())?;
            tar.file("manifest.json", 0o644, manifest.as_bytes())?;
            tar.finish()
        }
        Flaw::NoLayers => {
            let process = picture.config["config"].take();
            Picture::new(Vec::new(), process).save(Saver::Docker20)
        }
        Flaw::ArchiveLeavesTheRoot => {
            let mut tar = Layer::new();
            tar.file("../../../../../../etc/molar-was-here", 0o644, b"x")?;
            let mut bytes = tar.finish()?;
            bytes.truncate(1024);
            bytes.extend(picture.save(Saver::Docker20)?);
            Ok(bytes)
        }
        Flaw::CutOff => {
            let mut tar = picture.save(Saver::Docker20)?;
            tar.truncate(tar.len() / 2);
            Ok(tar)
        }
    }
}

fn on_top(
    picture: &Picture,
    fill: impl FnOnce(&mut Layer) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<u8>> {
    let mut layer = Layer::new();
    fill(&mut layer)?;
    let mut layers = picture.layers.clone();
    layers.push(layer.finish()?);
    Picture::new(layers, picture.config["config"].clone()).save(Saver::Docker20)
}

fn two(picture: &Picture) -> anyhow::Result<Vec<u8>> {
    let mut other = picture.clone();
    other.config["author"] = json!("somebody");
    let mut tar = Layer::new();
    let mut images = Vec::new();
    for one in [picture, &other] {
        let config = format!("{}.json", sha256(&one.config_bytes()));
        tar.file(&config, 0o644, &one.config_bytes())?;
        images.push((config, one));
    }
    for layer in &picture.layers {
        tar.file(&format!("{}.tar", sha256(layer)), 0o644, layer)?;
    }
    let names = |one: &Picture| {
        one.layers
            .iter()
            .map(|layer| format!("{}.tar", sha256(layer)))
            .collect::<Vec<_>>()
    };
    let manifest: Vec<_> = images
        .iter()
        .map(|(config, one)| json!({"Config": config, "RepoTags": null, "Layers": names(one)}))
        .collect();
    tar.file(
        "manifest.json",
        0o644,
        json!(manifest).to_string().as_bytes(),
    )?;
    tar.finish()
}

/// The first layer says that it is larger than all that follows.
fn enlarge(archive: &mut [u8]) {
    let Some(at) = (0..archive.len())
        .step_by(512)
        .find(|&at| name(&archive[at..]).ends_with("/layer.tar"))
    else {
        return;
    };
    let mut header = tar::Header::new_gnu();
    header
        .as_mut_bytes()
        .copy_from_slice(&archive[at..at + 512]);
    header.set_size(1 << 32);
    header.set_cksum();
    archive[at..at + 512].copy_from_slice(header.as_bytes());
}

fn name(header: &[u8]) -> String {
    let bytes = header.iter().take(100).take_while(|&&byte| byte != 0);
    bytes.map(|&byte| char::from(byte)).collect()
}
