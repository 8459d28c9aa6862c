//! A zip of predictions: its structure, its names, and every prediction in it.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use molar_domain::FailureCode;
use molar_volumes::{Format, check_prediction, prediction_name};
use zip::ZipArchive;
use zip::result::ZipError;

use super::names::{self, Entry, printable};
use super::verdict::{Case, Complaint, Verdict};

/// Beyond one per case; an honest zip has a handful.
const OTHER_ENTRIES_MAX: usize = 10_000;
/// What may follow a prediction in its entry; reading to the end verifies the checksum.
const REST_MAX: u64 = 1 << 20;

pub fn check(path: &Path, format: Format, labels: &[i32], cases: &[Case]) -> io::Result<Verdict> {
    let is_broken = Cell::new(false);
    let file = Watched {
        file: BufReader::new(File::open(path)?),
        is_broken: &is_broken,
    };
    let verdict = look(file, format, labels, cases);
    if is_broken.get() {
        return Err(io::Error::other("the file could not be read where it lies"));
    }
    Ok(verdict)
}

fn look(file: impl Read + Seek, format: Format, labels: &[i32], cases: &[Case]) -> Verdict {
    let mut archive = match ZipArchive::new(file) {
        Ok(archive) => archive,
        Err(error) => return not_a_zip(&error),
    };
    if let Some(refusal) = structure(&mut archive, cases.len()) {
        return refusal;
    }
    let entries = match entries(&archive) {
        Ok(entries) => entries,
        Err(error) => return not_a_zip(&error),
    };
    let mut sorted = names::sort(&entries, cases, format);
    let are_names_wrong = !sorted.complaints.is_empty();
    for (index, case) in std::mem::take(&mut sorted.found) {
        let name = prediction_name(&case.name, format);
        match read(&mut archive, index, format, labels, case) {
            Ok(found) => {
                let place = |pointer: &str| format!("{name} {pointer}");
                sorted.complaints.extend(found.complaints.iter().map(|c| {
                    Complaint::new(place(&c.pointer), c.note.to_string(), "mend the label")
                }));
                let note = |note| format!("{name}: {note}");
                sorted.notes.extend(found.notes.iter().map(note));
            }
            Err((detail, mend)) => sorted.complaints.push(Complaint::new(name, detail, mend)),
        }
    }
    if sorted.complaints.is_empty() {
        return Verdict::accepted(None, sorted.notes);
    }
    let code = if are_names_wrong {
        FailureCode::WrongFiles
    } else {
        FailureCode::BadPrediction
    };
    Verdict::refused_for(code, sorted.complaints, sorted.notes)
}

fn not_a_zip(error: &ZipError) -> Verdict {
    Verdict::refused(
        FailureCode::BadArchive,
        format!("the file is not a zip, or is damaged: {error}"),
        "zip the predictions again and try `unzip -t` on the result; this phase takes predictions, not images",
    )
}

/// What no honest tool writes, and what would cost more to look at than an honest file.
fn structure(archive: &mut ZipArchive<impl Read + Seek>, cases: usize) -> Option<Verdict> {
    const AGAIN: &str = "make the zip anew with an ordinary tool";
    let entries = archive.len();
    if entries > cases + OTHER_ENTRIES_MAX {
        return Some(Verdict::refused(
            FailureCode::ArchiveTooLarge,
            format!("the zip has {entries} entries, the phase has {cases} cases"),
            "leave out what is not a prediction",
        ));
    }
    if archive.has_duplicate_names() {
        return Some(Verdict::refused(
            FailureCode::WrongFiles,
            "two entries of the zip have the same name",
            AGAIN,
        ));
    }
    match archive.has_overlapping_entries() {
        Ok(false) => None,
        Ok(true) => Some(Verdict::refused(
            FailureCode::BadArchive,
            "entries of the zip overlap each other",
            AGAIN,
        )),
        Err(error) => Some(not_a_zip(&error)),
    }
}

