use std::collections::{BTreeMap, BTreeSet};

use crate::Error;

/// Named sets of labels to take means over, such as the deciduous teeth or the upper jaw. Sets may
/// overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Groups<L>(BTreeMap<String, BTreeSet<L>>);

impl<L: Ord> Groups<L> {
    pub fn new<N, M>(groups: impl IntoIterator<Item = (N, M)>) -> Result<Self, Error>
    where
        N: Into<String>,
        M: IntoIterator<Item = L>,
    {
        let named = groups.into_iter().map(|(name, labels)| {
            let name = name.into();
            match is_name(&name) {
                true => Ok((name, labels.into_iter().collect())),
                false => Err(Error::GroupName { name }),
            }
        });
        named.collect::<Result<_, _>>().map(Self)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &BTreeSet<L>)> {
        self.0.iter().map(|(name, labels)| (name.as_str(), labels))
    }

    pub fn find(&self, name: &str) -> Result<&BTreeSet<L>, Error> {
        self.0.get(name).ok_or_else(|| Error::UnknownGroup {
            name: name.to_owned(),
        })
    }
}

/// Whether a group can be called so in the name of a measure.
pub(crate) fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_name() {
        let groups = Groups::new([("upper", vec![11, 21]), ("lower", vec![31])]).unwrap();
        assert_eq!(groups.names().collect::<Vec<_>>(), ["lower", "upper"]);
        assert_eq!(groups.find("upper"), Ok(&BTreeSet::from([11, 21])));
        let unknown = Error::UnknownGroup {
            name: "Upper".into(),
        };
        assert_eq!(groups.find("Upper"), Err(unknown));
    }

    #[test]
    fn a_name_that_would_not_be_read_back_is_refused() {
        for name in ["", "upper jaw", "a/b", "a@b"] {
            let refused = Groups::new([(name, [11])]).unwrap_err();
            assert_eq!(refused, Error::GroupName { name: name.into() });
        }
    }
}
