//! One look for all that wait for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

type Waiting<T> = Vec<oneshot::Sender<T>>;

/// By key one look at a time. Whoever comes during a look waits for the next: no answer is older than its question.
pub struct Line<K, T> {
    waiting: Mutex<HashMap<K, Waiting<T>>>,
}

impl<K, T> Default for Line<K, T> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
        }
    }
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static, T: Clone + Send + 'static> Line<K, T> {
    /// What a look finds that begins after this call; none where it broke off.
    pub async fn ask<F: Future<Output = T> + Send + 'static>(
        self: &Arc<Self>,
        key: K,
        look: impl Fn() -> F + Send + Sync + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let is_first = match self.lock().entry(key.clone()) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push(tell);
                false
            }
            Entry::Vacant(none) => {
                none.insert(vec![tell]);
                true
            }
        };
        if is_first {
            // On its own, so that nobody's look ends because another has hung up.
            tokio::spawn(self.clone().look(key, look));
        }
        told.await.ok()
    }

    async fn look<F: Future<Output = T> + Send + 'static>(
        self: Arc<Self>,
        key: K,
        look: impl Fn() -> F + Send + Sync + 'static,
    ) {
        let cleared = Cleared {
            line: &self,
            key: &key,
        };
        while let Some(asked) = self.next(&key) {
            let found = look().await;
            for one in asked {
                // Who has hung up is told nothing.
                let _ = one.send(found.clone());
            }
        }
        std::mem::forget(cleared);
    }

    /// All that wait; none where nobody does, and then the line is closed.
    fn next(&self, key: &K) -> Option<Waiting<T>> {
        let mut waiting = self.lock();
        let asked = std::mem::take(waiting.get_mut(key)?);
        if asked.is_empty() {
            waiting.remove(key);
            return None;
        }
        Some(asked)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Waiting<T>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the line where a look panics or its runtime ends, so that nobody waits behind it.
struct Cleared<'a, K: Hash + Eq, T> {
    line: &'a Line<K, T>,
    key: &'a K,
}

impl<K: Hash + Eq, T> Drop for Cleared<'_, K, T> {
    fn drop(&mut self) {
        let mut waiting = self
            .line
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        waiting.remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn who_comes_during_a_look_shares_the_next_and_is_told_nothing_older() {
        let line = Arc::new(Line::<u8, usize>::default());
        let (gate, looks) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let ask = || {
            let (line, gate, looks) = (line.clone(), gate.clone(), looks.clone());
            let look = move || {
                let (gate, looks) = (gate.clone(), looks.clone());
                async move {
                    let number = looks.fetch_add(1, Ordering::SeqCst);
                    gate.acquire().await.unwrap().forget();
                    number
                }
            };
            tokio::spawn(async move { line.ask(1, look).await })
        };
        let first = ask();
        while looks.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let later = [ask(), ask(), ask()];
        while line.lock()[&1].len() < 3 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(2);
        assert_eq!(first.await.unwrap(), Some(0));
        for one in later {
            assert_eq!(one.await.unwrap(), Some(1));
        }
        while !line.lock().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_look_that_panics_leaves_nobody_waiting() {
        let line = Arc::new(Line::<u8, ()>::default());
        let broken = || async {
            assert!(std::hint::black_box(false), "of a test");
        };
        assert_eq!(line.ask(1, broken).await, None);
        while !line.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(line.ask(1, || async {}).await, Some(()));
    }
}
