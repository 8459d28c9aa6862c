//! The order of the house, read from its plans: who may use whom, and that every bell is heard.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Ground floor first; a crate may use floors below its own.
const FLOORS: &[&[&str]] = &[
    &[
        "molar-contracts",
        "molar-metrics",
        "molar-ranking",
        "molar-figures",
    ],
    &["molar-domain"],
    &[
        "molar-queue",
        "molar-objects",
        "molar-sandbox",
        "molar-volumes",
        "molar-phantom",
    ],
    &["molar-service", "molar-web-kit", "molar-pictures"],
    &[
        "molar-registration",
        "molar-tracks",
        "molar-submission",
        "molar-execution",
        "molar-worker",
        "molar-scoring",
        "molar-leaderboard",
    ],
    &["molar"],
];

/// Beside the house: may use anything, and nothing on a floor uses them but under dev-dependencies.
const BESIDE: &[&str] = &["molar-testkit", "molar-tests", "molar-example-algorithm"];

/// Neighbours that lean on each other: every HTTP process is a process, and a phantom's labels are
/// written as all label files are.
const ON_ONE_FLOOR: &[(&str, &str)] = &[
    ("molar-web-kit", "molar-service"),
    ("molar-phantom", "molar-volumes"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the workspace")
        .to_owned()
}

fn metadata() -> Metadata {
    let manifest = root().join("Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .expect("cargo metadata")
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

/// What is wrong with an edge, if anything.
fn complaint(from: &str, to: &str, kind: DependencyKind) -> Option<String> {
    if kind == DependencyKind::Development || BESIDE.contains(&from) || !to.starts_with("molar") {
        return None;
    }
    let (Some(upper), Some(lower)) = (floor(from), floor(to)) else {
        return Some(format!("{from} uses {to}, which is on no floor"));
    };
    let is_down = lower < upper || ON_ONE_FLOOR.contains(&(from, to));
    (!is_down).then(|| format!("{from} (floor {upper}) uses {to} (floor {lower})"))
}

#[test]
fn every_crate_uses_only_floors_below_its_own() {
    let metadata = metadata();
    let edges = metadata.packages.iter().flat_map(|package| {
        package
            .dependencies
            .iter()
            .map(|to| (package.name.to_string(), to.name.clone(), to.kind))
    });
    let edges: Vec<_> = edges.collect();
    assert!(
        edges.len() > 100,
        "the metadata is not that of this workspace"
    );
    let complaints: Vec<String> = edges
        .iter()
        .filter_map(|(from, to, kind)| complaint(from, to, *kind))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn every_member_has_its_floor() {
    let names: BTreeSet<String> = metadata()
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let planned: BTreeSet<String> = FLOORS
        .iter()
        .copied()
        .chain([BESIDE])
        .flatten()
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(names, planned);
}

#[test]
fn an_edge_upwards_is_seen() {
    let is_wrong = |from, to, kind| complaint(from, to, kind).is_some();
    assert!(is_wrong(
        "molar-domain",
        "molar-service",
        DependencyKind::Normal
    ));
    assert!(is_wrong(
        "molar-tracks",
        "molar-scoring",
        DependencyKind::Normal
    ));
    assert!(is_wrong(
        "molar-tracks",
        "molar-testkit",
        DependencyKind::Normal
    ));
    assert!(is_wrong(
        "molar-service",
        "molar-web-kit",
        DependencyKind::Build
    ));
    assert!(!is_wrong(
        "molar-tracks",
        "molar-testkit",
        DependencyKind::Development
    ));
    assert!(!is_wrong("molar-tracks", "serde", DependencyKind::Normal));
}

/// How the sources use a routing key.
#[derive(Debug, Default)]
struct Heard {
    announced_by: BTreeSet<String>,
    read_by: BTreeSet<String>,
}

/// By the two spellings of each: its constant and its text in quotes.
fn routing_keys() -> BTreeMap<[String; 2], Heard> {
    let contracts =
        std::fs::read_to_string(root().join("proto/src/lib.rs")).expect("the contracts");
    let constants = contracts.split("pub const ").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once(": &str = ")?;
        let (value, _) = rest.split_once(';')?;
        Some([name.to_owned(), value.to_owned()])
    });
    constants
        .map(|spellings| (spellings, Heard::default()))
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !is_of_tests(&path) {
            found.push(path);
        }
    }
}

fn is_of_tests(path: &Path) -> bool {
    path.file_stem()
        .is_some_and(|stem| stem == "tests" || stem == "testing")
}

/// Without `use` lines, comments and what follows the tests.
fn code(text: &str) -> String {
    let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = before_tests.lines().filter(|line| {
        let line = line.trim_start();
        !line.starts_with("use ") && !line.starts_with("//")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The name before the parenthesis that is open at `at`, if one is.
fn called_at(code: &str, at: usize) -> Option<&str> {
    let mut closed = 0;
    for (place, byte) in code[..at].bytes().enumerate().rev() {
        match byte {
            b')' => closed += 1,
            b'(' if closed > 0 => closed -= 1,
            b'(' => {
                let before = &code[..place];
                let begin = before
                    .rfind(|c: char| !c.is_alphanumeric() && c != '_')
                    .map_or(0, |at| at + 1);
                return Some(&before[begin..]);
            }
            b';' | b'{' | b'}' if closed == 0 => return None,
            _ => {}
        }
    }
    None
}

fn read_role(role: &str, keys: &mut BTreeMap<[String; 2], Heard>) {
    let mut files = Vec::new();
    sources(&root().join("services").join(role).join("src"), &mut files);
    assert!(!files.is_empty(), "no sources of {role}");
    for file in files {
        let code = code(&std::fs::read_to_string(&file).expect("a source"));
        for (spellings, heard) in &mut *keys {
            for spelling in spellings {
                heard.look_for(spelling, &code, role);
            }
        }
    }
}

impl Heard {
    fn look_for(&mut self, spelling: &str, code: &str, role: &str) {
        for (at, _) in code.match_indices(spelling) {
            let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let (before, after) = (&code[..at], &code[at + spelling.len()..]);
            if is_word(before.chars().next_back()) || is_word(after.chars().next()) {
                continue;
            }
            // In `subscribe(&[keys::X])` or a constant list of keys it is read.
            let is_in_list = before
                .rfind(['[', ']', ';', '{', '}'])
                .is_some_and(|place| code.as_bytes()[place] == b'[');
            let roles = match called_at(code, at) {
                Some("subscribe" | "events") => &mut self.read_by,
                _ if is_in_list => &mut self.read_by,
                _ => &mut self.announced_by,
            };
            roles.insert(role.to_owned());
        }
    }
}

#[test]
fn what_is_announced_is_heard_and_what_is_listened_for_is_announced() {
    let mut keys = routing_keys();
    assert!(keys.len() >= 10, "{keys:?}");
    for role in [
        "registration",
        "tracks",
        "submission",
        "execution",
        "scoring",
        "leaderboard",
    ] {
        read_role(role, &mut keys);
    }
    let wrong: Vec<_> = keys
        .iter()
        .filter(|(_, heard)| heard.announced_by.is_empty() || heard.read_by.is_empty())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_announcement_is_told_from_a_subscription() {
    let text = "outbox::announce(tx, now, keys::A_B, id(x), None).await?; bells.subscribe(&[keys::C_D, keys::A_B])";
    assert_eq!(called_at(text, text.find("A_B").unwrap()), Some("announce"));
    assert_eq!(
        called_at(text, text.rfind("A_B").unwrap()),
        Some("subscribe")
    );
}
