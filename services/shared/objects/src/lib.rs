//! Objects in S3, and an S3 server for machines that have none.
//!
//! [`Store`] is what the roles use: put, read, list, multipart uploads and pre-signed URLs against any
//! S3. [`embedded::Server`] is what `molar up` starts when it is given no other: it keeps objects in a
//! folder and enforces which role may do what on which bucket ([`grants`]).

mod args;
mod bucket;
pub mod embedded;
mod error;
pub mod grants;
mod store;

pub use args::S3Args;
pub use bucket::{Bucket, BucketNames};
pub use error::{Error, Result};
pub use grants::{Grants, Key, Role};
pub use store::{Digest, Entry, Head, ObjectRead, Part, Presigned, Store};
