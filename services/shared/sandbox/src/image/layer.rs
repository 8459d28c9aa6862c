//! What a layer's tar says is where, kept small, and the union of layers as the engine mounts it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::io::Read;

use super::tarball::{Entry, Kind, Reader, components, join, parent};
use super::user::Passwd;
use super::{ArchiveError, Limits};

/// As the kernel.
const LINKS: u32 = 40;
/// As the kernel: no path is longer.
const PATH_BYTES: usize = 4096;
const LINK_BYTES: u64 = 64 << 20;
/// A file of names of ten thousand users; the reader of more is the engine alone.
const PASSWD_BYTES: u64 = 1 << 20;

const ETC: &[u8] = b"etc";
const PASSWD: &[u8] = b"etc/passwd";

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What is left of the limits, over all layers of an archive.
pub(super) struct Budget {
    limits: Limits,
    entries: u64,
    link_bytes: u64,
}

impl Budget {
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            entries: 0,
            link_bytes: 0,
        }
    }

    pub fn count_entry(&mut self) -> Result<(), ArchiveError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            let limit = format!("the {} files", self.limits.entries);
            return Err(ArchiveError::TooLarge {
                what: "the number of files",
                limit,
            });
        }
        Ok(())
    }

    fn count_link(&mut self, target: &[u8]) -> Result<(), ArchiveError> {
        self.link_bytes += target.len() as u64;
        if self.link_bytes > LINK_BYTES {
            let limit = "the 64 MiB".into();
            return Err(ArchiveError::TooLarge {
                what: "the text of all links",
                limit,
            });
        }
        Ok(())
    }
}

/// One layer's paths, each as its hash: an image has 300,000 of them. The key is random, so nobody
/// can make two paths collide on purpose.
pub(super) struct Layer {
    nodes: HashMap<u64, Node>,
    links: Vec<Box<[u8]>>,
    /// Paths that the layers below have and this one removed.
    whiteouts: HashSet<u64>,
    /// Folders of which the layers below show nothing.
    opaque: HashSet<u64>,
    passwd: Option<Box<[u8]>>,
    /// Something else than a folder is or was at `/etc`, so that engines differ in what is below it.
    has_odd_etc: bool,
    pub entries: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File,
    Folder,
    Special,
    /// An index into `links`.
    Symlink(u32),
}

/// Why a path does not lead to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Absent,
    DanglingLink,
    LinkLoop,
    Folder,
    Special,
}

impl Missing {
    /// A remark to put behind "has no file x".
    pub fn remark(self) -> &'static str {
        match self {
            Self::Absent => "",
            Self::DanglingLink => " (it is a link to nothing)",
            Self::LinkLoop => " (it is a link to itself)",
            Self::Folder => " (it is a folder)",
            Self::Special => " (it is a device or a pipe)",
        }
    }
}

impl Layer {
    pub fn scan(
        reader: impl Read,
        names: &RandomState,
        budget: &mut Budget,
    ) -> Result<Self, ArchiveError> {
        let mut layer = Self {
            nodes: HashMap::new(),
            links: Vec::new(),
            whiteouts: HashSet::new(),
            opaque: HashSet::new(),
            passwd: None,
            has_odd_etc: false,
            entries: 0,
        };
        let mut tar = Reader::new(reader);
        while let Some(entry) = tar.next()? {
            budget.count_entry()?;
            layer.entries += 1;
            layer.look_at_users(&entry, &mut tar)?;
            layer.add(entry, names, budget)?;
        }
        Ok(layer)
    }

