//! Takes the one output file out of a folder that a stranger filled.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

/// How many names a message holds.
const NAMES: usize = 20;

#[derive(Debug)]
pub struct CollectedFile {
    /// At its start.
    pub file: File,
    pub size: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// For the team; nothing depends on them.
    pub notes: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    #[error("there is no {expected} in /outputs; found {}", list(.found))]
    NoPrediction {
        expected: String,
        found: Vec<String>,
    },

    #[error("{name} in /outputs is {what}; write a plain file")]
    NotAFile { name: String, what: &'static str },

    #[error("{name} in /outputs has {size} bytes; at most {limit} are taken")]
    TooLarge { name: String, size: u64, limit: u64 },

    /// Ours.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl CollectError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPrediction { .. } => "no-prediction",
            Self::NotAFile { .. } => "output-not-a-file",
            Self::TooLarge { .. } => "output-too-large",
            Self::Io(_) => "internal",
        }
    }

    /// Whether to try again rather than to fail the case.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Io(_))
    }
}

/// Opens `expected_name` in `dir`, the output folder of a container that has ended: one plain file
/// of at most `max_bytes`, reached through no link and known by no second name.
pub fn collect_output(
    dir: &Path,
    expected_name: &str,
    max_bytes: u64,
) -> Result<CollectedFile, CollectError> {
    if expected_name.is_empty() || expected_name.contains(['/', '\0']) || expected_name == ".." {
        return Err(io::Error::from(io::ErrorKind::InvalidInput).into());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(dir, flags, Mode::empty()).map_err(io::Error::from)?;
    // Looked at before it is opened: to open a device can do something.
    match rustix::fs::statat(&folder, expected_name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => check(expected_name, &stat, max_bytes)?,
        Err(Errno::NOENT) => {
            return Err(CollectError::NoPrediction {
                expected: expected_name.to_owned(),
                found: names(&folder)?,
            });
        }
        Err(error) => return Err(io::Error::from(error).into()),
    }
    let file = open_beneath(&folder, expected_name).map_err(io::Error::from)?;
    check(
        expected_name,
        &rustix::fs::fstat(&file).map_err(io::Error::from)?,
        max_bytes,
    )?;
    let mut file = File::from(file);
    let (size, sha256) = read(expected_name, &mut file, max_bytes)?;
    let others: Vec<_> = names(&folder)?
        .into_iter()
        .filter(|name| name != expected_name)
        .collect();
    let notes = match others.is_empty() {
        true => Vec::new(),
        false => vec![format!("ignored in /outputs: {}", list(&others))],
    };
    Ok(CollectedFile {
        file,
        size,
        sha256,
        notes,
    })
}

fn check(name: &str, stat: &Stat, limit: u64) -> Result<(), CollectError> {
    let what = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile if stat.st_nlink > 1 => "a hard link to another file",
        FileType::RegularFile => {
            let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
            return match size > limit {
                true => Err(CollectError::TooLarge {
                    name: name.to_owned(),
                    size,
                    limit,
                }),
                false => Ok(()),
            };
        }
        FileType::Symlink => "a symbolic link",
        FileType::Directory => "a folder",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        _ => "a device",
    };
    Err(CollectError::NotAFile {
        name: name.to_owned(),
        what,
    })
}

fn open_beneath(folder: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    // NONBLOCK: to open a FIFO would wait for a writer.
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(folder, name, flags, Mode::empty(), resolve) {
        // Older kernels, and seccomp filters that do not know it. The name has one component, so
        // NOFOLLOW says the same.
        Err(Errno::NOSYS | Errno::PERM) => rustix::fs::openat(folder, name, flags, Mode::empty()),
        other => other,
    }
}

fn read(name: &str, file: &mut File, limit: u64) -> Result<(u64, String), CollectError> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 17];
    let mut size = 0;
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        size += count as u64;
        if size > limit {
            return Err(CollectError::TooLarge {
                name: name.to_owned(),
                size,
                limit,
            });
        }
        hash.update(&buffer[..count]);
    }
    file.rewind()?;
    Ok((size, hex::encode(hash.finalize())))
}

