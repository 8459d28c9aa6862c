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
    part_size_bytes: usize,
    part_count: usize,
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
        let number = |name: &str| {
            let number = answer["upload"][name].as_u64();
            anyhow::Ok(usize::try_from(
                number.with_context(|| format!("no {name}"))?,
            )?)
        };
        Ok(Self {
            id: id(answer)?,
            part_size_bytes: number("part_size_bytes")?,
            part_count: number("part_count")?,
        })
    }

    /// Puts the file; the store's refusal of a part is an error. Returns what `complete` wants.
    pub async fn put(&self, team: &Team, file: &[u8]) -> anyhow::Result<Value> {
        let mut done = Vec::new();
        for number in 1..=self.part_count {
            let from = (number - 1) * self.part_size_bytes;
            // Too short or too long a file shows in its last part.
            let to = match number == self.part_count {
                true => file.len(),
                false => from + self.part_size_bytes,
            };
            let part = self.sign(team, number, &file[from..to]).await?;
            let tag = put_part(&part, file[from..to].to_vec()).await?;
            done.push(json!({"number": number, "etag": tag}));
        }
        Ok(json!({"parts": done}))
    }

    /// A URL for that content.
    pub async fn sign(&self, team: &Team, number: usize, bytes: &[u8]) -> anyhow::Result<Value> {
        let body = json!({"parts": [{"number": number, "sha256": sha256(bytes)}]});
        let path = format!("/api/v1/submissions/{}/sign", self.id);
        let signed = team.api.post(&path, &body).await?.ok()?;
        Ok(signed["parts"][0].clone())
    }

    pub async fn complete(&self, team: &Team, parts: &Value) -> anyhow::Result<Answer> {
        team.api
            .post(&format!("/api/v1/submissions/{}/complete", self.id), parts)
            .await
    }
}

/// Puts a part as it was signed; returns its etag.
pub async fn put_part(part: &Value, bytes: Vec<u8>) -> anyhow::Result<String> {
    let mut request = client().put(text(part, "url"));
    for (name, value) in part["headers"].as_object().context("no headers")? {
        // The client tells how long the body is, whatever was declared.
        if name != "content-length" {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
    }
    let answer = request.body(bytes).send().await?;
    let status = answer.status();
    ensure!(status.is_success(), "the object store answered {status}");
    let tag = answer.headers().get(header::ETAG).context("no ETag")?;
    Ok(tag.to_str()?.to_owned())
}

/// Everything up to `complete`. Returns the submission's id.
pub async fn hand_in(team: &Team, phase_id: &str, file: &[u8]) -> anyhow::Result<String> {
    let created = Created::of(
        &create(team, &declaration(team, phase_id, file))
            .await?
            .ok()?,
    )?;
    let parts = created.put(team, file).await?;
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
