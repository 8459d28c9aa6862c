//! The teams: accounts, agreement, a place in both tracks.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::organizer::{random_password, sign_in};
use super::{Stage, TEAMS};
use crate::client::lookup::{id, items};
use crate::client::{Api, text};

pub struct Team {
    pub name: &'static str,
    /// Of the example algorithm.
    pub variant: &'static str,
    pub id: String,
    /// As its captain.
    pub api: Api,
}

pub async fn register(
    stage: &Stage<'_>,
    organizer: &Api,
    challenge: &Value,
) -> anyhow::Result<Vec<Team>> {
    let step = stage.terminal.begin("teams", "registering");
    let mut teams = Vec::new();
    for (name, variant) in TEAMS {
        teams.push(
            register_one(stage, challenge, name, variant)
                .await
                .with_context(|| name)?,
        );
    }
    approve_all(organizer, challenge).await?;
    step.done(&format!("{} registered and approved", teams.len()), "");
    Ok(teams)
}

async fn register_one(
    stage: &Stage<'_>,
    challenge: &Value,
    name: &'static str,
    variant: &'static str,
) -> anyhow::Result<Team> {
    // A new address on every try: a demo that was interrupted begins again with people of its own.
    let tag = &uuid::Uuid::new_v4().simple().to_string()[..6];
    let (email, password) = (
        format!("captain-{variant}-{tag}@demo.invalid"),
        random_password(),
    );
    let person = format!("Captain of {name}");
    let body = json!({"email": email, "name": person, "affiliation": "Demo University", "password": password});
    let _: Value = stage.api.post("/api/v1/accounts", &body).await?;
    let api = sign_in(&stage.api, &email, &password).await?;

    let agreement = &challenge["agreement"];
    let body = json!({
        "challenge": "sts2024",
        "version": text(agreement, "version"),
        "text_sha256": text(agreement, "sha256"),
        "name": person,
        "affiliation": "Demo University",
    });
    let _: Value = api.post("/api/v1/agreements", &body).await?;
    let team: Value = api
        .post(
            "/api/v1/teams",
            &json!({"challenge": "sts2024", "name": name}),
        )
        .await?;
    let team_id = id(&team)?.to_owned();
    for track in challenge["tracks"].as_array().into_iter().flatten() {
        let body = json!({"team_id": team_id, "track_id": id(track)?});
        let _: Value = api.post("/api/v1/participations", &body).await?;
    }
    Ok(Team {
        name,
        variant,
        id: team_id,
        api,
    })
}

async fn approve_all(organizer: &Api, challenge: &Value) -> anyhow::Result<()> {
    for track in challenge["tracks"].as_array().into_iter().flatten() {
        let path = format!(
            "/api/v1/participations?track_id={}&state=requested",
            id(track)?
        );
        let asked: Value = organizer.find(&path).await?;
        for participation in items(&asked) {
            let path = format!("/api/v1/participations/{}/approve", id(participation)?);
            let _: Value = organizer.post(&path, &json!({})).await?;
        }
    }
    Ok(())
}
