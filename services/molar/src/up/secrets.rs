//! Passwords and keys, made at random on the first start and kept in the data folder.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::Context;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::account;

/// The roles that log in to PostgreSQL and RabbitMQ.
pub const ROLES: [&str; 6] = [
    "registration",
    "tracks",
    "submission",
    "execution",
    "scoring",
    "leaderboard",
];

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    fn random() -> Self {
        let mut bytes = [0; 24];
        rand::rng().fill_bytes(&mut bytes);
        Self(hex::encode(bytes))
    }

    /// The value itself; letters and digits only, so it stands in a URL as it is.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<&Secret> for secrecy::SecretString {
    fn from(secret: &Secret) -> Self {
        secret.0.clone().into()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct S3Key {
    pub access_key: String,
    pub secret_key: Secret,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secrets {
    pub postgres_owner: Secret,
    /// By role.
    pub postgres: BTreeMap<String, Secret>,
    pub rabbitmq_owner: Secret,
    pub erlang_cookie: Secret,
    /// By role, and one for `worker`.
    pub rabbitmq: BTreeMap<String, Secret>,
    /// By role, one for the `owner`, who makes the buckets, and one for backups.
    pub s3: BTreeMap<String, S3Key>,
    /// Signs sessions and forms.
    pub session: Secret,
}

impl Secrets {
    /// Reads the file, or makes it on the first start.
    pub fn load_or_create(file: &Path) -> anyhow::Result<Self> {
        if file.exists() {
            let text = fs::read_to_string(file).with_context(|| {
                format!(
                    "{}: run as the user who made the data folder",
                    file.display()
                )
            })?;
            let mut kept: Self =
                serde_json::from_str(&text).with_context(|| file.display().to_string())?;
            // A folder of an older program.
            if !kept.s3.contains_key("backup") {
                kept.s3.extend([s3_key("backup")]);
                account::private_file(file, &serde_json::to_string_pretty(&kept)?, None)?;
            }
            return Ok(kept);
        }
        let fresh = Self::random();
        account::private_file(file, &serde_json::to_string_pretty(&fresh)?, None)?;
        Ok(fresh)
    }

    fn random() -> Self {
        let one_each = |names: &[&str]| -> BTreeMap<_, _> {
            names
                .iter()
                .map(|name| ((*name).to_owned(), Secret::random()))
                .collect()
        };
        let mut callers = ROLES.to_vec();
        callers.push("worker");
        Self {
            postgres_owner: Secret::random(),
            postgres: one_each(&ROLES),
            rabbitmq_owner: Secret::random(),
            erlang_cookie: Secret::random(),
            rabbitmq: one_each(&callers),
            s3: ROLES
                .into_iter()
                .chain(["owner", "backup"])
                .map(s3_key)
                .collect(),
            session: Secret::random(),
        }
    }
}

fn s3_key(role: &str) -> (String, S3Key) {
    let access_key = format!("molar-{role}");
    (
        role.to_owned(),
        S3Key {
            access_key,
            secret_key: Secret::random(),
        },
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_survive_a_restart_and_are_nobody_elses_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.json");
        let first = Secrets::load_or_create(&file).unwrap();
        let second = Secrets::load_or_create(&file).unwrap();
        assert_eq!(first.postgres, second.postgres);
        assert_eq!(first.session, second.session);
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_folder_of_before_there_were_backups_gets_a_key_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.json");
        let mut old = Secrets::load_or_create(&file).unwrap();
        old.s3.remove("backup");
        fs::write(&file, serde_json::to_string(&old).unwrap()).unwrap();
        let first = Secrets::load_or_create(&file).unwrap();
        let second = Secrets::load_or_create(&file).unwrap();
        assert_eq!(first.session, old.session);
        assert_eq!(
            first.s3["backup"].secret_key,
            second.s3["backup"].secret_key
        );
    }

    #[test]
    fn no_two_secrets_are_equal_and_none_is_printed() {
        let secrets = Secrets::random();
        let mut all: Vec<_> = secrets
            .postgres
            .values()
            .chain(secrets.rabbitmq.values())
            .collect();
        all.sort_by_key(|secret| secret.expose());
        all.dedup();
        assert_eq!(all.len(), 13);
        assert!(!format!("{secrets:?}").contains(secrets.session.expose()));
    }
}
