//! Archives as the tools write them.

use serde_json::{Value, json};

use super::{Layer, gzipped, sha256};

/// Layers and a config, before anybody saved them.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Lowest first, each a tar.
    pub layers: Vec<Vec<u8>>,
    pub config: Value,
    pub tags: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Saver {
    /// A folder for each layer, beside the config and the manifest.
    #[serde(rename = "docker-20")]
    Docker20,
    /// An OCI layout with `manifest.json` beside its index.
    #[serde(rename = "docker-28")]
    Docker28,
    /// Layers named by their digest, each with a link in a folder of its own.
    Podman,
    /// `buildx --output type=docker`: gzipped blobs and an attestation.
    Buildx,
    /// `buildx --output type=oci`, `podman save --format oci-archive`: an index and no `manifest.json`.
    Oci,
}

impl Picture {
    /// `process` is what the config holds under `config`.
    pub fn new(layers: Vec<Vec<u8>>, process: Value) -> Self {
        let diff_ids: Vec<_> = layers
            .iter()
            .map(|layer| format!("sha256:{}", sha256(layer)))
            .collect();
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": process,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": layers.iter().map(|_| json!({"created": "1970-01-01T00:00:00Z", "created_by": "a test"})).collect::<Vec<_>>(),
        });
        Self {
            layers,
            config,
            tags: vec!["molar-test:latest".to_owned()],
        }
    }

    pub fn config_bytes(&self) -> Vec<u8> {
        self.config.to_string().into_bytes()
    }

    pub fn digest(&self) -> String {
        format!("sha256:{}", sha256(&self.config_bytes()))
    }

    /// Not gzipped.
    pub fn save(&self, saver: Saver) -> anyhow::Result<Vec<u8>> {
        match saver {
            Saver::Docker20 => self.docker_20(),
            Saver::Docker28 => self.layout(false, true, false),
            Saver::Podman => self.podman(),
            Saver::Buildx => self.layout(true, true, true),
            Saver::Oci => self.layout(true, false, true),
        }
    }

    fn docker_20(&self) -> anyhow::Result<Vec<u8>> {
        let config = format!("{}.json", sha256(&self.config_bytes()));
        let mut tar = Layer::new();
        let mut names = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let folder = sha256(format!("{index} of {config}").as_bytes());
            tar.folder(&folder, 0o755)?;
            tar.file(&format!("{folder}/VERSION"), 0o644, b"1.0")?;
            tar.file(&format!("{folder}/layer.tar"), 0o644, layer)?;
            names.push(format!("{folder}/layer.tar"));
        }
        self.documents(tar, &config, &names)
    }

    fn podman(&self) -> anyhow::Result<Vec<u8>> {
        let config = format!("{}.json", sha256(&self.config_bytes()));
        let mut tar = Layer::new();
        let mut names = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let name = format!("{}.tar", sha256(layer));
            let folder = sha256(format!("{index} of {config}").as_bytes());
            tar.file(&name, 0o644, layer)?;
            tar.link(&format!("{folder}/layer.tar"), &format!("../{name}"))?;
            tar.file(&format!("{folder}/VERSION"), 0o644, b"1.0")?;
            names.push(name);
        }
        self.documents(tar, &config, &names)
    }

    fn documents(
        &self,
        mut tar: Layer,
        config: &str,
        layers: &[String],
    ) -> anyhow::Result<Vec<u8>> {
        let manifest = json!([{"Config": config, "RepoTags": self.tags, "Layers": layers}]);
        let repositories = json!({"molar-test": {"latest": sha256(b"x")}});
        tar.file(config, 0o644, &self.config_bytes())?;
        tar.file("manifest.json", 0o644, manifest.to_string().as_bytes())?;
        tar.file("repositories", 0o644, repositories.to_string().as_bytes())?;
        tar.finish()
    }

    fn layout(
        &self,
        is_gzipped: bool,
        has_manifest: bool,
        has_attestation: bool,
    ) -> anyhow::Result<Vec<u8>> {
        let layers = self
            .layers
            .iter()
            .map(|layer| match is_gzipped {
                true => gzipped(layer),
                false => Ok(layer.clone()),
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let kind = match is_gzipped {
            true => "application/vnd.oci.image.layer.v1.tar+gzip",
            false => "application/vnd.oci.image.layer.v1.tar",
        };
        let config = self.config_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(&config, "application/vnd.oci.image.config.v1+json"),
            "layers": layers.iter().map(|layer| descriptor(layer, kind)).collect::<Vec<_>>(),
        })
        .to_string()
        .into_bytes();
        let mut first = descriptor(&manifest, MANIFEST);
        first["platform"] = json!({"architecture": self.config["architecture"], "os": "linux"});
        let mut blobs = layers.clone();
        blobs.extend([config.clone(), manifest]);
        let mut manifests = vec![first];
        if has_attestation {
            let (entry, attestation) = attestation();
            manifests.push(entry);
            blobs.extend(attestation);
        }
        let mut tar = Layer::new();
        tar.folder("blobs", 0o755)?;
        tar.folder("blobs/sha256", 0o755)?;
        for bytes in &blobs {
            tar.file(&blob(bytes), 0o644, bytes)?;
        }
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        tar.file("index.json", 0o644, index.to_string().as_bytes())?;
        tar.file("oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        if has_manifest {
            let layers: Vec<_> = layers.iter().map(|layer| blob(layer)).collect();
            let docker =
                json!([{"Config": blob(&config), "RepoTags": self.tags, "Layers": layers}]);
            tar.file("manifest.json", 0o644, docker.to_string().as_bytes())?;
        }
        tar.finish()
    }
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// As buildx adds it to the index: a manifest for no platform, with a config of its own.
fn attestation() -> (Value, [Vec<u8>; 2]) {
    let config = br#"{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [],
    })
    .to_string()
    .into_bytes();
    let mut entry = descriptor(&manifest, MANIFEST);
    entry["platform"] = json!({"architecture": "unknown", "os": "unknown"});
    entry["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    (entry, [config.to_vec(), manifest])
}

fn blob(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", sha256(bytes))
}

fn descriptor(bytes: &[u8], kind: &str) -> Value {
    json!({"mediaType": kind, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len()})
}
