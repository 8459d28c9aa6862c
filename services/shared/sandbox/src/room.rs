//! Where all that one run writes lies: a small file system of its own, as large as the run's budget.
//!
//! Looking at a folder every half second cannot bound it: one `fallocate` fills a disk in between.
//! A room is an ext4 in a sparse file, mounted for one run. It holds `/outputs`, the files that the
//! engine mounts into `/etc`, the image's declared volumes and the upper directory of the container's
//! overlay. What does not fit is refused by the kernel, at once, and the host's disk never sees it.

use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink,
};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;

use rustix::mount::UnmountFlags;

use crate::ceilings::peer;
use crate::{Engine, Error};

const MIB: u64 = 1 << 20;
const INODE: u64 = 256;
/// So few are left only where somebody used them up.
const FEW_INODES: u64 = 16;

/// As the engine writes them for a container without a network, but for the host's name servers.
const ETC: [(&str, &str); 3] = [
    (
        "hosts",
        "127.0.0.1\tlocalhost\n\
         ::1\tlocalhost ip6-localhost ip6-loopback\n\
         fe00::0\tip6-localnet\n\
         ff00::0\tip6-mcastprefix\n\
         ff02::1\tip6-allnodes\n\
         ff02::2\tip6-allrouters\n",
    ),
    ("hostname", "case\n"),
    ("resolv.conf", ""),
];

/// A folder for what one run writes. Keep it below one that only the worker can enter, and take that
/// away with [`clear`] when the output has been collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    pub(crate) folder: PathBuf,
    /// Whether it is a file system of its own; else it is only looked at.
    pub(crate) is_bounded: bool,
}

impl Engine {
    /// Makes `folder`, and in it a file system for `bytes` where this process and the engine can.
    ///
    /// Where they cannot, as without root or with a worker in a container, it is a plain folder.
    /// Do not give this future up in the middle: what it mounts then is [`clear`]ed by nobody.
    pub async fn open_room(&self, folder: &Path, bytes: u64) -> Result<Room, Error> {
        let (folder, socket) = (folder.to_owned(), self.socket.clone());
        let made = tokio::task::spawn_blocking(move || Room::make(folder, bytes, &socket));
        Ok(made.await.map_err(io::Error::other)??)
    }
}

