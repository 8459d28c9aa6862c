//! The tar of one layer, or of an archive; also such as no tool would write.

use anyhow::ensure;
use tar::{EntryType, Header};

const BUSYBOX: &str = "/bin/busybox";
const TOOLS: &[&str] = &[
    "awk",
    "cat",
    "chmod",
    "chown",
    "cp",
    "date",
    "dd",
    "dmesg",
    "env",
    "fallocate",
    "find",
    "grep",
    "head",
    "hostname",
    "id",
    "ip",
    "kill",
    "ln",
    "logger",
    "ls",
    "mkdir",
    "mkfifo",
    "mknod",
    "mount",
    "mv",
    "nc",
    "nslookup",
    "ps",
    "pwd",
    "rm",
    "rmdir",
    "seq",
    "setsid",
    "sh",
    "sleep",
    "sync",
    "syslogd",
    "tftp",
    "tr",
    "truncate",
    "umount",
    "unshare",
    "wc",
    "yes",
];

pub struct Layer {
    tar: tar::Builder<Vec<u8>>,
    /// Of the entries that follow, user and group.
    owner: u64,
}

impl Default for Layer {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer {
    pub fn new() -> Self {
        Self {
            tar: tar::Builder::new(Vec::new()),
            owner: 0,
        }
    }

    pub fn owned_by(&mut self, owner: u64) -> &mut Self {
        self.owner = owner;
        self
    }

    pub fn busybox(&mut self) -> anyhow::Result<()> {
        self.file("bin/busybox", 0o755, &std::fs::read(BUSYBOX)?)?;
        for tool in TOOLS {
            self.link(&format!("bin/{tool}"), "busybox")?;
        }
        Ok(())
    }

    pub fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) -> anyhow::Result<()> {
        self.append(path, EntryType::Regular, mode, None, bytes)
    }

    pub fn folder(&mut self, path: &str, mode: u32) -> anyhow::Result<()> {
        self.append(&format!("{path}/"), EntryType::Directory, mode, None, b"")
    }

    pub fn link(&mut self, path: &str, target: &str) -> anyhow::Result<()> {
        self.append(path, EntryType::Symlink, 0o777, Some(target), b"")
    }

    /// The `tar` crate would not write a path that leaves the root.
    fn append(
        &mut self,
        path: &str,
        kind: EntryType,
        mode: u32,
        target: Option<&str>,
        bytes: &[u8],
    ) -> anyhow::Result<()> {
        let mut header = Header::new_gnu();
        ensure!(
            path.len() <= header.as_gnu_mut().map_or(0, |gnu| gnu.name.len()),
            "{path} is long"
        );
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(self.owner);
        header.set_gid(self.owner);
        header.set_size(bytes.len() as u64);
        if let Some(target) = target {
            header.set_link_name_literal(target)?;
        }
        header.set_cksum();
        self.tar.append(&header, bytes)?;
        Ok(())
    }

    pub fn finish(self) -> anyhow::Result<Vec<u8>> {
        Ok(self.tar.into_inner()?)
    }
}

/// A program for x86-64 Linux of 143 bytes. It ends with 0 where its effective user is root.
pub fn are_you_root() -> Vec<u8> {
    const AT: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    // mov eax, geteuid; syscall; xor edi, edi; test eax, eax; setne dil; mov eax, exit; syscall
    const CODE: [u8; 23] = [
        0xb8, 107, 0, 0, 0, 0x0f, 0x05, 0x31, 0xff, 0x85, 0xc0, 0x40, 0x0f, 0x95, 0xc7, 0xb8, 60,
        0, 0, 0, 0x0f, 0x05, 0xf4,
    ];
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let half = |values: &[u16]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let word = |values: &[u32]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let long = |values: &[u64]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<_>>()
    };
    elf.extend(half(&[2, 62]));
    elf.extend(word(&[1]));
    elf.extend(long(&[AT + HEADERS, 64, 0]));
    elf.extend(word(&[0]));
    elf.extend(half(&[64, 56, 1, 0, 0, 0]));
    let size = HEADERS + CODE.len() as u64;
    elf.extend(word(&[1, 5]));
    elf.extend(long(&[0, AT, AT, size, size, 0x1000]));
    elf.extend(CODE);
    elf
}