fn entries(archive: &ZipArchive<impl Read + Seek>) -> Result<Vec<Entry>, ZipError> {
    (0..archive.len())
        .map(|index| {
            let entry = archive.by_index_data(index)?;
            let name = entry.name()?.into_owned();
            Ok(Entry {
                index,
                is_folder: name.ends_with('/'),
                name,
                is_link: entry.is_symlink(),
            })
        })
        .collect()
}

/// Reads one prediction as scoring will, or says what is wrong and how to mend it.
fn read(
    archive: &mut ZipArchive<impl Read + Seek>,
    index: usize,
    format: Format,
    labels: &[i32],
    case: &Case,
) -> Result<molar_volumes::Checked, (String, String)> {
    let said = |detail: String, mend: &str| (detail, mend.to_owned());
    let damaged = |error: &dyn std::error::Error| {
        let why = printable(&error.to_string());
        said(format!("is damaged in the zip: {why}"), "make the zip anew")
    };
    let mut member = match archive.by_index(index) {
        Ok(member) => member,
        Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => {
            return Err(said("is encrypted".into(), "zip without a password"));
        }
        Err(ZipError::CompressionMethodNotSupported(method)) => {
            let detail = format!("is compressed by method {method}, which is not read here");
            return Err(said(detail, "zip with the usual method, deflate"));
        }
        Err(error) => return Err(damaged(&error)),
    };
    let is_in_set = |label: i32| labels.contains(&label);
    let checked = match check_prediction(format, &mut member, case.geometry, is_in_set) {
        Ok(checked) => checked,
        Err(molar_volumes::Error::Source(error)) => return Err(damaged(&error)),
        Err(error) => {
            let mend = "mend the file and zip the predictions again";
            return Err(said(error.to_string(), mend));
        }
    };
    match io::copy(&mut member.take(REST_MAX), &mut io::sink()) {
        Ok(_) => Ok(checked),
        Err(error) => Err(damaged(&error)),
    }
}

/// Tells faults of our disk from those of the bytes on it, which come as the same errors.
struct Watched<'a, R> {
    file: R,
    is_broken: &'a Cell<bool>,
}

impl<R> Watched<'_, R> {
    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        // A place before the file's start is the archive's word, not the disk's.
        let is_ours = |error: &io::Error| error.kind() != io::ErrorKind::InvalidInput;
        if result.as_ref().is_err_and(is_ours) {
            self.is_broken.set(true);
        }
        result
    }
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.file.read(buffer);
        self.note(result)
    }
}

