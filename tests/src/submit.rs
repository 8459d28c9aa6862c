//! Handing in, step by step, so that a test can do any step wrongly.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::header;
use serde_json::{Value, json};

use crate::api::{Answer, client, id, text};
use crate::people::{Team, sha256};
use crate::until;

/// A submission that was created and waits for its file.
#[derive(Debug, Clone)]
pub struct Created {
    pub id: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    number: u64,
    url: String,
    size_bytes: usize,
}

/// What a create declares; tests change a field.
pub fn declaration(team: &Team, phase_id: &str, file: &[u8]) -> Value {
    json!({
        "phase_id": phase_id,
        "team_id": team.id,
        "size_bytes": file.len(),
        "sha256": sha256(file),
        "note": "from a test",
        "code_url": "https://example.org/code",
    })
}

pub async fn create(team: &Team, declaration: &Value) -> anyhow::Result<Answer> {
    team.api.post("/api/v1/submissions", declaration).await
}

impl Created {
    pub fn of(answer: &Value) -> anyhow::Result<Self> {
        let parts = answer["upload"]["parts"].as_array().context("no parts")?;
        let parts = parts.iter().map(|part| {
            Ok(Part {
                number: part["number"].as_u64().context("a part without number")?,
                url: text(part, "url").to_owned(),
                size_bytes: usize::try_from(
                    part["size_bytes"].as_u64().context("a part without size")?,
                )?,
            })
        });
        Ok(Self {
            id: id(answer)?,
            parts: parts.collect::<anyhow::Result<_>>()?,
        })
    }

    /// Puts the file; the store's refusal of a part is an error. Returns what `complete` wants.
    pub async fn put(&self, file: &[u8]) -> anyhow::Result<Value> {
        let mut done = Vec::new();
        let mut from = 0;
        for (n, part) in self.parts.iter().enumerate() {
            let is_last = n + 1 == self.parts.len();
            // Too short or too long a file shows in its last part.
            let to = if is_last {
                file.len()
            } else {
                from + part.size_bytes
            };
            let answer = client()
                .put(&part.url)
                .body(file[from..to].to_vec())
                .send()
                .await?;
            let status = answer.status();
            ensure!(status.is_success(), "the object store answered {status}");
            let tag = answer
                .headers()
                .get(header::ETAG)
                .context("no ETag")?
                .to_str()?
                .to_owned();
            done.push(json!({"number": part.number, "etag": tag}));
            from = to;
        }
        Ok(json!({"parts": done}))
    }

    pub async fn complete(&self, team: &Team, parts: &Value) -> anyhow::Result<Answer> {
        team.api
            .post(&format!("/api/v1/submissions/{}/complete", self.id), parts)
            .await
    }
}

/// Everything up to `complete`. Returns the submission's id.
pub async fn hand_in(team: &Team, phase_id: &str, file: &[u8]) -> anyhow::Result<String> {
    let created = Created::of(
        &create(team, &declaration(team, phase_id, file))
            .await?
            .ok()?,
    )?;
    let parts = created.put(file).await?;
    created.complete(team, &parts).await?.ok()?;
    Ok(created.id)
}

pub async fn find(team: &Team, id: &str) -> anyhow::Result<Value> {
    team.api
        .get(&format!("/api/v1/submissions/{id}"))
        .await?
        .ok()
}

/// Waits for the end, whichever it is.
pub async fn ended(team: &Team, id: &str, patience: Duration) -> anyhow::Result<Value> {
    let mut last = Value::Null;
    let ended = until("the end of a submission", patience, async || {
        last = find(team, id).await?;
        Ok((last["is_final"] == true).then(|| last.clone()))
    })
    .await;
    ended.with_context(|| {
        format!(
            "{} of {} is {} {}",
            id,
            team.name,
            text(&last, "state"),
            last["progress"]
        )
    })
}

pub async fn scored(team: &Team, id: &str, patience: Duration) -> anyhow::Result<Value> {
    let ended = ended(team, id, patience).await?;
    ensure!(
        text(&ended, "state") == "scored",
        "the submission ended otherwise: {ended}"
    );
    Ok(ended)
}
