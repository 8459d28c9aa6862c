//! `molar restore`

use std::path::PathBuf;

use anyhow::bail;
use molar_service::MIGRATOR;

use super::check::{Checked, check};
use super::{Place, Summary, database, objects};

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// A folder that `molar backup` filled.
    folder: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Change nothing; say what is missing or other than it was when the backup was taken.
    #[arg(long)]
    check: bool,
}

/// Into an empty database, whose login roles are there, and a store with empty buckets; then everything is
/// read again.
pub async fn restore(args: RestoreArgs) -> anyhow::Result<()> {
    let summary = Summary::read(&args.folder)?;
    let place = args.place.find()?;
    if !args.check {
        if !MIGRATOR.version_exists(summary.schema) {
            bail!(
                "the backup is of a newer program ({}, migration {}); restore it with that one",
                summary.version,
                summary.schema
            );
        }
        if !database::is_empty(&place).await? {
            bail!(
                "the database is not empty, and a restore overwrites nothing: give it an empty one"
            );
        }
        if summary.has_objects {
            objects::put_all(&place.store, &args.folder).await?;
        }
        // Last: a database that is there means that its objects are.
        database::restore(&place, &args.folder.join("database.dump")).await?;
    }
    let Checked { wrong, told } = check(&place, &args.folder, &summary).await?;
    for line in told.iter().chain(&wrong) {
        say!("{line}");
    }
    if !wrong.is_empty() {
        bail!(
            "{} things are not as they were when the backup was taken; they are named above",
            wrong.len()
        );
    }
    say!(
        "Everything is as it was at {}: {} objects of {} bytes, and the audit log is whole.",
        summary.taken_at.format("%Y-%m-%d %H:%M UTC"),
        summary.objects,
        summary.bytes
    );
    Ok(())
}
