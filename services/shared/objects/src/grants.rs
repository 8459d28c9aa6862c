//! Who may do what on which bucket. [`may`] is the whole policy.
//!
//! The embedded server enforces it; for another S3 it is what the policies of the keys must say
//! (there, the right to HEAD comes with the right to GET).

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use secrecy::SecretString;

use crate::bucket::{Bucket, BucketNames};

/// Who holds a key. A worker holds none: it gets pre-signed URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Registration,
    Tracks,
    Submission,
    Execution,
    Scoring,
    Leaderboard,
    /// Makes the buckets, and may do nothing with what is in them.
    Owner,
    /// Of the operator who backs up and restores. No process of the platform holds it.
    Backup,
}

impl Role {
    pub const ALL: [Self; 8] = [
        Self::Registration,
        Self::Tracks,
        Self::Submission,
        Self::Execution,
        Self::Scoring,
        Self::Leaderboard,
        Self::Owner,
        Self::Backup,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Tracks => "tracks",
            Self::Submission => "submission",
            Self::Execution => "execution",
            Self::Scoring => "scoring",
            Self::Leaderboard => "leaderboard",
            Self::Owner => "owner",
            Self::Backup => "backup",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Get,
    /// Size and checksum, without the content.
    Head,
    /// Includes every step of a multipart upload.
    Put,
    Delete,
    List,
}

impl Action {
    pub const ALL: [Self; 5] = [Self::Get, Self::Head, Self::Put, Self::Delete, Self::List];
}

/// The policy. What is not named here is refused.
///
/// The lines to be careful with: references are read by scoring alone, even the role that puts them
/// cannot read them back, and the role that signs URLs for workers has no way to them at all.
pub const fn may(role: Role, action: Action, bucket: Bucket) -> bool {
    use Action::{Delete, Get, Head, List, Put};
    use Bucket::{Exports, Hidden, Layers, Logs, Outputs, Public, References, Uploads};

    match role {
        Role::Registration => matches!((bucket, action), (Public, Get | Head | List)),
        Role::Tracks => matches!(
            (bucket, action),
            (Public | Hidden, _) | (References, Put | Delete)
        ),
        Role::Submission => matches!(
            (bucket, action),
            // The curves of runs lie with their logs.
            (Uploads, _) | (Layers, Put | Head | Delete) | (Logs, Get | Head)
        ),
        Role::Execution => matches!(
            (bucket, action),
            (Public | Hidden | Uploads | Layers, Get | Head)
                // Deleted when the retention of their phase is over.
                | (Outputs, Put | Head | List | Delete)
                | (Logs, Put | Head | Get | List | Delete)
        ),
        Role::Scoring => matches!(
            (bucket, action),
            // Labels to train with are read as references are, and lie with the public data.
            (
                Public | References | Hidden | Uploads | Outputs,
                Get | Head | List
            ) | (Exports, Put | Get | Head | List)
        ),
        Role::Leaderboard => matches!((bucket, action), (Exports, Put | Get | Head | List)),
        Role::Owner => false,
        Role::Backup => matches!(action, Put | Get | Head | List),
    }
}

/// The two halves of an S3 credential.
#[derive(Debug, Clone)]
pub struct Key {
    pub access_key: String,
    pub secret_key: SecretString,
}

/// The keys that the embedded server knows.
#[derive(Debug, Clone)]
pub struct Grants {
    pub(crate) names: BucketNames,
    pub(crate) holders: HashMap<String, (Role, SecretString)>,
}

impl Grants {
    pub fn of_roles(names: BucketNames, keys: &BTreeMap<Role, Key>) -> Self {
        let holders = keys
            .iter()
            .map(|(role, key)| (key.access_key.clone(), (*role, key.secret_key.clone())))
            .collect();
        Self { names, holders }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the processes.
    fn holders(action: Action, bucket: Bucket) -> Vec<Role> {
        Role::ALL
            .into_iter()
            .filter(|role| *role != Role::Backup && may(*role, action, bucket))
            .collect()
    }

    #[test]
    fn references_are_read_by_scoring_alone() {
        assert_eq!(holders(Action::Get, Bucket::References), [Role::Scoring]);
        assert_eq!(holders(Action::Put, Bucket::References), [Role::Tracks]);
    }

    #[test]
    fn every_bucket_is_written_by_one_role_except_exports() {
        for bucket in Bucket::ALL {
            let writers = holders(Action::Put, bucket).len();
            assert_eq!(
                writers,
                if bucket == Bucket::Exports { 2 } else { 1 },
                "{bucket}"
            );
        }
    }

    #[test]
    fn the_owner_sees_no_content() {
        for bucket in Bucket::ALL {
            for action in Action::ALL {
                assert!(!may(Role::Owner, action, bucket));
            }
        }
    }
}
