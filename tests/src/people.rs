//! The organizer and the teams, each behind a token of their own.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::api::{Api, client, id, items, text};
use crate::challenge::{self, LEASED, SLUG, Track};
use crate::predictions::{Case, Splits};
use crate::system::{System, binary};
use crate::until;

pub const PASSWORD: &str = "correct horse battery staple 7";

/// A challenge that is open, and the admin who opened it.
pub struct Organizer {
    pub api: Api,
    /// As `GET /api/v1/challenges/{slug}` tells it.
    pub challenge: Value,
}

pub struct Team {
    pub name: String,
    pub id: String,
    pub email: String,
    /// As its captain.
    pub api: Api,
}

async fn sign_in(system: &System, email: &str) -> anyhow::Result<Api> {
    let api = Api::new(system.url());
    let session = api
        .post(
            "/api/v1/sessions",
            &json!({"email": email, "password": PASSWORD}),
        )
        .await?
        .ok()?;
    Ok(api.with_token(session["token"].as_str().context("no token")?))
}

async fn admin(system: &System, email: &str, name: &str) -> anyhow::Result<Api> {
    let output = Command::new(binary().context("no binary")?)
        .args(["admin", "create", "--email", email, "--name", name])
        .env("MOLAR_OWNER_DATABASE_URL", system.owner_url()?)
        .env("MOLAR_PASSWORD", PASSWORD)
        .output()?;
    ensure!(
        output.status.success(),
        "admin create: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    sign_in(system, email).await
}

impl Organizer {
    /// The one thing that is done on the database's host is the first admin.
    pub async fn enter(system: &System) -> anyhow::Result<Self> {
        Ok(Self {
            api: admin(system, "organizer@test.invalid", "Olga Organizer").await?,
            challenge: Value::Null,
        })
    }

    /// Somebody else with the same rights.
    pub async fn another(system: &System, email: &str) -> anyhow::Result<Api> {
        admin(system, email, "Second Organizer").await
    }

    pub async fn apply(&mut self, file: &str) -> anyhow::Result<()> {
        let body = json!({"file": file, "overlay": null, "dry_run": false, "reason": "a test"});
        self.api.put("/api/v1/challenges", &body).await?.ok()?;
        self.challenge = self
            .api
            .get(&format!("/api/v1/challenges/{SLUG}"))
            .await?
            .ok()?;
        Ok(())
    }

    pub fn track(&self, track: Track) -> anyhow::Result<&Value> {
        named(&self.challenge["tracks"], track.slug())
    }

    pub fn phase_id(&self, track: Track, phase: &str) -> anyhow::Result<String> {
        id(named(&self.track(track)?["phases"], phase)?)
    }

    pub async fn upload(&self, track: Track, splits: &Splits) -> anyhow::Result<()> {
        for (split, cases) in splits {
            let split_id = id(named(&self.track(track)?["splits"], split)?)?;
            self.upload_split(&split_id, cases)
                .await
                .with_context(|| format!("{track:?} {split}"))?;
        }
        Ok(())
    }

    async fn upload_split(&self, split_id: &str, cases: &[Case]) -> anyhow::Result<()> {
        let print = |bytes: &[u8]| json!({"size_bytes": bytes.len(), "sha256": sha256(bytes)});
        let announced: Vec<Value> = cases
            .iter()
            .map(|case| {
                let mut one = print(&case.image);
                one["name"] = json!(case.name);
                one["image_name"] = json!(case.image_name);
                one["reference"] = print(&case.reference);
                one
            })
            .collect();
        let path = format!("/api/v1/splits/{split_id}/cases");
        let urls = self
            .api
            .post(&path, &json!({"cases": announced}))
            .await?
            .ok()?;
        let urls: BTreeMap<&str, &Value> = items(&urls)
            .iter()
            .map(|one| (text(one, "name"), one))
            .collect();
        for case in cases {
            let of = urls
                .get(case.name.as_str())
                .with_context(|| format!("no URLs for {}", case.name))?;
            put_signed(&of["image"], case.image.clone()).await?;
            put_signed(&of["reference"], case.reference.clone()).await?;
        }
        let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        self.api
            .post(&format!("{path}/stored"), &json!({"names": names}))
            .await?
            .ok()?;
        Ok(())
    }

    /// Scoring reads every reference before a phase takes anything.
    pub async fn until_ready(&self, track: Track, phase: &str) -> anyhow::Result<()> {
        let path = format!("/api/v1/phases/{}", self.phase_id(track, phase)?);
        let what = format!("{track:?} {phase} to be ready");
        until(&what, Duration::from_secs(60), async || {
            let now = self.api.get(&path).await?.ok()?;
            ensure!(now["readiness"]["is_ready"] == true, "{}", now["readiness"]);
            Ok(Some(()))
        })
        .await
    }

    pub async fn publish(&self, track: Track, phase: &str) -> anyhow::Result<()> {
        let path = format!("/api/v1/phases/{}/publish", self.phase_id(track, phase)?);
        self.api
            .post(&path, &json!({"reason": "the test is over"}))
            .await?
            .ok()?;
        Ok(())
    }

    /// Registers a captain and the team, and gives it a place in each of the tracks.
    pub async fn team(
        &self,
        system: &System,
        name: &str,
        tracks: &[Track],
    ) -> anyhow::Result<Team> {
        let team = Team::register(system, &self.challenge, name).await?;
        for track in tracks {
            team.ask_for(&id(self.track(*track)?)?).await?;
            self.approve_all(&id(self.track(*track)?)?).await?;
        }
        Ok(team)
    }

    async fn approve_all(&self, track_id: &str) -> anyhow::Result<()> {
        let path = format!("/api/v1/participations?track_id={track_id}&state=requested");
        for asked in items(&self.api.get(&path).await?.ok()?) {
            let path = format!("/api/v1/participations/{}/approve", id(asked)?);
            self.api.post(&path, &json!({})).await?.ok()?;
        }
        Ok(())
    }
}

impl Team {
    /// An account that signed the agreement, and its team; it takes part in nothing yet.
    pub async fn register(system: &System, challenge: &Value, name: &str) -> anyhow::Result<Self> {
        let email = format!("captain-{}@test.invalid", Uuid::new_v4().simple());
        let person = format!("Captain of {name}");
        let account = json!({"email": email, "name": person, "affiliation": "Test University", "password": PASSWORD});
        Api::new(system.url())
            .post("/api/v1/accounts", &account)
            .await?
            .ok()?;
        let api = sign_in(system, &email).await?;
        let agreement = json!({
            "challenge": SLUG,
            "version": text(&challenge["agreement"], "version"),
            "text_sha256": text(&challenge["agreement"], "sha256"),
            "name": person,
            "affiliation": "Test University",
        });
        api.post("/api/v1/agreements", &agreement).await?.ok()?;
        let team = api
            .post("/api/v1/teams", &json!({"challenge": SLUG, "name": name}))
            .await?
            .ok()?;
        Ok(Self {
            name: name.to_owned(),
            id: id(&team)?,
            email,
            api,
        })
    }

    pub async fn ask_for(&self, track_id: &str) -> anyhow::Result<()> {
        let body = json!({"team_id": self.id, "track_id": track_id});
        self.api.post("/api/v1/participations", &body).await?.ok()?;
        Ok(())
    }

    /// The same team after the system has moved to other ports.
    pub fn at(&self, system: &System) -> Self {
        Self {
            api: self.api.at(system.url()),
            name: self.name.clone(),
            id: self.id.clone(),
            email: self.email.clone(),
        }
    }
}

/// A challenge with all data of both tracks in place and every phase open.
pub async fn open_challenge(
    system: &System,
    drawn: &BTreeMap<Track, Splits>,
) -> anyhow::Result<Organizer> {
    let mut organizer = Organizer::enter(system).await?;
    let file = challenge::file();
    organizer.apply(&file).await?;
    for (track, splits) in drawn {
        organizer.upload(*track, splits).await?;
    }
    // The canary that the file names is there only now.
    organizer.apply(&file).await?;
    for track in drawn.keys() {
        for phase in ["validation", "final", LEASED, "tight"] {
            organizer.until_ready(*track, phase).await?;
        }
    }
    Ok(organizer)
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn named<'a>(list: &'a Value, slug: &str) -> anyhow::Result<&'a Value> {
    let found = list
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| text(one, "slug") == slug);
    found.with_context(|| format!("no `{slug}` in the challenge"))
}

/// Puts an object at a URL, with the headers that were signed.
async fn put_signed(signed: &Value, body: Vec<u8>) -> anyhow::Result<()> {
    let mut request = client().put(signed["url"].as_str().context("no URL to put to")?);
    for (name, value) in signed["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let answer = request.body(body).send().await?;
    let status = answer.status();
    ensure!(
        status.is_success(),
        "the object store answered {status}: {}",
        answer.text().await?
    );
    Ok(())
}
