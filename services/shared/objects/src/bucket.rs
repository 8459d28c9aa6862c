use std::fmt;

/// What kind of thing an object is; each kind has a bucket of its own, so that rights are per kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    /// Data that participants may download.
    Public,
    /// Images that are predicted but never shown.
    Hidden,
    /// What predictions are scored against.
    References,
    /// What teams sent, as they sent it.
    Uploads,
    /// Image archives, checked and ready for workers.
    Layers,
    /// What containers predicted.
    Outputs,
    /// What containers printed, and the curves of their runs.
    Logs,
    /// Archives of boards and of the audit log.
    Exports,
}

impl Bucket {
    pub const ALL: [Self; 8] = [
        Self::Public,
        Self::Hidden,
        Self::References,
        Self::Uploads,
        Self::Layers,
        Self::Outputs,
        Self::Logs,
        Self::Exports,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Hidden => "hidden",
            Self::References => "references",
            Self::Uploads => "uploads",
            Self::Layers => "layers",
            Self::Outputs => "outputs",
            Self::Logs => "logs",
            Self::Exports => "exports",
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the buckets are called on the server: a prefix, then the kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketNames {
    prefix: String,
}

impl BucketNames {
    pub fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    pub fn name(&self, bucket: Bucket) -> String {
        format!("{}{bucket}", self.prefix)
    }

    pub fn parse(&self, name: &str) -> Option<Bucket> {
        let kind = name.strip_prefix(&self.prefix)?;
        Bucket::ALL
            .into_iter()
            .find(|bucket| bucket.as_str() == kind)
    }
}

impl Default for BucketNames {
    fn default() -> Self {
        Self::new("molar-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_to_its_bucket() {
        let names = BucketNames::new("site-a-");
        for bucket in Bucket::ALL {
            assert_eq!(names.parse(&names.name(bucket)), Some(bucket));
        }
        assert_eq!(names.name(Bucket::Hidden), "site-a-hidden");
    }

    #[test]
    fn a_foreign_name_is_no_bucket() {
        let names = BucketNames::default();
        for name in ["hidden", "molar-", "molar-secret", "site-a-hidden"] {
            assert_eq!(names.parse(name), None, "{name}");
        }
    }
}