    fn look_at_users(&mut self, entry: &Entry, data: impl Read) -> Result<(), ArchiveError> {
        if entry.path == b".wh.etc" || entry.path == ETC && entry.kind != Kind::Folder {
            self.has_odd_etc = true;
        }
        if entry.path == PASSWD {
            let is_plain = entry.kind == Kind::File && !entry.is_sparse;
            self.passwd = None;
            if is_plain && entry.size <= PASSWD_BYTES {
                let mut bytes = Vec::new();
                data.take(PASSWD_BYTES).read_to_end(&mut bytes)?;
                self.passwd = Some(bytes.into());
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        entry: Entry,
        names: &RandomState,
        budget: &mut Budget,
    ) -> Result<(), ArchiveError> {
        let path = entry.path;
        if path.len() > PATH_BYTES {
            return Err(ArchiveError::hostile(
                &path[..64],
                "has a path longer than Linux allows",
            ));
        }
        self.make_parents(&path, names)?;
        let name = &path[path.len() - components(&path).last().map_or(0, <[u8]>::len)..];
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            return self.add_whiteout(&path, name, hidden, names);
        }
        let node = match entry.kind {
            Kind::File => Node::File,
            Kind::Folder => Node::Folder,
            Kind::Special => Node::Special,
            Kind::Symlink(target) => self.add_link(target, budget)?,
            Kind::HardLink(target) => self.other_name_of(&target, names)?,
        };
        self.nodes.insert(names.hash_one(path.as_slice()), node);
        Ok(())
    }

    /// Layers may leave out the folders that their files are in.
    fn make_parents(&mut self, path: &[u8], names: &RandomState) -> Result<(), ArchiveError> {
        for (at, _) in path.iter().enumerate().filter(|&(_, &byte)| byte == b'/') {
            let node = self
                .nodes
                .entry(names.hash_one(&path[..at]))
                .or_insert(Node::Folder);
            match node {
                Node::Folder => {}
                Node::Symlink(_) => {
                    return Err(ArchiveError::hostile(path, "is written through a link"));
                }
                Node::File | Node::Special => {
                    return Err(ArchiveError::damaged("a layer has a file within a file"));
                }
            }
        }
        Ok(())
    }

    fn add_whiteout(
        &mut self,
        path: &[u8],
        name: &[u8],
        hidden: &[u8],
        names: &RandomState,
    ) -> Result<(), ArchiveError> {
        if name == OPAQUE {
            self.opaque.insert(names.hash_one(parent(path)));
        } else if matches!(hidden, b"" | b"." | b"..") {
            return Err(ArchiveError::hostile(path, "removes what it may not"));
        } else if !hidden.starts_with(WHITEOUT) {
            let removed = &path[..path.len() - name.len()];
            self.whiteouts
                .insert(names.hash_one([removed, hidden].concat().as_slice()));
        }
        Ok(())
    }

    fn add_link(&mut self, target: Vec<u8>, budget: &mut Budget) -> Result<Node, ArchiveError> {
        if target.len() > PATH_BYTES {
            return Err(ArchiveError::damaged("a link longer than Linux allows"));
        }
        budget.count_link(&target)?;
        let index = u32::try_from(self.links.len())
            .map_err(|_| ArchiveError::damaged("more links than files"))?;
        self.links.push(target.into());
        Ok(Node::Symlink(index))
    }

    fn other_name_of(&self, target: &[u8], names: &RandomState) -> Result<Node, ArchiveError> {
        for (at, _) in target.iter().enumerate().filter(|&(_, &byte)| byte == b'/') {
            if let Some(Node::Symlink(_)) = self.nodes.get(&names.hash_one(&target[..at])) {
                return Err(ArchiveError::hostile(target, "is linked to through a link"));
            }
        }
        (self.nodes.get(&names.hash_one(target)).copied())
            .ok_or_else(|| ArchiveError::damaged("a hard link to a file that its layer lacks"))
    }

    /// What this layer says of a path: something is there, nothing is there whatever lies below, or
    /// (none) ask the layer below.
    fn look(&self, path: &[u8], names: &RandomState) -> Option<Option<Found<'_>>> {
        if let Some(node) = self.nodes.get(&names.hash_one(path)) {
            return Some(Some(match *node {
                Node::File => Found::File,
                Node::Folder => Found::Folder,
                Node::Special => Found::Special,
                Node::Symlink(index) => Found::Link(&self.links[index as usize]),
            }));
        }
        let mut folders =
            std::iter::successors(Some(path), |path| (!path.is_empty()).then(|| parent(path)));
        let hidden = folders.any(|folder| {
            let key = names.hash_one(folder);
            self.whiteouts.contains(&key)
                || folder.len() < path.len() && self.opaque.contains(&key)
                || self
                    .nodes
                    .get(&key)
                    .is_some_and(|node| *node != Node::Folder)
        });
        hidden.then_some(None)
    }
}

