//! Images made from nothing: busybox and a script, in the layouts that savers write.

#![expect(
    dead_code,
    clippy::unwrap_used,
    reason = "tests, of which each uses a part"
)]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const BUSYBOX: &str = "/bin/busybox";
const APPLETS: &[&str] = &[
    "sh",
    "cat",
    "chmod",
    "dd",
    "env",
    "fallocate",
    "grep",
    "head",
    "id",
    "ip",
    "ln",
    "ls",
    "mkdir",
    "mkfifo",
    "mount",
    "mv",
    "nc",
    "pwd",
    "rm",
    "sleep",
    "touch",
    "true",
    "wget",
    "yes",
];

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The tar of one layer, or of an archive.
pub struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    pub fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    pub fn file(mut self, path: &str, mode: u32, bytes: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        self.append(header, path, bytes);
        self
    }

    pub fn folder(mut self, path: &str, mode: u32) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(mode);
        header.set_size(0);
        self.append(header, path, b"");
        self
    }

    pub fn link(self, path: &str, target: &str) -> Self {
        self.linked(path, target, tar::EntryType::Symlink)
    }

    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.linked(path, target, tar::EntryType::Link)
    }

    fn linked(mut self, path: &str, target: &str, kind: tar::EntryType) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o777);
        header.set_size(0);
        header.set_link_name_literal(target).unwrap();
        self.append(header, path, b"");
        self
    }

    /// The crate would not write a path that leaves the root.
    fn append(&mut self, mut header: tar::Header, path: &str, bytes: &[u8]) {
        assert!(path.len() <= 100);
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        self.0.append(&header, bytes).unwrap();
    }

    pub fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// A base with a shell.
pub fn base_layer() -> Vec<u8> {
    let mut tar = Tar::new()
        .file("bin/busybox", 0o755, &std::fs::read(BUSYBOX).unwrap())
        .folder("tmp", 0o1777)
        .file(
            "etc/passwd",
            0o644,
            b"root:x:0:0::/:/bin/sh\nalgo:x:1000:1000::/:/bin/sh\n",
        );
    for applet in APPLETS {
        tar = tar.link(&format!("bin/{applet}"), "busybox");
    }
    tar.finish()
}

pub fn script_layer(script: &str) -> Vec<u8> {
    // Not executable: the protocol does not ask for it.
    Tar::new()
        .file("opt/algorithm/predict.sh", 0o644, script.as_bytes())
        .finish()
}

#[derive(Clone)]
pub struct Image {
    pub layers: Vec<Vec<u8>>,
    pub config: Value,
    pub tags: Vec<String>,
}

pub struct Built {
    pub archive: Vec<u8>,
    pub digest: String,
}

impl Image {
    pub fn of(layers: Vec<Vec<u8>>) -> Self {
        let diff_ids: Vec<_> = layers
            .iter()
            .map(|layer| format!("sha256:{}", sha256(layer)))
            .collect();
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "created": "2024-01-01T00:00:00Z",
            "config": { "Env": ["PATH=/bin"] },
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        Self {
            layers,
            config,
            tags: vec!["team/algorithm:latest".into()],
        }
    }

    pub fn with_script(script: &str) -> Self {
        Self::of(vec![base_layer(), script_layer(script)])
    }

    pub fn process(mut self, key: &str, value: Value) -> Self {
        self.config["config"][key] = value;
        self
    }

    fn config_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.config).unwrap()
    }

    pub fn digest(&self) -> String {
        format!("sha256:{}", sha256(&self.config_bytes()))
    }

    /// As Docker 20 saves it, gzipped.
    pub fn build(&self) -> Built {
        Built {
            archive: gzip(&self.docker_archive()),
            digest: self.digest(),
        }
    }

    pub fn docker_archive(&self) -> Vec<u8> {
        let config_name = format!("{}.json", sha256(&self.config_bytes()));
        let mut tar = Tar::new();
        let mut names: Vec<String> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let folder = sha256(format!("{index} of {config_name}").as_bytes());
            let name = format!("{folder}/layer.tar");
            let twin = self.layers[..index].iter().position(|other| other == layer);
            tar = tar.folder(&format!("{folder}/"), 0o755).file(
                &format!("{folder}/VERSION"),
                0o644,
                b"1.0",
            );
            tar = match twin {
                // A layer that occurs twice is a link the second time.
                Some(twin) => tar.link(&name, &format!("../{}", names[twin])),
                None => tar.file(&name, 0o644, layer),
            };
            names.push(name);
        }
        let manifest = json!([{ "Config": config_name, "RepoTags": self.tags, "Layers": names }]);
        let repositories = json!({ "team/algorithm": { "latest": sha256(b"x") } });
        tar.file(&config_name, 0o644, &self.config_bytes())
            .file("manifest.json", 0o644, manifest.to_string().as_bytes())
            .file("repositories", 0o644, repositories.to_string().as_bytes())
            .finish()
    }

    /// As Docker 25 and later save it: an OCI layout with a manifest beside; here with the layers
    /// gzipped and an attestation in the index.
    pub fn oci_archive(&self) -> Vec<u8> {
        let config = self.config_bytes();
        let layers: Vec<_> = self.layers.iter().map(|layer| gzip(layer)).collect();
        let blob = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes));
        let descriptor = |bytes: &[u8], kind: &str| json!({ "mediaType": kind, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len() });
        let manifest = json!({
            "schemaVersion": 2,
            "config": descriptor(&config, "application/vnd.oci.image.config.v1+json"),
            "layers": layers.iter().map(|layer| descriptor(layer, "application/vnd.oci.image.layer.v1.tar+gzip")).collect::<Vec<_>>(),
        })
        .to_string();
        let attestation = br#"{"schemaVersion":2,"layers":[]}"#;
        let index = json!({ "schemaVersion": 2, "manifests": [
            descriptor(manifest.as_bytes(), "application/vnd.oci.image.manifest.v1+json"),
            descriptor(attestation, "application/vnd.oci.image.manifest.v1+json"),
        ] });
        let docker = json!([{
            "Config": blob(&config),
            "RepoTags": self.tags,
            "Layers": layers.iter().map(|layer| blob(layer)).collect::<Vec<_>>(),
        }]);
        let mut tar = Tar::new()
            .folder("blobs/", 0o755)
            .folder("blobs/sha256/", 0o755);
        for bytes in layers.iter().map(Vec::as_slice).chain([
            config.as_slice(),
            manifest.as_bytes(),
            attestation,
        ]) {
            tar = tar.file(&blob(bytes), 0o644, bytes);
        }
        tar.file("index.json", 0o644, index.to_string().as_bytes())
            .file("manifest.json", 0o644, docker.to_string().as_bytes())
            .file("oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)
            .finish()
    }
}
