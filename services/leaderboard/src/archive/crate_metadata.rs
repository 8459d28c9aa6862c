//! The archive as an RO-Crate 1.1: what it is about, and each file of it.

use serde_json::{Value, json};

use super::content::{Content, Edition};
use super::names::{CHECKSUMS, LONG, RANKING, WIDE};
use super::packed::Packed;

const CONTEXT: &str = "https://w3id.org/ro/crate/1.1/context";
const PROFILE: &str = "https://w3id.org/ro/crate/1.1";
const LICENCE: &str = "#licence";
const ORGANIZERS: &str = "#organizers";

pub fn of(content: &Content, files: &[Packed]) -> Value {
    let files = files.iter().map(|file| {
        let mut entity = entity(&file.path, &file.name, file.media_type, Some(file.bytes));
        if let Some(description) = description(content, &file.path) {
            entity["description"] = json!(description);
        }
        entity
    });
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
            "{}Scores per case, ranks and statistics of {} entries over {} cases: version {} of the ranking.",
            edition(content),
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

fn edition(content: &Content) -> String {
    let names = content.of_runs().join(" and ");
    match content.phase.edition {
        Edition::Common => String::new(),
        Edition::Organizers => {
            format!("Organizers' edition, not for the public: with {names} of each case. ")
        }
        Edition::Public => {
            format!("Public edition: of {names} it has means and no values per case. ")
        }
    }
}

/// What a file lacks in the public edition, or has in place of that.
fn description(content: &Content, path: &str) -> Option<String> {
    if content.phase.edition != Edition::Public {
        return None;
    }
    let names = content.of_runs().join(" and ");
    match path {
        LONG | WIDE => Some(format!("Without {names}, which organizers have.")),
        RANKING => Some(format!(
            "The means of {names} are those of the board, and follow from no other file."
        )),
        _ => None,
    }
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