enum Found<'a> {
    File,
    Folder,
    Special,
    Link(&'a [u8]),
}

/// The `/etc/passwd` that the engine finds in the union of `layers`.
pub(super) fn passwd<'a>(layers: &[&'a Layer], names: &RandomState) -> Passwd<'a> {
    if layers.iter().any(|layer| layer.has_odd_etc) {
        return Passwd::Unclear;
    }
    let top = layers.iter().rev();
    let mut said = top.filter_map(|layer| Some((layer, layer.look(PASSWD, names)?)));
    match said.next() {
        None | Some((_, None)) => Passwd::Absent,
        Some((layer, Some(_))) => layer.passwd.as_deref().map_or(Passwd::Unclear, Passwd::Is),
    }
}

/// Follows `path` to a file in the union of `layers`, lowest first.
pub(super) fn find_file(
    layers: &[&Layer],
    names: &RandomState,
    path: &[u8],
) -> Result<(), Missing> {
    let mut ahead: VecDeque<Vec<u8>> = components(path).map(<[u8]>::to_vec).collect();
    let mut here: Vec<u8> = Vec::new();
    let mut followed = 0;
    let absent = |followed| {
        if followed > 0 {
            Missing::DanglingLink
        } else {
            Missing::Absent
        }
    };
    while let Some(part) = ahead.pop_front() {
        if part == b".." {
            here = parent(&here).to_vec();
            continue;
        }
        let Some(next) = join(&here, &part) else {
            return Err(absent(followed));
        };
        match look(layers, names, &next) {
            None => return Err(absent(followed)),
            Some(Found::Folder) => here = next,
            Some(Found::File) if ahead.is_empty() => return Ok(()),
            Some(Found::File) => return Err(absent(followed)),
            Some(Found::Special) => return Err(Missing::Special),
            Some(Found::Link(target)) => {
                followed += 1;
                if followed > LINKS {
                    return Err(Missing::LinkLoop);
                }
                if target.starts_with(b"/") {
                    here.clear();
                }
                for part in components(target).collect::<Vec<_>>().into_iter().rev() {
                    ahead.push_front(part.to_vec());
                }
            }
        }
    }
    Err(Missing::Folder)
}

