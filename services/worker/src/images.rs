//! Which images this worker loaded, when each was used last, and which of them goes when the disk is full.
//!
//! What others loaded is not ours to remove. The list is kept in a file, so that a worker that is started
//! again knows what it may remove.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// As long as the sandbox lets a load take: what is not there by then does not come.
const LOAD: TimeDelta = TimeDelta::hours(1);

pub struct Images {
    path: PathBuf,
    budget_bytes: u64,
    known: BTreeMap<String, Known>,
    /// How many slots need an image.
    pinned: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    used_at: DateTime<Utc>,
    /// Unpacked bytes by layer: one that several images share lies on the disk once.
    layers: BTreeMap<String, u64>,
    /// Nobody has seen it whole. It may still come when its load was cut short, and counts as nothing.
    #[serde(default)]
    is_loading: bool,
}

impl Images {
    /// A file that cannot be read is as none: its images stay, as those that others loaded.
    pub fn open(path: PathBuf, budget_bytes: u64) -> Self {
        let known = read(&path).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(%error, path = %path.display(), "list of images not read");
            }
            BTreeMap::new()
        });
        Self {
            path,
            budget_bytes,
            known,
            pinned: BTreeMap::new(),
        }
    }

    /// To be called before a byte is sent: the engine may finish an image for which nobody waits any more.
    pub fn loading(&mut self, digest: &str, layers: BTreeMap<String, u64>, now: DateTime<Utc>) {
        self.insert(digest, layers, now, true);
    }

    pub fn loaded(&mut self, digest: &str, layers: BTreeMap<String, u64>, now: DateTime<Utc>) {
        self.insert(digest, layers, now, false);
    }

    fn insert(
        &mut self,
        digest: &str,
        layers: BTreeMap<String, u64>,
        used_at: DateTime<Utc>,
        is_loading: bool,
    ) {
        let known = Known {
            used_at,
            layers,
            is_loading,
        };
        self.known.insert(digest.to_owned(), known);
        self.save();
    }

    pub fn used(&mut self, digest: &str, now: DateTime<Utc>) {
        if let Some(known) = self.known.get_mut(digest) {
            known.used_at = now;
            known.is_loading = false;
            self.save();
        }
    }

    /// Those whose load was cut short, of whatever life: the engine knows what became of them.
    pub fn unsettled(&self) -> Vec<String> {
        let unsettled = self
            .known
            .iter()
            .filter(|(digest, known)| known.is_loading && !self.pinned.contains_key(*digest));
        unsettled.map(|(digest, _)| digest.clone()).collect()
    }

    pub fn settle(&mut self, digest: &str, is_there: bool, now: DateTime<Utc>) {
        let Some(known) = self.known.get_mut(digest) else {
            return;
        };
        if !known.is_loading {
            return;
        }
        if is_there {
            known.is_loading = false;
            self.save();
        } else if now - known.used_at > LOAD {
            self.removed(digest);
        }
    }

    pub fn removed(&mut self, digest: &str) {
        self.known.remove(digest);
        self.save();
    }

    pub fn pin(&mut self, digest: &str) {
        *self.pinned.entry(digest.to_owned()).or_default() += 1;
    }

    pub fn unpin(&mut self, digest: &str) {
        if let Some(count) = self.pinned.get_mut(digest) {
            *count -= 1;
            if *count == 0 {
                self.pinned.remove(digest);
            }
        }
    }

    fn there(&self) -> impl Iterator<Item = (&String, &Known)> {
        self.known.iter().filter(|(_, known)| !known.is_loading)
    }

    /// Of all layers of all images, each once.
    pub fn bytes(&self) -> u64 {
        let layers = self.there().flat_map(|(_, known)| &known.layers);
        layers.collect::<BTreeMap<_, _>>().into_values().sum()
    }

    /// What `layers` would add.
    pub fn added_bytes(&self, layers: &BTreeMap<String, u64>) -> u64 {
        let is_there = |id: &String| self.there().any(|(_, known)| known.layers.contains_key(id));
        let new = layers.iter().filter(|(id, _)| !is_there(id));
        new.map(|(_, bytes)| bytes).sum()
    }

    /// What the removal of all images that no slot needs would win for an image of `layers`: those that it
    /// shares would come again.
    pub fn evictable_bytes(&self, layers: &BTreeMap<String, u64>) -> u64 {
        let (kept, free): (Vec<_>, Vec<_>) = self
            .there()
            .partition(|(digest, _)| self.pinned.contains_key(*digest));
        let stays = |id: &String| kept.iter().any(|(_, known)| known.layers.contains_key(id));
        let goes = free.iter().flat_map(|(_, known)| &known.layers);
        goes.filter(|(id, _)| !layers.contains_key(*id) && !stays(id))
            .collect::<BTreeMap<_, _>>()
            .into_values()
            .sum()
    }

    pub fn is_over_budget(&self, added_bytes: u64) -> bool {
        self.bytes().saturating_add(added_bytes) > self.budget_bytes
    }

    /// The one used longest ago that no slot needs and that was not `spared`.
    pub fn oldest(&self, spared: &[String]) -> Option<String> {
        let free = self
            .there()
            .filter(|(digest, _)| !self.pinned.contains_key(*digest) && !spared.contains(digest));
        let oldest = free.min_by_key(|(_, known)| known.used_at);
        oldest.map(|(digest, _)| digest.clone())
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// By a rename: a crash leaves the old list or the new one.
    fn save(&self) {
        let write = || {
            let text = serde_json::to_vec(&self.known)?;
            let next = self.path.with_extension("next");
            std::fs::write(&next, text)?;
            std::fs::rename(&next, &self.path)
        };
        if let Err(error) = write() {
            // Costs the order of a later life only.
            tracing::warn!(%error, path = %self.path.display(), "list of images not written");
        }
    }
}

