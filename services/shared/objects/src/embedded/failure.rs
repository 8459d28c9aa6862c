//! What the disk says, as S3 says it.

use std::io::{self, ErrorKind};

use s3s::{S3Error, s3_error};

pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

pub fn no_such_upload(error: io::Error) -> S3Error {
    if is_missing(&error) {
        s3_error!(NoSuchUpload)
    } else {
        internal(error)
    }
}

/// A key cannot be a folder of another: `a` and `a/b` do not go together.
pub fn in_the_way(error: io::Error) -> S3Error {
    match error.kind() {
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => {
            s3_error!(InvalidArgument, "another object's key is in the way")
        }
        _ => internal(error),
    }
}

pub fn internal(error: io::Error) -> S3Error {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "the object store has trouble"
    );
    s3_error!(error, InternalError)
}
