use std::collections::{BTreeSet, HashMap};

/// The place of each label in a list of them. Asked for every run: those of teeth are not hashed.
#[derive(Debug)]
pub(super) struct Places {
    labels: Vec<i32>,
    /// Of labels 0 to 255.
    low: Vec<Option<usize>>,
    others: HashMap<i32, usize>,
}

impl Places {
    pub fn of(labels: impl IntoIterator<Item = i32>) -> Self {
        let labels = BTreeSet::from_iter(labels);
        let mut low = vec![None; 256];
        let mut others = HashMap::new();
        for (&label, at) in labels.iter().zip(0..) {
            match u8::try_from(label) {
                Ok(label) => low[usize::from(label)] = Some(at),
                Err(_) => {
                    others.insert(label, at);
                }
            }
        }
        Self {
            labels: labels.into_iter().collect(),
            low,
            others,
        }
    }

    /// In ascending order, which is that of their places.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = i32> {
        self.labels.iter().copied()
    }

    #[inline]
    pub fn find(&self, label: i32) -> Option<usize> {
        match u8::try_from(label) {
            Ok(low) => self.low[usize::from(low)],
            Err(_) => self.others.get(&label).copied(),
        }
    }
}
