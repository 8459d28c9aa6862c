//! Writes an archive.

use std::io::{self, Seek, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::content::{Content, Participant};
use super::names::{
    AGREEMENTS, AUDIT_HEAD, CHECKSUMS, CRATE, LONG, PARTICIPANTS, PHASE, RANKING, README,
    STATISTICS, WIDE,
};
use super::packed::Packed;
use super::scores_csv::{write_long, write_wide};
use super::{crate_metadata, readme};
use crate::boards::csv_cells::unarmed;

/// The same content gives the same bytes.
pub fn pack(content: &Content, to: impl Write + Seek) -> io::Result<()> {
    let mut packer = Packer {
        zip: ZipWriter::new(to),
        files: Vec::new(),
    };
    let teams: Vec<String> = content
        .ranking
        .entries
        .iter()
        .map(|entry| entry.team.clone())
        .collect();
    packer.text(
        README,
        "How to read this archive",
        "text/markdown",
        &readme::of(content),
    )?;
    packer.json(PHASE, "Definition of the phase", &content.phase)?;
    packer.json(RANKING, "Ranking", &content.ranking)?;
    packer.json(STATISTICS, "Statistics of the ranking", &content.statistics)?;
    packer.put(
        LONG,
        "Scores per case, a line for each value",
        "text/csv",
        |to| write_long(&content.scores, &teams, to).map_err(io::Error::other),
    )?;
    packer.put(
        WIDE,
        "Scores per case, a line for each case",
        "text/csv",
        |to| write_wide(&content.scores, &teams, to).map_err(io::Error::other),
    )?;
    packer.put(
        PARTICIPANTS,
        "Participants, their code and its licence",
        "text/csv",
        |to| participants(&content.participants, to).map_err(io::Error::other),
    )?;
    packer.json(
        AGREEMENTS,
        "How often the data-use terms were signed",
        &content.agreements,
    )?;
    packer.json(AUDIT_HEAD, "Head of the audit log", &content.audit_head)?;
    for figure in &content.figures {
        let path = format!("figures/{}.svg", figure.name);
        packer.text(&path, &figure.title, "image/svg+xml", &figure.svg)?;
    }
    packer.close(content)
}

fn participants(participants: &[Participant], to: impl Write) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    writer.write_record(["entry", "team", "code_url", "licence"])?;
    for (number, one) in (1..).zip(participants) {
        let text = |text: &Option<String>| unarmed(text.as_deref().unwrap_or_default());
        let (code, licence) = (text(&one.code_url), text(&one.licence));
        writer.write_record([format!("{number}"), unarmed(&one.team), code, licence])?;
    }
    Ok(writer.flush()?)
}

struct Packer<W: Write + Seek> {
    zip: ZipWriter<W>,
    files: Vec<Packed>,
}

impl<W: Write + Seek> Packer<W> {
    fn put(
        &mut self,
        path: &str,
        name: &str,
        media_type: &'static str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        self.zip
            .start_file(path, options)
            .map_err(io::Error::other)?;
        let mut hashed = Hashed {
            to: &mut self.zip,
            hash: Sha256::new(),
            bytes: 0,
        };
        write(&mut hashed)?;
        self.files.push(Packed {
            path: path.to_owned(),
            name: name.to_owned(),
            media_type,
            bytes: hashed.bytes,
            sha256: hex::encode(hashed.hash.finalize()),
        });
        Ok(())
    }

    fn text(
        &mut self,
        path: &str,
        name: &str,
        media_type: &'static str,
        text: &str,
    ) -> io::Result<()> {
        self.put(path, name, media_type, |to| to.write_all(text.as_bytes()))
    }

    fn json(&mut self, path: &str, name: &str, document: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(document)?;
        text.push('\n');
        self.text(path, name, "application/json", &text)
    }

    /// The list of what there is, then the checksums, that one's among them.
    fn close(mut self, content: &Content) -> io::Result<()> {
        let listed = crate_metadata::of(content, &self.files);
        self.json(CRATE, "RO-Crate", &listed)?;
        let lines = self
            .files
            .iter()
            .map(|file| format!("{}  {}\n", file.sha256, file.path));
        let lines: String = lines.collect();
        self.text(CHECKSUMS, "Checksums", "text/plain", &lines)?;
        self.zip.finish().map_err(io::Error::other)?.flush()
    }
}

struct Hashed<'a, W> {
    to: &'a mut W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashed<'_, W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.to.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