impl<R: Seek> Seek for Watched<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let result = self.file.seek(to);
        self.note(result)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use molar_volumes::Geometry;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    pub const GOOD: &str = r#"{"imageHeight": 8, "imageWidth": 16, "shapes":
        [{"label": "11", "points": [[1,1],[4,1],[4,4]], "shape_type": "polygon"}]}"#;

    fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn cases() -> Vec<Case> {
        let case = |name: &str| Case {
            name: name.to_owned(),
            geometry: Geometry::image(8, 16),
        };
        vec![case("Case_01"), case("Case_02")]
    }

    fn verdict(bytes: &[u8]) -> Verdict {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        check(file.path(), Format::Labelme, &[11, 12], &cases()).unwrap()
    }

    fn refusal(bytes: &[u8]) -> String {
        let Verdict::Refused {
            code, complaints, ..
        } = verdict(bytes)
        else {
            panic!("must be refused")
        };
        let line = |c: &Complaint| format!("{}: {}; {}", c.place, c.detail, c.mend);
        let lines: Vec<_> = complaints.iter().map(line).collect();
        format!("{code}\n{}", lines.join("\n"))
    }

    #[test]
    fn a_flat_zip_of_all_cases_is_accepted_and_a_strange_label_told() {
        let strange = GOOD.replace("\"11\"", "\"99\"");
        let zip = zip_of(&[("Case_01_Mask.json", GOOD), ("Case_02_Mask.json", &strange)]);
        let Verdict::Accepted { notes, .. } = verdict(&zip) else {
            panic!("must be accepted: {}", refusal(&zip))
        };
        assert_eq!(notes.len(), 1);
        assert!(
            notes[0].starts_with("Case_02_Mask.json: label 99 is none of the track's"),
            "{notes:?}"
        );
    }

    #[test]
    fn every_complaint_is_told_at_once() {
        let number = GOOD.replace("\"11\"", "11");
        let size = GOOD.replace("8", "9");
        insta::assert_snapshot!(refusal(&zip_of(&[("Case_01_Mask.json", &number), ("Case_02_Mask.json", &size)])), @r#"
        bad-prediction
        Case_01_Mask.json /shapes/0/label: label 11 (a number) matches no reference label: write it as text, between quotes; mend the label
        Case_02_Mask.json: it is 9 × 16 (height × width), the case is 8 × 16 (height × width): write the result at the size of the case's image; mend the file and zip the predictions again
        "#);
        insta::assert_snapshot!(refusal(&zip_of(&[("Case_01_Mask.json", "{"), ("notes.txt", "")])), @r#"
        wrong-files
        notes.txt: belongs to no case of the phase; leave it out; the names are like Case_01_Mask.json
        Case_02_Mask.json: is missing; add it: every case of the phase needs its prediction, if need be an empty one
        Case_01_Mask.json: not a labelme JSON document: EOF while parsing an object at line 1 column 1; mend the file and zip the predictions again
        "#);
    }

    #[test]
    fn what_is_no_zip_or_a_broken_one_is_refused() {
        assert!(refusal(b"no zip at all").starts_with("bad-archive"));
        assert!(refusal(b"").starts_with("bad-archive"));
        let zip = zip_of(&[("Case_01_Mask.json", GOOD), ("Case_02_Mask.json", GOOD)]);
        assert!(refusal(&zip[..zip.len() / 2]).starts_with("bad-archive"));
        let mut flipped = zip.clone();
        // Inside the first entry's data.
        let at = 30 + "Case_01_Mask.json".len() + 20;
        flipped[at] ^= 0xff;
        assert!(
            refusal(&flipped).starts_with("bad-prediction"),
            "{}",
            refusal(&flipped)
        );
    }

    #[test]
    fn two_entries_of_one_name_or_one_place_are_refused() {
        let zip = zip_of(&[("Case_01_Mask.json", GOOD), ("Case_03_Mask.json", GOOD)]);
        let same = String::from_utf8_lossy(&zip).contains("Case_03");
        assert!(same);
        let twice = replace_all(&zip, b"Case_03", b"Case_01");
        assert!(
            refusal(&twice).starts_with("wrong-files\n: two entries"),
            "{}",
            refusal(&twice)
        );

        // The second entry of the directory is made to point at the first file.
        let mut overlapping = zip.clone();
        let directory = overlapping
            .windows(4)
            .rposition(|w| w == b"PK\x01\x02")
            .unwrap();
        overlapping[directory + 42..directory + 46].fill(0);
        assert!(
            refusal(&overlapping).starts_with("bad-archive"),
            "{}",
            refusal(&overlapping)
        );
    }

    fn replace_all(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for at in 0..out.len() - from.len() {
            if &out[at..at + from.len()] == from {
                out[at..at + to.len()].copy_from_slice(to);
            }
        }
        out
    }

    #[test]
    fn the_challenges_own_sample_is_read() {
        let sample = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/reference/submission/opg-prediction.zip"
        );
        if !Path::new(sample).exists() {
            eprintln!("SKIPPED reference: the_challenges_own_sample_is_read");
            return;
        }
        // One size for all, as a test has no images: those of another size are complained of.
        let geometry = Geometry::image(942, 2000);
        let case = |n: u32| Case {
            name: format!("Validation_{n:04}"),
            geometry,
        };
        let cases: Vec<_> = (1..=20).map(case).collect();
        let labels: Vec<i32> = (11..=85).collect();
        let verdict = check(Path::new(sample), Format::Labelme, &labels, &cases).unwrap();
        let text = format!("{verdict:?}");
        assert!(
            !text.contains("missing") && !text.contains("belongs to no case"),
            "{text}"
        );
    }
}
