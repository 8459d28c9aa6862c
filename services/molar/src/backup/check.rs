//! Whether what stands in a place is what a backup holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use molar_domain::retention::Removed;
use molar_objects::{Bucket, Error, Store};

use super::objects::{self, Object};
use super::place::Found;
use super::{Summary, database};

#[derive(Debug, Default)]
pub struct Checked {
    /// Everything that is missing or other than it was: objects by their hash, the audit log by its chain.
    pub wrong: Vec<String>,
    /// What went since, as it should.
    pub told: Vec<String>,
}

pub async fn check(place: &Found, folder: &Path, summary: &Summary) -> anyhow::Result<Checked> {
    let found: Vec<Option<Fault>> = stream::iter(objects::read(folder)?)
        .map(|object| async move { fault(&place.store, object?).await })
        .buffered(4)
        .try_collect()
        .await?;
    let since = Since::of(place).await?;
    let mut checked = Checked::default();
    let mut gone: BTreeMap<String, usize> = BTreeMap::new();
    for fault in found.into_iter().flatten() {
        match since.reason(&fault) {
            Some(reason) => *gone.entry(reason).or_default() += 1,
            None => checked.wrong.push(fault.to_string()),
        }
    }
    let counted = gone
        .into_iter()
        .map(|(reason, n)| format!("{n} objects of the backup are gone: {reason}"));
    checked.told = counted.collect();
    checked.wrong.extend(unheld_layers(place).await?);
    let breaks = database::audit_breaks(place, summary.audit_head.as_ref()).await?;
    checked.wrong.extend(breaks);
    Ok(checked)
}

/// Layers that the database names and the store does not have: an image of them cannot be run.
async fn unheld_layers(place: &Found) -> anyhow::Result<Vec<String>> {
    let named = database::named_layers(place).await?;
    let missing = objects::missing(&place.store, Bucket::Layers, &named).await?;
    let told = missing.iter().map(|key| {
        format!("object layers/{key} is missing, and the database names it: it was deleted while the backup was taken")
    });
    Ok(told.collect())
}

enum Fault {
    Changed { name: String, is: u64, was: u64 },
    Missing(Object),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed { name, is, was } => write!(
                f,
                "object {name} was changed: it has {is} bytes, and had {was}"
            ),
            Self::Missing(object) => write!(f, "object {} is missing", object.name()),
        }
    }
}

async fn fault(store: &Store, object: Object) -> anyhow::Result<Option<Fault>> {
    match store.digest(object.bucket()?, &object.key).await {
        Ok(is) if is.size == object.size && hex::encode(is.sha256) == object.sha256 => Ok(None),
        Ok(is) => Ok(Some(Fault::Changed {
            name: object.name(),
            is: is.size,
            was: object.size,
        })),
        Err(Error::NotFound) => Ok(Some(Fault::Missing(object))),
        Err(error) => Err(error.into()),
    }
}

/// What the place's own database says of objects that went.
struct Since {
    removed: BTreeMap<String, Removed>,
    layers: BTreeSet<String>,
}

impl Since {
    async fn of(place: &Found) -> anyhow::Result<Self> {
        Ok(Self {
            removed: database::removed_since(place).await?,
            layers: database::named_layers(place).await?,
        })
    }

    fn reason(&self, fault: &Fault) -> Option<String> {
        let Fault::Missing(object) = fault else {
            return None;
        };
        let name = object.name();
        // The last that is not after it: itself, or the folder of its attempt.
        let before = self.removed.range(..=name.clone()).next_back();
        let is_of = |begin: &str| begin == name || begin.ends_with('/') && name.starts_with(begin);
        if let Some((_, removed)) = before.filter(|(begin, _)| is_of(begin)) {
            return Some(removed.to_string());
        }
        let is_spare =
            object.bucket == Bucket::Layers.as_str() && !self.layers.contains(&object.key);
        is_spare.then(|| "no submission needs these layers any more".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(bucket: &str, key: &str) -> Fault {
        Fault::Missing(Object {
            bucket: bucket.into(),
            key: key.into(),
            size: 1,
            sha256: String::new(),
            content_type: None,
        })
    }

    #[test]
    fn what_a_retention_took_is_told_and_what_nobody_took_is_wrong() {
        let removed = Removed {
            at: "2027-03-02T05:00:00Z".parse().unwrap(),
            retention_days: 90,
        };
        let names = ["uploads/a", "outputs/attempt/7/", "logs/attempt/7/"];
        let since = Since {
            removed: names.map(|name| (name.to_owned(), removed)).into(),
            layers: ["kept".to_owned()].into(),
        };
        let reason = |bucket, key| since.reason(&missing(bucket, key));
        for (bucket, key) in [
            ("uploads", "a"),
            ("outputs", "attempt/7/run/token/out"),
            ("logs", "attempt/7/run/token/log.txt"),
        ] {
            assert_eq!(
                reason(bucket, key),
                Some(removed.to_string()),
                "{bucket}/{key}"
            );
        }
        for (bucket, key) in [
            ("uploads", "ab"),
            ("outputs", "attempt/77/run/token/out"),
            ("hidden", "attempt/7/x"),
            ("layers", "kept"),
        ] {
            assert_eq!(reason(bucket, key), None, "{bucket}/{key}");
        }
        assert!(
            reason("layers", "other")
                .unwrap()
                .contains("no submission needs")
        );
        let changed = Fault::Changed {
            name: "uploads/a".into(),
            is: 1,
            was: 2,
        };
        assert_eq!(since.reason(&changed), None);
    }
}
