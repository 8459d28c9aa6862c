//! The names in a zip of predictions: one file per case, at the top, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use molar_volumes::{Format, prediction_name};

use super::verdict::{Case, Complaint};

/// One entry of the archive's directory.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    pub index: usize,
    pub name: String,
    pub is_folder: bool,
    pub is_link: bool,
}

/// What the names say.
#[derive(Debug, Default)]
pub struct Sorted<'a> {
    /// Entries by the case that each is a prediction of.
    pub found: Vec<(usize, &'a Case)>,
    pub complaints: Vec<Complaint>,
    pub notes: Vec<String>,
}

/// Leavings of desktops, wherever they lie.
const LEAVINGS: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

pub fn sort<'a>(entries: &[Entry], cases: &'a [Case], format: Format) -> Sorted<'a> {
    let mut sorted = Sorted::default();
    let files = files(entries, &mut sorted);
    let files = without_common_folder(files, &mut sorted);
    let expected: BTreeMap<String, &Case> = cases
        .iter()
        .map(|case| (prediction_name(&case.name, format), case))
        .collect();
    // Cases that have a file, or a complaint that is about them.
    let mut settled = BTreeSet::new();
    let mut rest = Vec::new();
    for (index, path) in files {
        match expected.get(&path) {
            Some(case) if settled.insert(case.name.as_str()) => sorted.found.push((index, *case)),
            Some(_) => sorted.complaints.push(Complaint::new(
                path,
                "is in the zip twice",
                "leave one prediction per case",
            )),
            None => rest.push(path),
        }
    }
    for path in rest {
        let complaint = unexpected(&path, &expected, &mut settled);
        sorted.complaints.push(complaint);
    }
    for (name, case) in &expected {
        if !settled.contains(case.name.as_str()) {
            sorted.complaints.push(Complaint::new(
                name,
                "is missing",
                "add it: every case of the phase needs its prediction, if need be an empty one",
            ));
        }
    }
    sorted
}

/// The entries that are meant, by their path; what is ignored is told and what is odd complained of.
fn files(entries: &[Entry], sorted: &mut Sorted<'_>) -> Vec<(usize, String)> {
    let mut ignored: BTreeMap<&str, usize> = BTreeMap::new();
    let mut files = Vec::new();
    for entry in entries {
        let mut path = entry.name.as_str();
        while let Some(rest) = path.strip_prefix("./") {
            *ignored.entry("./").or_default() += 1;
            path = rest;
        }
        let last = path.rsplit('/').next().unwrap_or_default();
        if path.split('/').any(|part| part == "__MACOSX") {
            *ignored.entry("__MACOSX/").or_default() += 1;
        } else if let Some(leaving) = LEAVINGS.iter().find(|name| **name == last) {
            *ignored.entry(leaving).or_default() += 1;
        } else if let Some((detail, mend)) = oddity(entry, path) {
            let complaint = Complaint::new(printable(&entry.name), detail, mend);
            sorted.complaints.push(complaint);
        } else if entry.is_folder || path.is_empty() {
            *ignored.entry("folders").or_default() += 1;
        } else {
            files.push((entry.index, path.to_owned()));
        }
    }
    for (what, count) in ignored {
        let entries = if count == 1 { "entry" } else { "entries" };
        sorted
            .notes
            .push(format!("ignored: {what} ({count} {entries})"));
    }
    files
}

fn oddity(entry: &Entry, path: &str) -> Option<(&'static str, &'static str)> {
    const FLAT: &str = "put the files at the top level of the zip, under their plain names";
    if path.contains('\0') || path.chars().any(char::is_control) {
        Some(("has control characters in its name", FLAT))
    } else if path.starts_with('/') || path.contains('\\') || path.contains(':') {
        Some((
            "is an absolute path, or has a backslash or colon in it",
            FLAT,
        ))
    } else if path.split('/').any(|part| part == ".." || part == ".") {
        Some(("leads out of the folder that it is unpacked in", FLAT))
    } else if entry.is_link {
        Some(("is a symbolic link", "put the file itself into the zip"))
    } else {
        None
    }
}

/// If every file lies in one folder, says so once and goes on as if it were not there.
fn without_common_folder(
    files: Vec<(usize, String)>,
    sorted: &mut Sorted<'_>,
) -> Vec<(usize, String)> {
    let mut common = match files.first() {
        Some((_, path)) => folder_of(path).to_owned(),
        None => return files,
    };
    for (_, path) in &files {
        while !path.starts_with(&common) {
            common = folder_of(common.trim_end_matches('/')).to_owned();
        }
    }
    if common.is_empty() {
        return files;
    }
    let shown = printable(common.trim_end_matches('/'));
    sorted.complaints.push(Complaint::new(
        format!("{shown}/"),
        format!("every file lies in the folder {shown}/"),
        format!("zip the files without the folder: (cd {shown} && zip ../predictions.zip *)"),
    ));
    let inside = |(index, path): (usize, String)| (index, path[common.len()..].to_owned());
    files.into_iter().map(inside).collect()
}

/// With its slash; empty at the top.
fn folder_of(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..=slash])
}

