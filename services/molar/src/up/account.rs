//! The system users that Debian's servers insist on when `up` runs as root.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::Path;

use anyhow::Context;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// The named user, or `None` where we are not root and everything runs as ourselves.
    pub fn when_root(name: &str) -> anyhow::Result<Option<Self>> {
        if !is_root() {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
        find(&users, name)
            .map(Some)
            .with_context(|| format!("there is no user {name}: run deploy/local/install.sh"))
    }

    /// The owner of `path` where that is an ordinary user: a folder made without root keeps its
    /// user when `up` is later run as root.
    pub fn owner_or(path: &Path, otherwise: Option<Self>) -> Option<Self> {
        match fs::metadata(path) {
            Ok(found) if otherwise.is_some() && found.uid() != 0 => Some(Self {
                uid: found.uid(),
                gid: found.gid(),
            }),
            _ => otherwise,
        }
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn find(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid })
    })
}

/// Whether an ordinary user may walk down to `path`. Access lists are not looked at: the folders
/// of interest (`/root`, a home) are closed by their mode.
pub fn others_may_reach(path: &Path) -> bool {
    path.ancestors().all(|step| {
        fs::metadata(step).map_or(true, |found| found.permissions().mode() & 0o001 != 0)
    })
}

/// Makes the folder, if need be, for the account alone.
pub fn private_folder(path: &Path, account: Option<Account>) -> anyhow::Result<()> {
    folder(path, 0o700)?;
    if let Some(Account { uid, gid }) = account {
        chown(path, Some(uid), Some(gid)).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Makes the folder, if need be, with this mode whatever the umask.
pub fn folder(path: &Path, mode: u32) -> anyhow::Result<()> {
    if !path.is_dir() {
        let mut builder = fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(mode)
            .create(path)
            .with_context(|| path.display().to_string())?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Writes a file that only its owner may read.
pub fn private_file(path: &Path, text: &str, account: Option<Account>) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    // A file of another owner or mode is replaced, not written into.
    let fresh = path.with_extension("new");
    let _ = fs::remove_file(&fresh);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    match account {
        Some(Account { uid, gid }) => chown(&fresh, Some(uid), Some(gid))?,
        None => keep_owner(&fresh)?,
    }
    fs::rename(&fresh, path).with_context(|| path.display().to_string())
}

/// Gives what root has made in a user's folder to that user, who may start the next `up`.
pub fn keep_owner(path: &Path) -> std::io::Result<()> {
    match path.parent().map(fs::metadata) {
        Some(Ok(folder)) if is_root() => chown(path, Some(folder.uid()), Some(folder.gid())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let users = "postgres2:x:7:8::/:/bin/sh\npostgres:x:101:104:Administrator:/var/lib:/bin/sh";
        assert_eq!(
            find(users, "postgres"),
            Some(Account { uid: 101, gid: 104 })
        );
        assert_eq!(find(users, "post"), None);
    }

    #[test]
    fn a_closed_folder_above_keeps_others_out() {
        let top = tempfile::tempdir().unwrap();
        fs::set_permissions(top.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let below = top.path().join("a/b");
        folder(&below, 0o755).unwrap();
        assert!(!others_may_reach(&below));
        fs::set_permissions(top.path(), fs::Permissions::from_mode(0o711)).unwrap();
        assert!(others_may_reach(&below));
    }
}
