//! Argon2id, away from the threads that serve.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OnceCell, Semaphore};

use crate::Error;

/// A hash takes 19 MiB and a core for some tens of milliseconds: a crowd that signs in waits in
/// line instead of taking the machine.
const AT_ONCE: usize = 2;

pub struct Passwords {
    slots: Semaphore,
    /// What is verified for an address that nobody has, so that the answer takes as long.
    nobody: OnceCell<String>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            slots: Semaphore::new(AT_ONCE),
            nobody: OnceCell::new(),
        }
    }
}

impl Passwords {
    /// A PHC string.
    pub async fn hash(&self, password: SecretString) -> Result<String, Error> {
        self.work(move || hash(&password)).await?
    }

    /// Whether the password is that of `kept`; never, if there is none.
    pub async fn verify(
        &self,
        password: SecretString,
        kept: Option<String>,
    ) -> Result<bool, Error> {
        let is_known = kept.is_some();
        let kept = match kept {
            Some(kept) => kept,
            None => self.nobody().await?.to_owned(),
        };
        let argon = move || {
            let password = password.expose_secret().as_bytes();
            Argon2::default()
                .verify_password(password, kept.as_str())
                .is_ok()
        };
        Ok(self.work(argon).await? && is_known)
    }

    async fn nobody(&self) -> Result<&str, Error> {
        let hash = self
            .nobody
            .get_or_try_init(|| self.hash(SecretString::from("nobody")));
        Ok(hash.await?.as_str())
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let hashing = |error: &dyn std::error::Error| Error::Hashing(error.to_string());
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|error| hashing(&error))?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| hashing(&error))
    }
}

fn hash(password: &SecretString) -> Result<String, Error> {
    Argon2::default()
        .hash_password(password.expose_secret().as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::Hashing(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_address_is_right() {
        let passwords = Passwords::default();
        let kept = passwords.hash("correct horse".into()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$"), "{kept}");
        assert_ne!(kept, passwords.hash("correct horse".into()).await.unwrap());

        assert!(
            passwords
                .verify("correct horse".into(), Some(kept.clone()))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify("correct house".into(), Some(kept))
                .await
                .unwrap()
        );
        assert!(!passwords.verify("nobody".into(), None).await.unwrap());
        // An anonymised account has no hash at all.
        assert!(
            !passwords
                .verify("".into(), Some(String::new()))
                .await
                .unwrap()
        );
    }
}