impl Room {
    fn make(folder: PathBuf, bytes: u64, socket: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o711).create(&folder)?;
        let folder = folder.canonicalize()?;
        let bounded = mount(&folder, bytes).and_then(|()| is_seen(&folder, socket));
        if let Err(why) = &bounded {
            tell_once(why);
            unmount_below(&folder)?;
        }
        Self::furnish(folder, bounded.is_ok())
    }

    /// Makes a plain folder, without a file system of its own.
    pub fn plain(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o711).create(folder)?;
        Self::furnish(folder.canonicalize()?, false)
    }

    fn furnish(folder: PathBuf, is_bounded: bool) -> io::Result<Self> {
        let room = Self { folder, is_bounded };
        std::fs::create_dir(room.outputs())?;
        // The image's user is unknown here and may be any.
        std::fs::set_permissions(room.outputs(), Permissions::from_mode(0o777))?;
        std::fs::create_dir(room.folder.join("etc"))?;
        for (name, text) in ETC {
            std::fs::write(room.folder.join("etc").join(name), text)?;
        }
        Ok(room)
    }
    /// What the container sees as `/outputs`.
    pub fn outputs(&self) -> PathBuf {
        self.folder.join("outputs")
    }

    /// Whether the kernel bounds what is written, and not only we by looking at it.
    pub fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    /// Source and target of the files in `/etc` that an engine mounts from its own disk otherwise.
    pub(crate) fn etc(&self) -> impl Iterator<Item = (PathBuf, String)> {
        ETC.iter()
            .map(|(name, _)| (self.folder.join("etc").join(name), format!("/etc/{name}")))
    }

    pub(crate) fn volume(&self, index: usize) -> PathBuf {
        self.folder.join("volumes").join(index.to_string())
    }

    pub(crate) fn make_volumes(&self, count: usize) -> io::Result<()> {
        (0..count).try_for_each(|index| std::fs::create_dir_all(self.volume(index)))
    }

    /// Bytes written in a bounded room.
    pub(crate) fn used_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.folder)?;
        Ok(stat.f_blocks.saturating_sub(stat.f_bfree) * stat.f_frsize)
    }

    /// Whether a bounded room takes no more, of bytes or of files.
    pub(crate) fn is_full(&self) -> bool {
        self.is_bounded
            && rustix::fs::statvfs(&self.folder).is_ok_and(|stat| {
                stat.f_ffree < FEW_INODES || stat.f_bavail * stat.f_frsize < MIB / 2
            })
    }

    /// Lets the container's own file system write into the room, before its start: the engine follows
    /// links in place of its two folders.
    pub(crate) fn take_in(&self, upper: &Path, work: &Path) -> io::Result<()> {
        let (our_upper, our_work) = (self.folder.join("upper"), self.folder.join("work"));
        // It holds the image's working directory already, with attributes that overlay reads.
        let copy = [Path::new("--archive"), upper, &our_upper];
        run("cp", copy.map(Path::as_os_str))?;
        DirBuilder::new().mode(0o700).create(&our_work)?;
        let owner = std::fs::metadata(work)?;
        chown(&our_work, Some(owner.uid()), Some(owner.gid()))?;
        let root = std::fs::metadata(upper)?;
        self.give_to((root.uid(), root.gid()))?;
        for (theirs, ours) in [(upper, &our_upper), (work, &our_work)] {
            std::fs::remove_dir_all(theirs)?;
            symlink(ours, theirs)?;
        }
        Ok(())
    }

    /// Root in a container may be another user outside. Whoever may not give a file away leaves it.
    pub(crate) fn give_to(&self, (uid, gid): (u32, u32)) -> io::Result<()> {
        let volumes = (0..).map(|index| self.volume(index));
        let volumes = volumes.take_while(|volume| volume.exists());
        for path in self.etc().map(|(source, _)| source).chain(volumes) {
            // The engine has given a volume to its owner where the image has one.
            if std::fs::metadata(&path)?.uid() == 0 {
                chown(&path, Some(uid), Some(gid))?;
            }
        }
        Ok(())
    }

    /// Whether a container that was started after [`take_in`](Self::take_in) does write in here: the
    /// kernel makes this folder when it mounts an overlay.
    pub(crate) fn is_lived_in(&self) -> bool {
        self.folder.join("work/work").exists()
    }
}

fn tell_once(why: &io::Error) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::warn!(
            error = why as &dyn std::error::Error,
            "no file system of its own for a case: what containers write is bounded by looking at it only"
        );
    });
}

/// Room for `bytes` of content in files of any size, and for what ext4 needs to keep account of them.
fn mount(folder: &Path, bytes: u64) -> io::Result<()> {
    let inodes = (bytes / (16 << 10)).clamp(16 << 10, 2 << 20);
    let size = bytes + bytes / 64 + inodes * INODE + 16 * MIB;
    let file = folder.with_extension("ext4");
    let made = make_file_system(&file, size, inodes).and_then(|()| {
        let options = "loop,nodev,nosuid,noatime,noinit_itable,nobarrier";
        let arguments = ["-t", "ext4", "-o", options].map(AsRef::as_ref);
        run(
            "mount",
            arguments
                .into_iter()
                .chain([file.as_os_str(), folder.as_os_str()]),
        )
    });
    // The loop device holds it as long as it is mounted, and nobody longer, also if we die.
    let removed = std::fs::remove_file(&file);
    made.and(removed)
}

