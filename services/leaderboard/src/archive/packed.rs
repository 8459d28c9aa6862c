//! What is known of a file once it is in an archive.

pub struct Packed {
    pub path: String,
    /// For people.
    pub name: String,
    pub media_type: &'static str,
    pub bytes: u64,
    pub sha256: String,
}
