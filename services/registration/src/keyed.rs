//! Secrets made from the key that the roles share, so that none of them lies in the database.

use hmac::{Hmac, KeyInit, Mac};
use molar_web_kit::Kit;
use secrecy::ExposeSecret;
use sha2::Sha256;

/// 256 bits that only holders of the key can make. `label` keeps the uses apart.
pub fn digest(kit: &Kit, label: &str, of: &[u8]) -> [u8; 32] {
    // Unwrap safety: HMAC takes a key of any length.
    #[expect(clippy::unwrap_used, reason = "see above")]
    let mut mac = Hmac::<Sha256>::new_from_slice(kit.csrf_key.expose_secret().as_bytes()).unwrap();
    mac.update(label.as_bytes());
    mac.update(&[0]);
    mac.update(of);
    mac.finalize().into_bytes().into()
}
