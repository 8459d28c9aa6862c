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

    pub fn config_bytes(&self) -> Vec<u8> {
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
        let docker = json!([{
            "Config": blob(&self.config_bytes()),
            "RepoTags": self.tags,
            "Layers": self.layers.iter().map(|layer| blob(&gzip(layer))).collect::<Vec<_>>(),
        }]);
        let (manifest, tar) = self.blobs(true);
        with_index(tar, &[(manifest, None)], Some(docker))
    }

    /// As buildx writes it with `--output type=oci`: one nested index with the image and an attestation.
    pub fn buildx_layout(&self) -> Vec<u8> {
        let (manifest, tar) = self.blobs(true);
        let statement =
            br#"{"schemaVersion":2,"config":{"digest":"sha256:0","size":0},"layers":[]}"#;
        let amd64 = json!({ "os": "linux", "architecture": "amd64" });
        let unknown = json!({ "os": "unknown", "architecture": "unknown" });
        let index = index(&[(manifest, Some(amd64)), (statement.to_vec(), Some(unknown))]);
        let tar = tar
            .file(&blob(statement), 0o644, statement)
            .file(&blob(&index), 0o644, &index);
        with_index(tar, &[(index, None)], None)
    }

    /// As `podman save --format oci-archive` and skopeo write it.
    pub fn oci_layout(&self) -> Vec<u8> {
        let (manifest, tar) = self.blobs(true);
        with_index(tar, &[(manifest, None)], None)
    }

    pub fn plain_oci_layout(&self) -> Vec<u8> {
        let (manifest, tar) = self.blobs(false);
        with_index(tar, &[(manifest, None)], None)
    }

    /// As `podman save` writes it: layers beside each other, and a link to each for older readers.
    pub fn podman_archive(&self) -> Vec<u8> {
        let config = self.config_bytes();
        let mut tar = Tar::new();
        let mut names: Vec<String> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let name = format!("{}.tar", sha256(layer));
            if !names.contains(&name) {
                tar = tar.file(&name, 0o644, layer);
            }
            let folder = sha256(format!("{index} in podman").as_bytes());
            tar = tar
                .link(&format!("{folder}/layer.tar"), &format!("../{name}"))
                .file(&format!("{folder}/json"), 0o644, b"{}");
            names.push(name);
        }
        let name = format!("{}.json", sha256(&config));
        let manifest = json!([{ "Config": name, "RepoTags": self.tags, "Layers": names }]);
        tar.file(&name, 0o644, &config)
            .file("manifest.json", 0o644, manifest.to_string().as_bytes())
            .finish()
    }

    /// Config, layers and manifest as blobs; the manifest's bytes beside.
    pub fn blobs(&self, gzipped: bool) -> (Vec<u8>, Tar) {
        let config = self.config_bytes();
        let pack = |layer: &Vec<u8>| if gzipped { gzip(layer) } else { layer.clone() };
        let layers: Vec<_> = self.layers.iter().map(pack).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "config": descriptor(&config),
            "layers": layers.iter().map(|layer| descriptor(layer)).collect::<Vec<_>>(),
        });
        let manifest = manifest.to_string().into_bytes();
        let mut tar = Tar::new()
            .folder("blobs/", 0o755)
            .folder("blobs/sha256/", 0o755);
        let mut seen = Vec::new();
        for bytes in layers.iter().chain([&config, &manifest]) {
            if !seen.contains(bytes) {
                tar = tar.file(&blob(bytes), 0o644, bytes);
                seen.push(bytes.clone());
            }
        }
        (manifest, tar)
    }
}

pub const LAYOUTS: [fn(&Image) -> Vec<u8>; 6] = [
    Image::docker_archive,
    Image::podman_archive,
    Image::oci_archive,
    Image::oci_layout,
    Image::plain_oci_layout,
    Image::buildx_layout,
];

pub fn blob(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", sha256(bytes))
}

pub fn descriptor(bytes: &[u8]) -> Value {
    json!({ "mediaType": "-", "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len() })
}

/// An OCI index of these manifests, each with the platform that the index says of it.
pub fn index(manifests: &[(Vec<u8>, Option<Value>)]) -> Vec<u8> {
    let described = manifests.iter().map(|(bytes, platform)| {
        let mut descriptor = descriptor(bytes);
        if let Some(platform) = platform {
            descriptor["platform"] = platform.clone();
        }
        descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
        descriptor
    });
    let manifests: Vec<_> = described.collect();
    json!({ "schemaVersion": 2, "manifests": manifests })
        .to_string()
        .into_bytes()
}

pub fn with_index(
    mut tar: Tar,
    manifests: &[(Vec<u8>, Option<Value>)],
    docker: Option<Value>,
) -> Vec<u8> {
    if let Some(docker) = docker {
        tar = tar.file("manifest.json", 0o644, docker.to_string().as_bytes());
    }
    tar.file("index.json", 0o644, &index(manifests))
        .file("oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)
        .finish()
}
