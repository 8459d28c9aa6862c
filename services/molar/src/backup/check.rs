//! Whether what stands in a place is what a backup holds.

use std::path::Path;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use molar_objects::{Error, Store};

use super::objects::{self, Object};
use super::place::Found;
use super::{Summary, database};

/// Everything that is missing or other than it was: objects by their hash, the audit log by its chain.
pub async fn check(place: &Found, folder: &Path, summary: &Summary) -> anyhow::Result<Vec<String>> {
    let found: Vec<Option<String>> = stream::iter(objects::read(folder)?)
        .map(|object| async move { complaint(&place.store, &object?).await })
        .buffered(4)
        .try_collect()
        .await?;
    let mut wrong: Vec<String> = found.into_iter().flatten().collect();
    wrong.extend(database::audit_breaks(place, summary.audit_head.as_ref()).await?);
    Ok(wrong)
}

async fn complaint(store: &Store, object: &Object) -> anyhow::Result<Option<String>> {
    let name = object.name();
    match store.digest(object.bucket()?, &object.key).await {
        Ok(is) if is.size == object.size && hex::encode(is.sha256) == object.sha256 => Ok(None),
        Ok(is) => Ok(Some(format!(
            "object {name} was changed: it has {} bytes, and had {}",
            is.size, object.size
        ))),
        Err(Error::NotFound) => Ok(Some(format!("object {name} is missing"))),
        Err(error) => Err(error.into()),
    }
}