fn unexpected<'a>(
    path: &str,
    expected: &BTreeMap<String, &'a Case>,
    settled: &mut BTreeSet<&'a str>,
) -> Complaint {
    let place = printable(path);
    let last = path.rsplit('/').next().unwrap_or_default();
    if last != path
        && let Some(case) = expected.get(last)
    {
        settled.insert(&case.name);
        return Complaint::new(
            place,
            "lies in a folder",
            format!("put {last} at the top level of the zip"),
        );
    }
    let meant = expected
        .iter()
        .find(|(_, case)| !settled.contains(case.name.as_str()) && core(&case.name) == core(last));
    if let Some((name, case)) = meant {
        settled.insert(&case.name);
        return Complaint::new(
            place,
            "is not a name that the phase expects",
            format!("rename it to {name}, exactly so"),
        );
    }
    let example = expected.keys().next().map_or("", String::as_str);
    Complaint::new(
        place,
        "belongs to no case of the phase",
        format!("leave it out; the names are like {example}"),
    )
}

/// What is left of a name without what people get wrong: case, separators, `_Mask` and the extension.
fn core(name: &str) -> String {
    let mut name = name.to_lowercase();
    for suffix in [".json", ".gz", ".nii"] {
        if let Some(stem) = name.strip_suffix(suffix) {
            name = stem.to_owned();
        }
    }
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    plain.trim_end_matches("mask").to_owned()
}

/// A participant's text on one line of bounded length.
pub fn printable(text: &str) -> String {
    const MOST: usize = 120;
    let mut shown: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_default)
        .collect();
    // Letters of other scripts are fine to read; only what moves the cursor is not.
    if text.chars().all(|c| !c.is_control()) {
        shown = text.chars().take(MOST).collect();
    }
    if text.chars().count() > MOST {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use molar_volumes::Geometry;

    use super::*;

    fn cases() -> Vec<Case> {
        let case = |name: &str| Case {
            name: name.to_owned(),
            geometry: Geometry::image(8, 16),
        };
        vec![case("Case_01"), case("Case_02")]
    }

    fn entries(names: &[&str]) -> Vec<Entry> {
        let entry = |(index, name): (usize, &&str)| Entry {
            index,
            name: (*name).to_owned(),
            is_folder: name.ends_with('/'),
            is_link: false,
        };
        names.iter().enumerate().map(entry).collect()
    }

    fn complaints(names: &[&str]) -> Vec<String> {
        let cases = cases();
        let sorted = sort(&entries(names), &cases, Format::Labelme);
        let line = |c: &Complaint| format!("{}: {}; {}", c.place, c.detail, c.mend);
        sorted.complaints.iter().map(line).collect()
    }

    #[test]
    fn what_desktops_leave_behind_is_ignored_and_told() {
        let cases = cases();
        let names = [
            "./",
            "./Case_01_Mask.json",
            "Case_02_Mask.json",
            "__MACOSX/._Case_01_Mask.json",
            ".DS_Store",
            "x/Thumbs.db",
            "desktop.ini",
            "empty/",
        ];
        let sorted = sort(&entries(&names), &cases, Format::Labelme);
        assert_eq!(sorted.complaints, []);
        let found: Vec<_> = sorted
            .found
            .iter()
            .map(|(at, case)| (*at, case.name.as_str()))
            .collect();
        assert_eq!(found, [(1, "Case_01"), (2, "Case_02")]);
        insta::assert_snapshot!(sorted.notes.join("\n"), @r"
        ignored: ./ (2 entries)
        ignored: .DS_Store (1 entry)
        ignored: Thumbs.db (1 entry)
        ignored: __MACOSX/ (1 entry)
        ignored: desktop.ini (1 entry)
        ignored: folders (2 entries)
        ");
    }

    #[test]
    fn a_common_folder_is_told_once_with_the_step_that_mends_it() {
        insta::assert_snapshot!(complaints(&["p/q/Case_01_Mask.json", "p/q/Case_02_Mask.json"]).join("\n"), @"p/q/: every file lies in the folder p/q/; zip the files without the folder: (cd p/q && zip ../predictions.zip *)");
    }

    #[test]
    fn every_wrong_name_is_told_and_a_case_only_once() {
        let names = [
            "Case_01_Mask.json",
            "sub/Case_02_Mask.json",
            "case-02.json",
            "readme.txt",
            "../../etc/passwd",
            "/abs",
        ];
        insta::assert_snapshot!(complaints(&names).join("\n"), @r"
        ../../etc/passwd: leads out of the folder that it is unpacked in; put the files at the top level of the zip, under their plain names
        /abs: is an absolute path, or has a backslash or colon in it; put the files at the top level of the zip, under their plain names
        sub/Case_02_Mask.json: lies in a folder; put Case_02_Mask.json at the top level of the zip
        case-02.json: belongs to no case of the phase; leave it out; the names are like Case_01_Mask.json
        readme.txt: belongs to no case of the phase; leave it out; the names are like Case_01_Mask.json
        ");
    }

    #[test]
    fn a_misnamed_case_is_told_its_name_and_a_missing_one_that_it_is() {
        insta::assert_snapshot!(complaints(&["case_01_mask.JSON"]).join("\n"), @r"
        case_01_mask.JSON: is not a name that the phase expects; rename it to Case_01_Mask.json, exactly so
        Case_02_Mask.json: is missing; add it: every case of the phase needs its prediction, if need be an empty one
        ");
        let twice = complaints(&[
            "Case_01_Mask.json",
            "./Case_01_Mask.json",
            "Case_02_Mask.json",
        ]);
        assert_eq!(
            twice,
            ["Case_01_Mask.json: is in the zip twice; leave one prediction per case"]
        );
    }
}
