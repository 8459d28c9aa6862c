//! A store with objects in it, and files to put there.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use molar_objects::embedded::Server;
use molar_objects::{Bucket, BucketNames, Grants, Key, Role as Holder, S3Args, Store};
use molar_service::Role;
use molar_testkit::{CaseRun, Challenge, MockClock, Submission, as_role, noon};
use ndarray::Array3;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::cases::{CaseScores, Decoded, Zips};
use crate::fetch::Fetcher;
use crate::references::Reading;
use crate::slots::Slots;

/// A running store, and the role at work on it.
pub struct Objects {
    server: Server,
    folder: TempDir,
    pub clock: MockClock,
}

impl Objects {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys: BTreeMap<_, _> = Holder::ALL
            .into_iter()
            .map(|role| (role, key(role)))
            .collect();
        let grants = Grants::of_roles(BucketNames::default(), &keys);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(address, folder.path(), grants).await.unwrap();
        let objects = Self {
            server,
            folder,
            clock: MockClock::at(noon()),
        };
        objects.store(Holder::Owner).ensure_buckets().await.unwrap();
        objects
    }

    fn store(&self, role: Holder) -> Store {
        let key = key(role);
        let args = S3Args {
            endpoint: self.server.endpoint().parse().unwrap(),
            public_endpoint: None,
            region: "us-east-1".to_owned(),
            access_key: key.access_key,
            secret_key: key.secret_key,
            bucket_prefix: "molar-".to_owned(),
        };
        Store::connect(&args).unwrap()
    }

    /// As the process signs them.
    pub fn links(&self) -> Store {
        self.store(Holder::Scoring)
    }

    pub fn fetcher(&self) -> Fetcher {
        let folder = self.folder.path().to_owned();
        Fetcher::new(self.store(Holder::Scoring), folder)
    }

    pub async fn reading(&self, owner: &PgPool) -> Reading {
        Reading {
            db: as_role(owner, Role::Scoring).await,
            clock: Arc::new(self.clock.clone()),
            fetcher: self.fetcher(),
            slots: Slots::new(2),
            stop: CancellationToken::new(),
        }
    }

    pub async fn job(&self, owner: &PgPool) -> CaseScores {
        let slots = Slots::new(2);
        CaseScores {
            db: as_role(owner, Role::Scoring).await,
            fetcher: self.fetcher(),
            references: Decoded::new(self.fetcher(), slots.clone()),
            zips: Zips::new(self.fetcher()),
            slots,
        }
    }

    pub async fn put(&self, role: Holder, bucket: Bucket, key: &str, content: &[u8]) {
        let content = content.to_vec();
        self.store(role)
            .put_bytes(bucket, key, "application/octet-stream", content)
            .await
            .unwrap();
    }

    /// Of the case at `place`, not read yet.
    pub async fn put_reference(
        &self,
        owner: &PgPool,
        challenge: &Challenge,
        place: usize,
        content: &[u8],
    ) {
        let id = challenge.references[place].0;
        let key = sqlx::query_scalar!(
            "UPDATE tracks.case_references SET size_bytes = $2, sha256 = $3 WHERE id = $1 RETURNING object_key",
            id,
            content.len() as i64,
            sha256(content),
        )
        .fetch_one(owner)
        .await
        .unwrap();
        sqlx::query!(
            "DELETE FROM scoring.reference_facts WHERE reference_id = $1",
            id
        )
        .execute(owner)
        .await
        .unwrap();
        self.put(Holder::Tracks, Bucket::References, &key, content)
            .await;
    }

    /// Puts other bytes where the reference of the case at `place` lies: it can be fetched no more.
    pub async fn spoil_reference(&self, challenge: &Challenge, place: usize) {
        let key = format!("references/{}", challenge.references[place]);
        let (role, bucket) = (Holder::Tracks, Bucket::References);
        self.put(role, bucket, &key, b"other bytes").await;
    }

    pub async fn put_upload(&self, owner: &PgPool, submission: &Submission, content: &[u8]) {
        sqlx::query!(
            "UPDATE submission.uploads SET size_bytes = $2, sha256 = $3 WHERE submission_id = $1",
            submission.id.0,
            content.len() as i64,
            sha256(content),
        )
        .execute(owner)
        .await
        .unwrap();
        let key = &submission.object_key;
        self.put(Holder::Submission, Bucket::Uploads, key, content)
            .await;
    }

    pub async fn put_output(&self, owner: &PgPool, run: &CaseRun, content: &[u8]) {
        sqlx::query!(
            "UPDATE execution.case_runs SET output_size_bytes = $2, output_sha256 = $3 WHERE id = $1",
            run.id.0,
            content.len() as i64,
            sha256(content),
        )
        .execute(owner)
        .await
        .unwrap();
        let key = run.output_key.as_deref().unwrap();
        self.put(Holder::Execution, Bucket::Outputs, key, content)
            .await;
    }
}

fn key(role: Holder) -> Key {
    Key {
        access_key: format!("key-of-{role}"),
        secret_key: format!("secret of {role}").into(),
    }
}

pub fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// A labelme file with a rectangle for each label, both corners included.
pub fn polygons((height, width): (u32, u32), labelled: &[(&str, [i32; 4])]) -> String {
    let shape = |(label, [x0, y0, x1, y1]): &(&str, [i32; 4])| {
        format!(
            r#"{{"label": "{label}", "shape_type": "polygon", "points": [[{x0},{y0}],[{x1},{y0}],[{x1},{y1}],[{x0},{y1}]]}}"#
        )
    };
    let shapes: Vec<_> = labelled.iter().map(shape).collect();
    format!(
        r#"{{"imageHeight": {height}, "imageWidth": {width}, "shapes": [{}]}}"#,
        shapes.join(",")
    )
}

/// A label volume of `[z, y, x]` voxels.
pub fn volume(grid: [usize; 3], label: impl Fn([usize; 3]) -> i16) -> Vec<u8> {
    let labels = Array3::from_shape_fn(grid, |(z, y, x)| label([z, y, x]));
    let mut file = Vec::new();
    molar_volumes::nifti::write_labels(&mut file, labels.view(), [0.3; 3]).unwrap();
    file
}

pub fn zip_of(members: &[(&str, &str)]) -> Vec<u8> {
    let bytes: Vec<_> = members
        .iter()
        .map(|(name, content)| (*name, content.as_bytes()))
        .collect();
    zip_of_bytes(&bytes)
}

pub fn zip_of_bytes(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
