//! The organizer's part: the challenge, its data, publishing.

use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::ProgressBar;
use molar_domain::{Clock as _, SystemClock};
use rand::Rng as _;
use serde_json::{Value, json};

use super::{Stage, TRACKS, phases};
use crate::client::cases::upload_folder;
use crate::client::{Api, text};
use crate::owner;
use crate::platform::Platform;

const EMAIL: &str = "organizer@demo.invalid";

/// The challenge as it was held, under an overlay for this machine.
const CHALLENGE: &str = include_str!("../../../../deploy/challenges/sts2024.toml");
const OVERLAY: &str = include_str!("../../../../deploy/challenges/demo.toml");

/// Makes the first admin on the database's host, once, and signs in through the API.
pub async fn enter(stage: &Stage<'_>, platform: &Platform) -> anyhow::Result<Api> {
    let file = stage.folder.join("organizer.json");
    let password = match std::fs::read(&file) {
        Ok(kept) => {
            let kept: Value = serde_json::from_slice(&kept)?;
            text(&kept, "password").to_owned()
        }
        Err(_) => {
            let password = random_password();
            let pool = owner::connect(&platform.owner_url).await?;
            molar_registration::create_admin(
                &pool,
                SystemClock.now(),
                EMAIL,
                "Olga Organizer",
                password.clone().into(),
            )
            .await?;
            pool.close().await;
            let kept = serde_json::to_vec_pretty(&json!({"email": EMAIL, "password": password}))?;
            let mut new = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&file)?;
            std::io::Write::write_all(&mut new, &kept)?;
            password
        }
    };
    stage.terminal.line(&format!(
        "demo: the organizer is {EMAIL}, password in {}",
        file.display()
    ));
    sign_in(&stage.api, EMAIL, &password).await
}

pub async fn sign_in(api: &Api, email: &str, password: &str) -> anyhow::Result<Api> {
    let session: Value = api
        .post(
            "/api/v1/sessions",
            &json!({"email": email, "password": password}),
        )
        .await?;
    Ok(api.with_token(session["token"].as_str().context("no token came")?))
}

pub fn random_password() -> String {
    let mut bytes = [0; 12];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

pub async fn apply(stage: &Stage<'_>, organizer: &Api) -> anyhow::Result<()> {
    let step = stage
        .terminal
        .begin("challenge", "applying sts2024.toml under demo.toml");
    let body =
        json!({"file": CHALLENGE, "overlay": OVERLAY, "dry_run": false, "reason": "the demo"});
    let _: Value = organizer.put("/api/v1/challenges", &body).await?;
    step.done("applied", "");
    Ok(())
}

/// The splits that the demo fills.
pub const SPLITS: [&str; 3] = ["training-labelled", "validation", "test"];

pub async fn upload(stage: &Stage<'_>, organizer: &Api, challenge: &Value) -> anyhow::Result<()> {
    let step = stage
        .terminal
        .begin("data", "uploading cases and references");
    let mut stored = 0;
    for track in TRACKS {
        for split in SPLITS {
            let id = split_id(challenge, track, split)?;
            let folder = stage.folder.join(track).join(split);
            stored += upload_folder(organizer, id, &folder, &ProgressBar::hidden())
                .await
                .with_context(|| format!("{track}/{split}"))?;
        }
    }
    // The canary is named in the challenge file and is there only now.
    let body = json!({"file": CHALLENGE, "overlay": OVERLAY, "dry_run": false, "reason": "the demo's canaries"});
    let _: Value = organizer.put("/api/v1/challenges", &body).await?;
    step.done(&format!("{stored} cases stored"), "");
    Ok(())
}

fn split_id<'a>(challenge: &'a Value, track: &str, split: &str) -> anyhow::Result<&'a str> {
    let named = |list: &'a Value, slug: &str| {
        list.as_array()?
            .iter()
            .find(|found| text(found, "slug") == slug)
    };
    let found = named(&challenge["tracks"], track).and_then(|track| named(&track["splits"], split));
    found
        .map(|split| text(split, "id"))
        .with_context(|| format!("the challenge has no split {track}/{split}"))
}

/// Scoring reads every reference before a phase may open.
pub async fn wait_until_ready(
    stage: &Stage<'_>,
    organizer: &Api,
    challenge: &Value,
) -> anyhow::Result<()> {
    let step = stage.terminal.begin("references", "being read and checked");
    for (track, phase) in phases(challenge) {
        let mut last = Value::Null;
        let is_ready = async {
            loop {
                let now: Value = organizer
                    .find(&format!("/api/v1/phases/{}", text(phase, "id")))
                    .await?;
                if now["readiness"]["is_ready"] == Value::Bool(true) {
                    return anyhow::Ok(());
                }
                last = now["readiness"]["complaints"].clone();
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(180), is_ready).await;
        waited
            .with_context(|| format!("{track}/{} is not ready: {last}", text(phase, "slug")))??;
    }
    step.done("good", "");
    Ok(())
}

/// A final board shows teams no score until it is published.
pub async fn publish(stage: &Stage<'_>, organizer: &Api, challenge: &Value) -> anyhow::Result<()> {
    for (track, phase) in phases(challenge).filter(|(_, phase)| text(phase, "kind") == "container")
    {
        let path = format!("/api/v1/phases/{}/publish", text(phase, "id"));
        let _: Value = organizer
            .post(&path, &json!({"reason": "the demo is over"}))
            .await
            .with_context(|| track.to_owned())?;
    }
    stage
        .terminal
        .line("demo: the organizer published the final boards");
    Ok(())
}
