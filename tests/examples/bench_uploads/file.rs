//! Files that nothing can make smaller.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Writes so many MiB of numbers that look random; returns their SHA-256.
pub fn write(path: &Path, mib: u64, seed: u64) -> anyhow::Result<String> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ seed;
    let mut hash = Sha256::new();
    let mut chunk = Vec::with_capacity(1 << 20);
    for _ in 0..mib {
        chunk.clear();
        while chunk.len() < 1 << 20 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            chunk.extend_from_slice(&state.to_le_bytes());
        }
        hash.update(&chunk);
        file.write_all(&chunk)?;
    }
    file.flush()?;
    Ok(hex::encode(hash.finalize()))
}
