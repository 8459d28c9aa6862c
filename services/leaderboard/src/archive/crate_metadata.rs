//! The archive as an RO-Crate 1.1: what it is about, and each file of it.

use serde_json::{Value, json};

use super::content::Content;
use super::names::CHECKSUMS;
use super::packed::Packed;

const CONTEXT: &str = "https://w3id.org/ro/crate/1.1/context";
const PROFILE: &str = "https://w3id.org/ro/crate/1.1";
const LICENCE: &str = "#licence";
const ORGANIZERS: &str = "#organizers";

pub fn of(content: &Content, files: &[Packed]) -> Value {
    let files = files
        .iter()
        .map(|file| entity(&file.path, &file.name, file.media_type, Some(file.bytes)));
    // Made after this one, so that its size is not known.
    let checksums = entity(
        CHECKSUMS,
        "Checksums of all other files",
        "text/plain",
        None,
    );
    let files: Vec<Value> = files.chain([checksums]).collect();
    let parts: Vec<Value> = files
        .iter()
        .map(|file| json!({"@id": file["@id"]}))
        .collect();
    let mut graph = vec![
        json!({
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": PROFILE},
            "about": {"@id": "./"},
        }),
        root(content, parts),
        json!({
            "@id": LICENCE,
            "@type": "CreativeWork",
            "name": "No licence is named",
            "description": "The platform knows no licence of these results: ask the organizers. \
                            The licence of each team's code is in participants.csv.",
        }),
        json!({
            "@id": ORGANIZERS,
            "@type": "Organization",
            "name": format!("The organizers of {}", content.phase.challenge_title),
            "url": content.url,
        }),
    ];
    graph.extend(files);
    json!({"@context": CONTEXT, "@graph": graph})
}

fn root(content: &Content, parts: Vec<Value>) -> Value {
    let phase = &content.phase;
    let published = phase.published_at.unwrap_or(content.ranking.made_at);
    json!({
        "@id": "./",
        "@type": "Dataset",
        "name": format!("{}, {}: {}", phase.challenge_title, phase.track_title, phase.phase_title),
        "description": format!(
            "Scores per case, ranks and statistics of {} entries over {} cases: version {} of the ranking.",
            content.ranking.entries.len(),
            content.scores.cases,
            content.ranking.version,
        ),
        "datePublished": published.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "license": {"@id": LICENCE},
        "author": {"@id": ORGANIZERS},
        "publisher": {"@id": ORGANIZERS},
        "hasPart": parts,
    })
}

fn entity(path: &str, name: &str, media_type: &str, bytes: Option<u64>) -> Value {
    let mut entity = json!({
        "@id": path,
        "@type": "File",
        "name": name,
        "encodingFormat": media_type,
    });
    if let Some(bytes) = bytes {
        entity["contentSize"] = json!(bytes.to_string());
    }
    entity
}
