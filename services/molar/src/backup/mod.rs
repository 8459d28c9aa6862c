//! `molar backup` and `molar restore`: the database as one consistent dump, and every object with its hash.
//!
//! A backup is a folder: `database.dump` of the system's `pg_dump`, `objects.jsonl` with a line for each object,
//! `objects/` with their content, and `backup.json`, which is written last: without it the folder is no backup.
//! It holds personal data and hidden references, so the folder is its owner's alone.

mod check;
mod database;
mod objects;
mod place;
mod restore;

use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use molar_domain::{Clock as _, SystemClock};
use molar_objects::Bucket;
use molar_service::MIGRATOR;
use serde::{Deserialize, Serialize};

pub use place::Place;
pub use restore::{RestoreArgs, restore};

#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// A folder that is made for it, or an empty one.
    folder: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Note the objects with their hashes and leave their content where it is, for stores that have backups of
    /// their own.
    #[arg(long)]
    without_objects: bool,
}

/// `backup.json`
#[derive(Debug, Serialize, Deserialize)]
struct Summary {
    /// Of the program that wrote it.
    version: String,
    /// The newest migration of the database.
    schema: i64,
    taken_at: DateTime<Utc>,
    /// The newest entry of the audit log before the dump, to verify the restored log against.
    audit_head: Option<AuditHead>,
    objects: u64,
    bytes: u64,
    /// Whether `objects/` holds their content.
    has_objects: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct AuditHead {
    seq: i64,
    /// Hex.
    hash: String,
}

impl Summary {
    fn file(folder: &Path) -> PathBuf {
        folder.join("backup.json")
    }

    fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = Self::file(folder);
        let text = std::fs::read(&file).with_context(|| {
            format!(
                "{} is no backup, or one that was not finished: it has no backup.json",
                folder.display()
            )
        })?;
        serde_json::from_slice(&text).with_context(|| file.display().to_string())
    }
}

/// A sweep may have removed what the dump names before it was copied: such a backup is not finished. What the database
/// names still and the store does not have was lost before.
async fn require_layers(
    place: &place::Found,
    folder: &Path,
    named: &BTreeSet<String>,
) -> anyhow::Result<()> {
    let mut absent = named.clone();
    for object in objects::read(folder)? {
        let object = object?;
        if object.bucket()? == Bucket::Layers {
            absent.remove(&object.key);
        }
    }
    if absent.is_empty() {
        return Ok(());
    }
    let named_still = database::named_layers(place).await?;
    let (lost, removed): (Vec<_>, Vec<_>) =
        absent.iter().partition(|key| named_still.contains(*key));
    for key in lost {
        say!("object layers/{key} is missing from the store, and the database names it.");
    }
    if !removed.is_empty() {
        bail!(
            "{} layers of images were removed while the backup was taken, since no submission needs them any more, and \
             its copy of the database names them: delete {} and take the backup again",
            removed.len(),
            folder.display()
        );
    }
    Ok(())
}

pub async fn backup(args: BackupArgs) -> anyhow::Result<()> {
    let folder = &args.folder;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| folder.display().to_string())?;
    if std::fs::read_dir(folder)?.next().is_some() {
        bail!(
            "{} is not empty; a backup takes a folder of its own",
            folder.display()
        );
    }
    let place = args.place.find()?;
    let now = SystemClock.now();
    // The head first and the objects last: what the dump names was put before, and is listed after.
    let audit_head = database::audit_head(&place).await?;
    let schema = database::schema(&place).await?;
    if !MIGRATOR.version_exists(schema) {
        bail!(
            "the database is of a newer program (migration {schema}); take the backup with that one"
        );
    }
    let named = database::named_layers(&place).await?;
    database::dump(&place, &folder.join("database.dump")).await?;
    let counted = objects::save(&place.store, folder, !args.without_objects).await?;
    require_layers(&place, folder, &named).await?;
    let summary = Summary {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema,
        taken_at: now,
        audit_head,
        objects: counted.objects,
        bytes: counted.bytes,
        has_objects: !args.without_objects,
    };
    std::fs::write(Summary::file(folder), serde_json::to_vec_pretty(&summary)?)?;
    say!(
        "{} holds the database and {} objects of {} bytes{}.",
        folder.display(),
        counted.objects,
        counted.bytes,
        if args.without_objects {
            ", their hashes only"
        } else {
            ""
        }
    );
    if counted.gone > 0 {
        say!(
            "{} objects were deleted while they were read, and are not in it.",
            counted.gone
        );
    }
    Ok(())
}