fn read(path: &std::path::Path) -> io::Result<BTreeMap<String, Known>> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute)
    }

    fn layers(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter()
            .map(|(id, bytes)| ((*id).to_owned(), *bytes))
            .collect()
    }

    fn images(folder: &tempfile::TempDir) -> Images {
        Images::open(folder.path().join("images.json"), 100)
    }

    #[test]
    fn the_image_that_was_used_longest_ago_goes_first_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut before = images(&folder);
        before.loaded("a", layers(&[("l", 1)]), at(1));
        before.loaded("b", layers(&[("m", 1)]), at(2));
        before.used("a", at(3));
        before.used("somebody else's", at(4));
        let mut after = images(&folder);
        assert_eq!(after.oldest(&[]).as_deref(), Some("b"));
        after.removed("b");
        assert_eq!(images(&folder).oldest(&[]).as_deref(), Some("a"));
    }

    #[test]
    fn an_image_that_a_slot_needs_is_safe() {
        let folder = tempfile::tempdir().unwrap();
        let mut images = images(&folder);
        images.loaded("a", layers(&[("l", 1)]), at(1));
        images.pin("a");
        images.pin("a");
        images.unpin("a");
        assert_eq!(images.oldest(&[]), None);
        images.unpin("a");
        assert_eq!(images.oldest(&[]).as_deref(), Some("a"));
        assert_eq!(images.oldest(&["a".into()]), None);
    }

    #[test]
    fn a_layer_that_two_images_share_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut images = images(&folder);
        images.loaded("a", layers(&[("base", 80), ("a", 5)]), at(1));
        let second = layers(&[("base", 80), ("b", 10)]);
        assert_eq!(images.added_bytes(&second), 10);
        assert!(!images.is_over_budget(10) && images.is_over_budget(16));
        images.loaded("b", second, at(2));
        assert_eq!(images.bytes(), 95);
        images.removed("a");
        assert_eq!(images.bytes(), 90);
    }

    #[test]
    fn what_a_removal_would_win_leaves_out_what_stays_and_what_comes_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut images = images(&folder);
        images.loaded("a", layers(&[("base", 80), ("a", 5), ("new", 3)]), at(1));
        images.loaded("b", layers(&[("base", 80), ("b", 10)]), at(2));
        let new = layers(&[("new", 3), ("other", 4)]);
        assert_eq!(images.evictable_bytes(&new), 95);
        images.pin("b");
        assert_eq!(images.evictable_bytes(&new), 5);
    }

    #[test]
    fn an_image_whose_load_was_cut_short_is_found_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut before = images(&folder);
        before.pin("a");
        before.loading("a", layers(&[("l", 40)]), at(1));
        assert!(before.unsettled().is_empty(), "a slot loads it");
        let mut after = images(&folder);
        assert_eq!(after.unsettled(), ["a"]);
        // Of a load that failed nothing may be there: the next one needs its whole room.
        assert_eq!(after.added_bytes(&layers(&[("l", 40)])), 40);
        assert_eq!((after.bytes(), after.oldest(&[])), (0, None));
        after.settle("a", true, at(2));
        assert!(after.unsettled().is_empty());
        assert_eq!(after.bytes(), 40);
        assert_eq!(after.oldest(&[]).as_deref(), Some("a"));
    }

    #[test]
    fn a_load_that_came_to_nothing_is_forgotten_when_it_cannot_come_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut images = images(&folder);
        images.loading("a", layers(&[("l", 40)]), at(0));
        images.settle("a", false, at(60));
        assert_eq!(images.len(), 1);
        images.settle("a", false, at(61));
        assert_eq!(images.len(), 0);
    }

    #[test]
    fn a_list_of_an_older_worker_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let list = br#"{"a":{"used_at":"1970-01-01T00:01:00Z","layers":{"l":1}}}"#;
        std::fs::write(folder.path().join("images.json"), list).unwrap();
        assert_eq!(images(&folder).oldest(&[]).as_deref(), Some("a"));
    }

    #[test]
    fn a_torn_list_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("images.json"), b"{\"a\":").unwrap();
        assert_eq!(images(&folder).oldest(&[]), None);
    }
}
