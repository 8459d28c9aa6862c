//! Zips of predictions, each fetched once for all cases of its evaluation.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use molar_domain::EvaluationId;
use molar_objects::Bucket;
use tokio::sync::OnceCell;
use zip::ZipArchive;
use zip::result::ZipError;

use super::task::Object;
use crate::error::Result;
use crate::fetch::{self, Fetched, Fetcher, Reader};

type Cell = Arc<OnceCell<Fetched>>;

#[derive(Clone)]
pub struct Zips {
    fetcher: Fetcher,
    fetched: Arc<Mutex<BTreeMap<EvaluationId, Cell>>>,
}

impl Zips {
    pub fn new(fetcher: Fetcher) -> Self {
        Self {
            fetcher,
            fetched: Arc::default(),
        }
    }

    pub async fn of(&self, evaluation: EvaluationId, upload: &Object) -> Result<Fetched> {
        let cell = self.lock().entry(evaluation).or_default().clone();
        let fetch = || {
            self.fetcher.fetch(
                Bucket::Uploads,
                &upload.key,
                upload.size_bytes,
                &upload.sha256,
            )
        };
        cell.get_or_try_init(fetch).await.cloned()
    }

    /// Forgets all but these. The disk is free once the last reader is done.
    pub fn keep_only(&self, evaluations: &BTreeSet<EvaluationId>) {
        self.lock().retain(|id, _| evaluations.contains(id));
    }

    pub fn forget(&self, evaluation: EvaluationId) {
        self.lock().remove(&evaluation);
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<EvaluationId, Cell>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a member cannot be read.
#[derive(Debug)]
pub enum Fault {
    /// Of the zip.
    Theirs(String),
    Ours(std::io::Error),
}

impl From<ZipError> for Fault {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::Io(error) if fetch::is_ours(&error) => Self::Ours(error),
            error => Self::Theirs(format!("the zip is damaged: {error}")),
        }
    }
}

/// Hands the bytes of the member `name` to `read`.
pub fn with_member<T>(
    zip: &Fetched,
    name: &str,
    read: impl FnOnce(&mut dyn Read) -> T,
) -> Result<T, Fault> {
    let mut archive = ZipArchive::new(zip.reader())?;
    let place = place(&archive, name);
    let place = place.ok_or_else(|| Fault::Theirs(format!("the zip holds no file `{name}`")))?;
    let mut member = archive.by_index(place)?;
    Ok(read(&mut member))
}

/// The check lets `./` before a name pass.
fn place(archive: &ZipArchive<Reader>, name: &str) -> Option<usize> {
    let is_wanted = |index: &usize| {
        let found = archive.name_for_index(*index).and_then(|found| found.ok());
        found.is_some_and(|found| bare(&found) == name)
    };
    archive
        .index_for_name(name)
        .or_else(|| (0..archive.len()).find(is_wanted))
}

fn bare(mut name: &str) -> &str {
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::zip_of;

    fn text(zip: &[u8], name: &str) -> Result<String, Fault> {
        with_member(&Fetched::of(zip), name, |member| {
            let mut text = String::new();
            member.read_to_string(&mut text).map(|_| text).unwrap()
        })
    }

    #[test]
    fn a_member_is_found_by_its_name_with_and_without_a_dot() {
        let zip = zip_of(&[("a_Mask.json", "a"), ("./b_Mask.json", "b")]);
        assert_eq!(text(&zip, "a_Mask.json").unwrap(), "a");
        assert_eq!(text(&zip, "b_Mask.json").unwrap(), "b");
        assert!(matches!(text(&zip, "c_Mask.json"), Err(Fault::Theirs(_))));
        assert!(matches!(text(&zip, "Mask.json"), Err(Fault::Theirs(_))));
    }

    #[test]
    fn what_is_no_zip_is_their_fault() {
        assert!(matches!(text(b"no zip", "a"), Err(Fault::Theirs(_))));
        assert!(matches!(text(b"", "a"), Err(Fault::Theirs(_))));
    }
}
