//! What a case run needs of other roles' rows: the team's archive and the image of the case.

use std::time::Duration;

use molar_domain::case_run::CaseRunKind;
use molar_domain::challenge::Format;
use molar_domain::limits::Limits;
use molar_domain::worker_api::{ImageLayer, ImageLayers, ImageSource, Input, Urls};
use molar_domain::{CaseRunId, SubmissionId};
use molar_objects::{Bucket, Store};
use sqlx::PgExecutor;

use crate::{Error, Result};

/// For how long a worker may fetch or put with a URL; it asks for new ones where that is not enough.
pub const URL_TTL: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone)]
pub struct Inputs {
    pub submission_id: SubmissionId,
    pub kind: CaseRunKind,
    pub image_digest: String,
    pub limits: Limits,
    pub case_name: String,
    pub format: Format,
    /// The file expected in /outputs.
    pub output_name: String,
    archive: Object,
    image: Object,
}

#[derive(Debug, Clone)]
struct Object {
    bucket: Bucket,
    key: String,
    name: String,
    size_bytes: u64,
    sha256: String,
}

impl Object {
    async fn presign(&self, store: &Store) -> Result<Input> {
        let signed = store
            .presign_get(self.bucket, &self.key, URL_TTL, None)
            .await?;
        Ok(Input {
            url: signed.url,
            name: self.name.clone(),
            size_bytes: self.size_bytes,
            sha256: self.sha256.clone(),
        })
    }
}

impl Inputs {
    pub async fn presign_input(&self, store: &Store) -> Result<Input> {
        self.image.presign(store).await
    }

    /// `layers` as [`stored_layers`] gave them for the image.
    pub async fn presign(&self, store: &Store, layers: &[StoredLayer]) -> Result<Urls> {
        let image = match layers {
            [] => ImageSource::Archive(self.archive.presign(store).await?),
            [config, layers @ ..] => {
                let config = config.object.presign(store).await?;
                let mut signed = Vec::new();
                for layer in layers {
                    signed.push(layer.presign(store).await?);
                }
                ImageSource::Layers(ImageLayers {
                    config,
                    layers: signed,
                })
            }
        };
        Ok(Urls {
            image,
            input: self.presign_input(store).await?,
        })
    }
}

/// A layer in S3, or an image's config.
#[derive(Debug, Clone)]
pub struct StoredLayer {
    diff_id: String,
    unpacked_bytes: u64,
    object: Object,
}

impl StoredLayer {
    async fn presign(&self, store: &Store) -> Result<ImageLayer> {
        Ok(ImageLayer {
            diff_id: self.diff_id.clone(),
            unpacked_bytes: self.unpacked_bytes,
            stored: self.object.presign(store).await?,
        })
    }
}

/// The config and then the layers, lowest first; nothing for an image that is stored as its archive only.
pub async fn stored_layers(
    db: impl PgExecutor<'_>,
    image_digest: &str,
) -> Result<Vec<StoredLayer>> {
    let rows = sqlx::query!(
        r#"SELECT diff_id AS "diff_id!", object_key AS "object_key!", size_bytes AS "size_bytes!",
                  sha256 AS "sha256!", unpacked_bytes AS "unpacked_bytes!"
           FROM submission.stored_images WHERE image_digest = $1 ORDER BY position"#,
        image_digest,
    )
    .fetch_all(db)
    .await?;
    let mut layers = Vec::new();
    for row in rows {
        layers.push(StoredLayer {
            unpacked_bytes: size(row.unpacked_bytes, "unpacked_bytes")?,
            object: Object {
                bucket: Bucket::Layers,
                key: row.object_key,
                name: row.diff_id.clone(),
                size_bytes: size(row.size_bytes, "size_bytes")?,
                sha256: row.sha256,
            },
            diff_id: row.diff_id,
        });
    }
    Ok(layers)
}

pub async fn find(db: impl PgExecutor<'_>, id: CaseRunId) -> Result<Inputs> {
    let row = sqlx::query!(
        r#"SELECT r.kind, a.submission_id, a.image_digest, a.archive_key, a.archive_size_bytes,
                  s.sha256 AS "archive_sha256!", a.limits, a.format, c.name AS "case_name!",
                  c.image_bucket AS "image_bucket!", c.image_key AS "image_key!", c.image_name AS "image_name!",
                  c.size_bytes AS "size_bytes!", c.sha256 AS "sha256!"
           FROM execution.case_runs r
           JOIN execution.attempts a ON a.id = r.attempt_id
           JOIN submission.accepted s ON s.submission_id = a.submission_id
           JOIN tracks.stored_cases c ON c.case_id = r.case_id
           WHERE r.id = $1"#,
        id.0,
    )
    .fetch_one(db)
    .await?;
    let format: Format = row.format.parse()?;
    let image_bucket = match row.image_bucket.as_str() {
        "public" => Bucket::Public,
        "hidden" => Bucket::Hidden,
        _ => return Err(Error::BadRow("image_bucket")),
    };
    Ok(Inputs {
        submission_id: row.submission_id.into(),
        kind: row.kind.parse()?,
        image_digest: row.image_digest,
        limits: serde_json::from_value(row.limits)?,
        output_name: format.prediction_name(&row.case_name),
        case_name: row.case_name,
        format,
        archive: Object {
            bucket: Bucket::Uploads,
            key: row.archive_key,
            name: "image.tar.gz".to_owned(),
            size_bytes: size(row.archive_size_bytes, "archive_size_bytes")?,
            sha256: row.archive_sha256,
        },
        image: Object {
            bucket: image_bucket,
            key: row.image_key,
            name: row.image_name,
            size_bytes: size(row.size_bytes, "size_bytes")?,
            sha256: row.sha256,
        },
    })
}

fn size(value: i64, column: &'static str) -> Result<u64> {
    u64::try_from(value).map_err(|_| Error::BadRow(column))
}