fn make_file_system(file: &Path, size: u64, inodes: u64) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600);
    options.open(file)?.set_len(size)?;
    let inodes = inodes.to_string();
    let features = "^has_journal,^resize_inode";
    let lazy = "lazy_itable_init=1,nodiscard";
    // Blocks as large as the hosts', so that a file takes as much in here as it does there.
    let arguments = [
        "-q", "-F", "-m", "0", "-b", "4096", "-N", &inodes, "-O", features, "-E", lazy,
    ];
    run(
        "mkfs.ext4",
        arguments
            .map(AsRef::as_ref)
            .into_iter()
            .chain([file.as_os_str()]),
    )
}

fn run<'a>(
    program: &str,
    arguments: impl IntoIterator<Item = &'a std::ffi::OsStr>,
) -> io::Result<()> {
    let output = Command::new(program)
        .args(arguments)
        // A service's own may leave out where mkfs lies.
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let complaint = String::from_utf8_lossy(&output.stderr);
            Err(io::Error::other(format!("{program}: {}", complaint.trim())))
        }
    }
}

/// An engine with mounts of its own would write to the folder below ours.
fn is_seen(folder: &Path, socket: &Path) -> io::Result<()> {
    let pid =
        peer(socket).ok_or_else(|| io::Error::other("the engine's process is not to be seen"))?;
    let mounts = std::fs::read_to_string(format!("/proc/{pid}/mountinfo"))?;
    match mount_points(&mounts).any(|point| point == folder) {
        true => Ok(()),
        false => Err(io::Error::other("the engine does not see what we mount")),
    }
}

/// Removes a folder with all rooms in it, also those of an earlier life of the worker. Waits for the
/// disk.
pub fn clear(folder: &Path) -> io::Result<()> {
    let folder = match folder.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    unmount_below(&folder)?;
    std::fs::remove_dir_all(&folder)
}

fn unmount_below(folder: &Path) -> io::Result<()> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
    let below: Vec<_> = mount_points(&mounts)
        .filter(|point| point.starts_with(folder))
        .collect();
    // Those mounted later may stand on those before.
    for point in below.iter().rev() {
        // A container that is still being removed keeps it for a moment more.
        rustix::mount::unmount(point, UnmountFlags::empty())
            .or_else(|_| rustix::mount::unmount(point, UnmountFlags::DETACH))?;
    }
    Ok(())
}

/// The fifth field of a line, in which the kernel writes blanks in octal.
fn mount_points(mounts: &str) -> impl Iterator<Item = PathBuf> {
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    points.map(|point| {
        let escapes = [
            ("\\040", " "),
            ("\\011", "\t"),
            ("\\012", "\n"),
            ("\\134", "\\"),
        ];
        escapes
            .iter()
            .fold(point.to_owned(), |point, (code, character)| {
                point.replace(code, character)
            })
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_as_the_kernel_writes_them() {
        let mounts = "36 35 98:0 / /mnt/a\\040room rw,noatime shared:1 - ext4 /dev/loop0 rw\n\
                      37 35 98:0 / /mnt/b rw - ext4 /dev/loop1 rw\n";
        let points: Vec<_> = mount_points(mounts).collect();
        assert_eq!(points, [Path::new("/mnt/a room"), Path::new("/mnt/b")]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_clear() {
        let dir = tempfile::tempdir().unwrap();
        clear(&dir.path().join("nothing")).unwrap();
        std::fs::create_dir_all(dir.path().join("cases/a")).unwrap();
        clear(&dir.path().join("cases")).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn without_an_engine_to_see_it_a_room_is_a_plain_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("room");
        let room = Room::make(folder.clone(), 1 << 20, Path::new("/nowhere.sock")).unwrap();
        assert!(!room.is_bounded() && !room.is_full());
        assert!(room.outputs().is_dir());
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(mount_points(&mounts).all(|point| point != folder));
        let beside: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(beside.len(), 1, "{beside:?}");
    }
}
