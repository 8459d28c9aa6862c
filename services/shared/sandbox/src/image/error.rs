use std::io;

use super::stream::OverLimit;

/// Why an archive is refused, in words for the team that sent it.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(
        "the file is not an image archive: {0}; make it with `docker save IMAGE | gzip > image.tar.gz`"
    )]
    NotAnArchive(String),

    #[error(
        "the archive is damaged or cut off ({0}); make it again and compare its SHA-256 before the upload"
    )]
    Damaged(String),

    #[error(
        "the archive's {what} does not match its digest: expected {expected}, found {found}; save the image again"
    )]
    WrongDigest {
        what: String,
        expected: String,
        found: String,
    },

    #[error(
        "layer {0} is compressed with zstd, which engines of workers may not read; save the image with gzip: `docker save IMAGE | gzip`, or with buildx `--output type=oci,compression=gzip,force-compression=true`"
    )]
    Zstd(usize),

    #[error("the archive holds {0} images; save exactly one: `docker save IMAGE | gzip`")]
    SeveralImages(usize),

    #[error("the image is built for {0}; build it with `--platform linux/amd64`")]
    WrongArchitecture(String),

    #[error("{what} is larger than {limit} allowed; make the image smaller")]
    TooLarge { what: &'static str, limit: String },

    /// No tool that saves images writes this.
    #[error("the entry {path} {does}; an image saved by docker has no such entry")]
    Hostile { path: String, does: &'static str },

    #[error(
        "the image has no file /opt/algorithm/predict.sh{0}; copy it there with `COPY predict.sh /opt/algorithm/predict.sh`"
    )]
    NoPredictScript(&'static str),

    #[error(
        "the image has no /bin/sh{0}, which starts predict.sh; build on a base that has a shell"
    )]
    NoShell(&'static str),

    /// Ours: the archive could not be read where it lies.
    #[error(transparent)]
    Io(io::Error),
}

impl ArchiveError {
    /// The public code; [`Self::Io`] is our fault and has one only so that none is missing.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnArchive(_) | Self::Damaged(_) | Self::WrongDigest { .. } | Self::Zstd(_) => {
                "bad-archive"
            }
            Self::Hostile { .. } => "hostile-archive",
            Self::SeveralImages(_) => "several-images",
            Self::WrongArchitecture(_) => "wrong-architecture",
            Self::TooLarge { .. } => "image-too-large",
            Self::NoPredictScript(_) => "no-predict-script",
            Self::NoShell(_) => "no-shell",
            Self::Io(_) => "internal",
        }
    }

    /// Whether to try again rather than to refuse.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Io(_))
    }

    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    pub(super) fn hostile(path: &[u8], does: &'static str) -> Self {
        Self::Hostile {
            path: crate::collect::printable(path),
            does,
        }
    }
}

impl From<io::Error> for ArchiveError {
    /// The decoders tell of bad bytes by these kinds; the rest comes from below.
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        if let Some(over) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<OverLimit>())
        {
            let limit = format!("the {:.1} GiB", over.0 as f64 / f64::from(1 << 30));
            return Self::TooLarge {
                what: "the unpacked image",
                limit,
            };
        }
        match error.kind() {
            InvalidData | InvalidInput | UnexpectedEof => Self::Damaged(error.to_string()),
            _ => Self::Io(error),
        }
    }
}