/// At most one more than a message holds, in order as far as they go.
fn names(folder: &OwnedFd) -> Result<Vec<String>, CollectError> {
    let mut names: Vec<String> = Dir::read_from(folder)
        .map_err(io::Error::from)?
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_bytes().to_vec())
        .filter(|name| !matches!(name.as_slice(), b"." | b".."))
        .take(NAMES + 1)
        .map(|name| printable(&name))
        .collect();
    names.sort();
    Ok(names)
}

fn list(names: &[String]) -> String {
    match names {
        [] => "nothing".into(),
        names if names.len() > NAMES => format!("{} and more", names[..NAMES].join(", ")),
        names => names.join(", "),
    }
}

/// A stranger's bytes for a message: no control characters, nothing that turns the text around, not
/// without end.
pub fn printable(bytes: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(bytes);
    let mut plain: String = text
        .chars()
        .take(LONGEST)
        .map(|character| match character {
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                '\u{fffd}'
            }
            character if character.is_control() => '\u{fffd}',
            character => character,
        })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    const NAME: &str = "case_Mask.json";

    fn dir() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn refusal(dir: &Path) -> CollectError {
        collect_output(dir, NAME, 1000).unwrap_err()
    }

    #[test]
    fn a_plain_file_is_taken_with_its_hash() {
        let dir = dir();
        std::fs::write(dir.path().join(NAME), "hello").unwrap();
        std::fs::write(dir.path().join("debug.log"), "").unwrap();
        let mut taken = collect_output(dir.path(), NAME, 5).unwrap();
        let mut text = String::new();
        taken.file.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), taken.size), ("hello", 5));
        assert_eq!(taken.sha256, hex::encode(Sha256::digest("hello")));
        assert_eq!(taken.notes, ["ignored in /outputs: debug.log"]);
    }

    #[test]
    fn what_is_there_instead_is_named_and_printable() {
        let dir = dir();
        assert!(refusal(dir.path()).to_string().ends_with("found nothing"));
        std::fs::write(
            dir.path()
                .join(std::ffi::OsStr::from_bytes(b"a\n\xff\x1b[2J")),
            "",
        )
        .unwrap();
        let error = refusal(dir.path());
        assert_eq!(error.code(), "no-prediction");
        assert_eq!(
            error.to_string(),
            "there is no case_Mask.json in /outputs; found a\u{fffd}\u{fffd}\u{fffd}[2J"
        );
        for index in 0..30 {
            std::fs::write(dir.path().join(format!("f{index:02}")), "").unwrap();
        }
        assert!(refusal(dir.path()).to_string().ends_with(" and more"));
    }

    #[test]
    fn whatever_is_no_plain_file_is_refused() {
        let secret = dir();
        let target = secret.path().join("secret");
        std::fs::write(&target, "secret").unwrap();
        type Make<'a> = &'a dyn Fn(&Path);
        let cases: [(&str, Make<'_>); 7] = [
            ("a symbolic link", &|path| symlink(&target, path).unwrap()),
            ("a symbolic link", &|path| symlink(path, path).unwrap()),
            ("a symbolic link", &|path| {
                symlink("/nowhere", path).unwrap()
            }),
            ("a hard link to another file", &|path| {
                std::fs::hard_link(&target, path).unwrap()
            }),
            ("a folder", &|path| std::fs::create_dir(path).unwrap()),
            ("a socket", &|path| drop(UnixListener::bind(path).unwrap())),
            ("a named pipe", &|path| {
                rustix::fs::mkfifoat(rustix::fs::CWD, path, Mode::RWXU).unwrap();
            }),
        ];
        for (expected, make) in cases {
            let dir = dir();
            make(&dir.path().join(NAME));
            match refusal(dir.path()) {
                CollectError::NotAFile { what, .. } => assert_eq!(what, expected),
                other => panic!("{expected}: {other}"),
            }
        }
    }

    #[test]
    fn a_sparse_terabyte_is_too_large() {
        let dir = dir();
        std::fs::File::create(dir.path().join(NAME))
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        assert_eq!(refusal(dir.path()).code(), "output-too-large");
    }

    #[test]
    fn a_name_that_is_a_path_is_our_mistake() {
        let dir = dir();
        assert!(
            collect_output(dir.path(), "../x", 10)
                .unwrap_err()
                .is_ours()
        );
    }
}