fn look<'a>(layers: &[&'a Layer], names: &RandomState, path: &[u8]) -> Option<Found<'a>> {
    layers
        .iter()
        .rev()
        .find_map(|layer| layer.look(path, names))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Put<'a> {
        File(&'a str),
        Folder(&'a str),
        Link(&'a str, &'a str),
        Hard(&'a str, &'a str),
    }
    use Put::{File, Folder, Hard, Link};

    fn tar_of(puts: &[Put<'_>]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for put in puts {
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            let path = match put {
                File(path) => path,
                Folder(path) => {
                    header.set_entry_type(tar::EntryType::Directory);
                    path
                }
                Link(path, to) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_link_name(to).unwrap();
                    path
                }
                Hard(path, to) => {
                    header.set_entry_type(tar::EntryType::Link);
                    header.set_link_name(to).unwrap();
                    path
                }
            };
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            builder.append(&header, &b""[..]).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn scan(names: &RandomState, puts: &[Put<'_>]) -> Result<Layer, ArchiveError> {
        Layer::scan(
            &tar_of(puts)[..],
            names,
            &mut Budget::new(&Limits::default()),
        )
    }

    fn find(layers: &[&[Put<'_>]], path: &str) -> Result<(), Missing> {
        let names = RandomState::new();
        let layers: Vec<_> = layers
            .iter()
            .map(|puts| scan(&names, puts).unwrap())
            .collect();
        find_file(&layers.iter().collect::<Vec<_>>(), &names, path.as_bytes())
    }

    fn refusal(puts: &[Put<'_>]) -> &'static str {
        scan(&RandomState::new(), puts).err().unwrap().code()
    }

    #[test]
    fn links_are_followed_through_the_union() {
        let base: &[Put<'_>] = &[
            File("usr/bin/dash"),
            Link("bin", "usr/bin"),
            Link("usr/bin/sh", "dash"),
        ];
        assert_eq!(find(&[base], "bin/sh"), Ok(()));
        let absolute: &[Put<'_>] = &[Link("opt/here", "/../usr/../bin/./sh")];
        assert_eq!(find(&[base, absolute], "opt/here"), Ok(()));
        assert_eq!(
            find(&[base, &[Link("a", "b"), Link("b", "a")]], "a"),
            Err(Missing::LinkLoop)
        );
        assert_eq!(
            find(&[base, &[Link("a", "nowhere")]], "a"),
            Err(Missing::DanglingLink)
        );
        assert_eq!(find(&[base], "usr/bin"), Err(Missing::Folder));
        assert_eq!(find(&[base], "usr/bin/dash/x"), Err(Missing::Absent));
        assert_eq!(find(&[&[File("x"), Hard("y", "x")]], "y"), Ok(()));
    }

    #[test]
    fn whiteouts_hide_what_lies_below_and_only_that() {
        let base: &[Put<'_>] = &[File("opt/a/x"), File("opt/b")];
        assert_eq!(
            find(&[base, &[File("opt/a/.wh.x")]], "opt/a/x"),
            Err(Missing::Absent)
        );
        assert_eq!(
            find(&[base, &[File("opt/.wh.a")]], "opt/a/x"),
            Err(Missing::Absent)
        );
        assert_eq!(find(&[base, &[File("opt/.wh.a")]], "opt/b"), Ok(()));
        assert_eq!(
            find(&[base, &[File("opt/.wh.a"), File("opt/a/x")]], "opt/a/x"),
            Ok(())
        );
        let opaque: &[Put<'_>] = &[Folder("opt/a/"), File("opt/a/.wh..wh..opq")];
        assert_eq!(find(&[base, opaque], "opt/a/x"), Err(Missing::Absent));
        assert_eq!(find(&[base, opaque, &[File("opt/a/x")]], "opt/a/x"), Ok(()));
        assert_eq!(
            find(&[base, &[File("opt/a")]], "opt/a/x"),
            Err(Missing::Absent)
        );
        assert_eq!(
            find(&[base, &[File("opt/a")], &[Folder("opt/a/")]], "opt/a/x"),
            Err(Missing::Absent)
        );
    }

    #[test]
    fn entries_that_leave_the_root_or_go_through_a_link_are_hostile() {
        assert_eq!(refusal(&[File("../etc/passwd")]), "hostile-archive");
        assert_eq!(refusal(&[File("a/../../x")]), "hostile-archive");
        assert_eq!(refusal(&[Hard("a", "../../etc/shadow")]), "hostile-archive");
        assert_eq!(
            refusal(&[Link("etc", "/host"), File("etc/passwd")]),
            "hostile-archive"
        );
        assert_eq!(
            refusal(&[File("d/sub/x"), Link("d", "/host"), File("d/sub/y")]),
            "hostile-archive"
        );
        assert_eq!(
            refusal(&[Link("d", "/host"), Hard("x", "d/shadow")]),
            "hostile-archive"
        );
        assert_eq!(refusal(&[File("a/.wh...")]), "hostile-archive");
        assert_eq!(refusal(&[Hard("a", "b")]), "bad-archive");
        // A later layer may put a folder where a lower one has a link.
        assert_eq!(
            find(&[&[Link("lib", "usr/lib")], &[File("lib/x")]], "lib/x"),
            Ok(())
        );
    }

    #[test]
    fn a_layer_of_too_many_files_is_refused() {
        let limits = Limits {
            entries: 2,
            ..Limits::default()
        };
        let tar = tar_of(&[File("a"), File("b"), File("c")]);
        let error = Layer::scan(&tar[..], &RandomState::new(), &mut Budget::new(&limits));
        assert_eq!(error.err().unwrap().code(), "image-too-large");
    }
}
